import Drivers
import GuestKernel
import PVWire

/// dirty: a word is written in one page after the other, an operation each, at a set rate: operation n is due at n / rate, however
/// late the one before was. Latency runs from there to its end. Value: memory.dirtied, the pages that the window has written to.
///
/// Parameters: rate (pages a second; 0 for as fast as it goes, where latency is that of the write), size (of the pages), answer.
enum DirtyWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let loop = try DirtyLoop(session)
    try session.measure(loop)
    session.send(.value(name: Text.bytes("memory.dirtied"), min(loop.operations, UInt64(loop.pages))))
  }
}

private final class DirtyLoop: MeasuredLoop {
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  let bytesPerOperation: UInt64 = 0
  let pages: Int
  private let session: Session
  private let memory: DMAMemory
  private let interval: UInt64
  private let spoilt: UInt64
  private var written: UInt64 = 0
  private static let pageSize = 4096

  init(_ session: Session) throws(WorkloadFailure) {
    self.session = session
    memory = try session.arena(parts: 1, of: try session.workingSet())[0]
    pages = memory.count / Self.pageSize
    let rate = try session.number("rate")
    guard rate <= 1_000_000_000 else { throw .failed(Text.bytes("rate: expected 0 to 1000000000")) }
    interval = rate == 0 ? 0 : session.orders.tscHertz / rate
    spoilt = session.hasParameter("answer") ? try session.number("answer") : 0
    for page in 0..<pages { memory.store(UInt64(0), at: page * Self.pageSize) }
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let start = pv_tsc()
    let deadline = start &+ session.ticks(nanoseconds: nanoseconds)
    var due = start
    repeat {
      if interval == 0 { due = pv_tsc() } else { while pv_tsc() < due { pv_pause() } }
      let offset = Int(written % UInt64(pages)) * Self.pageSize
      memory.store(written / UInt64(pages) + 1, at: offset)
      latency.record(session.nanoseconds(pv_tsc() &- due))
      written += 1
      operations += 1
      due = due &+ interval
      session.beat()
    } while pv_tsc() < deadline
  }

  /// Every page must hold how often it was written to.
  func settle() throws(WorkloadFailure) {
    for page in 0..<pages {
      let turns = written / UInt64(pages) + (UInt64(page) < written % UInt64(pages) ? 1 : 0)
      guard memory.load(UInt64.self, at: page * Self.pageSize) == turns + spoilt else {
        throw .failed(Text.bytes("a page does not hold what was written to it"))
      }
    }
  }
}
