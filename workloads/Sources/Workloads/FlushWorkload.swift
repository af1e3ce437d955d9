import Drivers
import GuestKernel
import PVWire

/// flush: ring 0 makes this processor forget translations that it has cached. One operation is one such instruction, timed in
/// ring 0, without what it takes to get there. After every batch a page that was replaced before it must be seen to be another.
///
/// Parameters: way (cr3: CR3 is loaded with what it holds, and all translations go; invlpg: that of one page), answer.
enum FlushWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let isCR3 = session.isWord("way", "cr3")
    guard isCR3 || session.isWord("way", "invlpg") else {
      throw .failed(Text.bytes("way: expected cr3 or invlpg"))
    }
    try session.measure(FlushLoop(session, isCR3: isCR3))
  }
}

private final class FlushLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let instruction: WayOut.Loop
  private let window = PageWindow()
  private let frames = DMAMemory(count: 8192)
  private let order = DMAMemory(count: MemoryLayout<pv_way_order>.size, alignment: 64).address
  private let spoilt: UInt64
  private var turn: UInt64 = 0

  init(_ session: Session, isCR3: Bool) throws(WorkloadFailure) {
    self.session = session
    instruction = isCR3 ? pv_way_cr3_ring0 : pv_way_invlpg_ring0
    spoilt = session.hasParameter("answer") ? try session.number("answer") : 0
    pv_way_set(order, isCR3 ? pv_control3() : UInt64(window.address(of: 0)), 0, 0, 0)
    pv_way_set_samples(order, UInt64(PV_WAY_SAMPLES))
    pv_store64(frames.address + 4096, 1)
    window.map(0, to: frames.address)
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  /// The cost of the measurement itself, in ring 0.
  func emptyMeasurement() -> UInt64? {
    _ = pv_call(pv_way_empty_ring0, UnsafeMutableRawPointer(bitPattern: order))
    return (0..<UInt64(PV_WAY_SAMPLES)).reduce(UInt64.max) { min($0, pv_way_delta(order, $1)) }
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      // Read now, so that there is something to forget.
      let before = pv_load64(window.address(of: 0))
      turn += 1
      window.map(0, to: frames.address + 4096 * UInt(turn & 1))
      _ = pv_call(instruction, UnsafeMutableRawPointer(bitPattern: order))
      guard before == (turn - 1) & 1, pv_load64(window.address(of: 0)) == turn & 1 + spoilt else {
        throw .failed(Text.bytes("a page that was replaced is still seen"))
      }
      for sample in 0..<UInt64(PV_WAY_SAMPLES) { latency.record(session.nanoseconds(pv_way_delta(order, sample))) }
      operations += UInt64(PV_WAY_SAMPLES)
      session.beat()
    } while pv_tsc() < deadline
  }
}
