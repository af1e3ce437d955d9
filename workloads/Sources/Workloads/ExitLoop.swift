import Drivers
import GuestKernel
import PVWire

/// Takes one way out of the guest over and over, in batches whose number of turns doubles until one lasts long enough for the
/// clock and the heartbeat between them not to matter.
final class ExitLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let way: WayOut
  private let loop: WayOut.Loop
  private let emptyLoop: WayOut.Loop
  private let isPrivileged: Bool
  private let order = DMAMemory(count: MemoryLayout<pv_way_order>.size, alignment: 64).address
  private var turns: UInt64 = 1

  /// How long a batch lasts at least, where its turns are not at their most.
  private static let longEnough: UInt64 = 1_000_000

  /// A loop over `way` in ring 0 or in ring 3, once its answer is known to be right.
  init(_ session: Session, _ way: WayOut, isPrivileged: Bool) throws(WorkloadFailure) {
    guard let loop = way.loop(isPrivileged: isPrivileged) else {
      throw .failed(Text.bytes(way.name, ": only ring 0 can leave so"))
    }
    self.session = session
    self.way = way
    self.loop = loop
    self.isPrivileged = isPrivileged
    emptyLoop = isPrivileged ? pv_way_empty_ring0 : pv_way_empty
    way.fill(order)
    try check()
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    let longEnough = session.ticks(nanoseconds: Self.longEnough)
    var end: UInt64
    repeat {
      let start = pv_tsc()
      take(turns, by: loop)
      end = pv_tsc()
      for turn in 0..<turns { latency.record(session.nanoseconds(pv_way_delta(order, turn))) }
      operations += turns
      session.beat()
      if end &- start < longEnough { turns = min(2 * turns, UInt64(PV_WAY_SAMPLES)) }
    } while end < deadline
  }

  /// The cost of the measurement itself, in the ring in which it is made.
  func emptyMeasurement() -> UInt64? {
    take(UInt64(PV_WAY_SAMPLES), by: emptyLoop)
    return (0..<UInt64(PV_WAY_SAMPLES)).reduce(UInt64.max) { min($0, pv_way_delta(order, $1)) }
  }

  func settle() throws(WorkloadFailure) { try check() }

  /// Leaves once, untimed, and looks at what came of it.
  private func check() throws(WorkloadFailure) {
    let answer = take(0, by: loop)
    guard answer != way.absent else { throw .skipped(Text.bytes(way.name, ": this host's KVM has no such call")) }
    guard way.isRight(answer) else {
      throw .failed(Text.bytes(way.name, ": wrong answer ") + Text.hexadecimal(answer))
    }
  }

  @discardableResult private func take(_ turns: UInt64, by loop: WayOut.Loop) -> UInt64 {
    pv_way_set_samples(order, turns)
    let order = UnsafeMutableRawPointer(bitPattern: order)
    return isPrivileged ? pv_call(loop, order) : loop(order)
  }
}
