import Drivers
import GuestKernel
import PVWire

/// console: writes to the guest's log, one after the other, through the driver that the log itself uses.
///
/// Parameter: block (bytes a write). What is written is NUL, which terminals and the host's log ignore: the path is the
/// same for every byte, and the log stays readable.
enum ConsoleWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) { try session.measure(ConsoleLoop(session)) }
}

private final class ConsoleLoop: MeasuredLoop {
  let bytesPerOperation: UInt64
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session

  init(_ session: Session) throws(WorkloadFailure) {
    let block = try session.number("block")
    guard block >= 1, block <= 4096 else { throw .failed(Text.bytes("block: expected 1 to 4096 bytes")) }
    bytesPerOperation = block
    self.session = session
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      let submitted = pv_tsc()
      for _ in 0..<bytesPerOperation { UART.send(0) }
      latency.record(session.nanoseconds(pv_tsc() &- submitted))
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
  }
}
