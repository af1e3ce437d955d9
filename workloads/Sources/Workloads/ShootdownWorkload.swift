import Drivers
import GuestKernel
import PVWire

/// shootdown: processor 0 puts another page in the place of one that all use, and interrupts the others, each of which forgets its
/// cached translation in ring 0; an operation ends when all have. Then each must see the new page.
///
/// Parameters: vcpus, answer.
enum ShootdownWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let loop = try ShootdownLoop(session)
    loop.begin()
    try session.measure(loop)
  }
}

/// Nothing in it allocates.
private final class ShootdownLoop: MeasuredLoop {
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  let bytesPerOperation: UInt64 = 0
  private let session: Session
  private let processors: Int
  private let window = PageWindow()
  private let frames = DMAMemory(count: 8192)
  private let board = DMAMemory(count: 64 * (Processors.most + 1))
  private let spoilt: UInt64
  private let patience: UInt64
  private var turn: UInt64 = 0

  /// Offsets: what processor 0 asks for (a turn, or the end), then a line for each processor with what it answers.
  private enum Place {
    static let asked: UInt = 0
    static let stride: UInt = 64
    static let answered: UInt = 0
    static let seen: UInt = 8
  }
  private static let end = UInt64.max

  init(_ session: Session) throws(WorkloadFailure) {
    self.session = session
    processors = try session.processors(atLeast: 2)
    spoilt = session.hasParameter("answer") ? try session.number("answer") : 0
    patience = session.ticks(nanoseconds: 2_000_000_000)
    LocalAPIC.enable(acceptsPIC: false)
    window.map(0, to: frames.address)
    pv_set_shootdown_address(window.address(of: 0))
  }

  /// Every other processor begins to use the page.
  func begin() { session.startOthers(of: processors) { self.use($0) } }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      turn += 1
      let frame = frames.address + 4096 * UInt(turn & 1)
      pv_store64(frame, turn)
      let forgotten = pv_shootdown_count() + UInt64(processors - 1)
      let start = pv_tsc()
      window.map(0, to: frame)
      window.forget(0)
      for index in 1..<processors { LocalAPIC.interrupt(index, vector: UInt8(pv_shootdown_vector)) }
      let limit = start &+ patience
      while pv_shootdown_count() != forgotten {
        guard pv_tsc() < limit else { throw .failed(Text.bytes("a vCPU was not interrupted")) }
        pv_pause()
      }
      latency.record(session.nanoseconds(pv_tsc() &- start))
      try confirm()
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
  }

  func settle() throws(WorkloadFailure) {
    pv_store64(board.address + Place.asked, Self.end)
    try session.awaitProcessors(processors, ticks: patience, "a vCPU does not come to its end")
  }

  /// All processors say which page they see.
  private func confirm() throws(WorkloadFailure) {
    pv_store64(board.address + Place.asked, turn)
    let limit = pv_tsc() &+ patience
    for index in 1..<processors {
      while pv_load64(line(index) + Place.answered) != turn {
        guard pv_tsc() < limit else { throw .failed(Text.bytes("a vCPU does not answer")) }
        pv_pause()
      }
      guard pv_load64(line(index) + Place.seen) == turn + spoilt else {
        throw .failed(Text.bytes("a vCPU still sees a page that was replaced"))
      }
    }
  }

  /// The part of processor `index`: it reads the page all the time, so that it has a translation to forget.
  private func use(_ index: Int) {
    var answered: UInt64 = 0
    while true {
      let asked = pv_load64(board.address + Place.asked)
      let seen = pv_load64(window.address(of: 0))
      guard asked != Self.end else { return }
      guard asked != answered else { continue }
      pv_store64(line(index) + Place.seen, seen)
      pv_store64(line(index) + Place.answered, asked)
      answered = asked
    }
  }

  private func line(_ index: Int) -> UInt { board.address + Place.stride * UInt(index) }
}
