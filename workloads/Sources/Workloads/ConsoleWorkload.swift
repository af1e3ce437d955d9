import Drivers
import GuestKernel
import PVWire

/// console: writes to the guest's log, one after the other, through the driver that the log itself uses.
///
/// Parameter: block (bytes a write). What is written is NUL, which terminals and the host's log ignore: the path is the
/// same for every byte, and the log stays readable.
enum ConsoleWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let block = try session.number("block")
    guard block >= 1, block <= 4096 else { throw .failed(Text.bytes("block: expected 1 to 4096 bytes")) }
    let latency = LatencyHistogram()
    session.ring(.ready)
    _ = write(session, block: block, nanoseconds: session.orders.warmupNanoseconds, latency: nil)
    let empty = session.emptyMeasurement()

    session.ring(.windowOpen)
    let start = pv_tsc()
    let operations = write(session, block: block, nanoseconds: session.orders.windowNanoseconds, latency: latency)
    let end = pv_tsc()
    session.ring(.windowClose)

    session.send(
      .window(
        operations: operations, bytes: operations * block, startTSC: start, endTSC: end, emptyLoopTicks: empty))
    session.send(histogram: latency, name: "latency")
  }

  /// Writes for this long, at least once; returns the number of writes.
  private static func write(
    _ session: Session, block: UInt64, nanoseconds: UInt64, latency: LatencyHistogram?
  ) -> UInt64 {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    var operations: UInt64 = 0
    repeat {
      let submitted = pv_tsc()
      for _ in 0..<block { UART.send(0) }
      latency?.record(session.nanoseconds(pv_tsc() &- submitted))
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
    return operations
  }
}
