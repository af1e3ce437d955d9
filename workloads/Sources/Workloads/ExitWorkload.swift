import GuestKernel
import PVWire

/// exits: leaves the guest over and over by one way out, to a place that no device answers, so that what is measured is the way
/// out and back.
///
/// Parameter: way (see `ways`). Latency is that of the one instruction, with the TSC read on both sides of it.
enum ExitWorkload {
  /// Every way out of the guest. To add one: a row here, and its name in the host's schema of this kernel.
  private static let ways: [(name: StaticString, leave: @Sendable () -> Void)] = [
    ("pio", { pv_out32(MemoryMap.nobodysPort, 0) }),
    ("mmio", { pv_write32(UInt(MemoryMap.nobodysAddress), 0) }),
  ]

  static func run(_ session: Session) throws(WorkloadFailure) {
    for way in ways where session.isWord("way", way.name) { return try session.measure(ExitLoop(session, way.leave)) }
    throw .failed(Text.bytes("way: the guest knows no such way out"))
  }
}

private final class ExitLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let leave: () -> Void

  init(_ session: Session, _ leave: @escaping () -> Void) {
    self.session = session
    self.leave = leave
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    var after: UInt64
    repeat {
      let before = pv_tsc()
      leave()
      after = pv_tsc()
      latency.record(session.nanoseconds(after &- before))
      operations += 1
      session.beat()
    } while after < deadline
  }
}
