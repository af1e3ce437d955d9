import Drivers
import GuestKernel
import PVWire

/// console: writes to the guest's console, one after the other: a buffer each to virtio-console where the machine has it,
/// otherwise byte by byte through the driver that the log itself uses.
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
  private let device: VirtioConsole?
  /// A line of NUL.
  private let line: DMAMemory

  init(_ session: Session) throws(WorkloadFailure) {
    let block = try session.number("block")
    guard block >= 1, block <= 4096 else { throw .failed(Text.bytes("block: expected 1 to 4096 bytes")) }
    bytesPerOperation = block
    self.session = session
    line = DMAMemory(count: Int(block))
    device = VirtioConsole(
      firstSlot: UInt(MemoryMap.virtioMMIO), stride: UInt(MemoryMap.virtioMMIOStride), slots: MemoryMap.virtioMMIOSlots,
      interruptInput: session.virtioInterruptInput)
    session.send(.log(Text.bytes("console: ", device == nil ? "uart" : "virtio-console")))
    if let device { try Self.send(Text.bytes("virtio-console is up\n"), to: device) }
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      let submitted = pv_tsc()
      try write()
      latency.record(session.nanoseconds(pv_tsc() &- submitted))
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
  }

  private func write() throws(WorkloadFailure) {
    guard let device else {
      for _ in 0..<bytesPerOperation { UART.send(0) }
      return
    }
    try Self.send(line, to: device)
  }

  private static func send(_ text: [UInt8], to device: VirtioConsole) throws(WorkloadFailure) {
    let buffer = DMAMemory(count: text.count)
    for (offset, byte) in text.enumerated() { buffer.store(byte, at: offset) }
    try send(buffer, to: device)
  }

  private static func send(_ buffer: DMAMemory, to device: VirtioConsole) throws(WorkloadFailure) {
    guard device.send(address: buffer.address, count: buffer.count) else {
      throw .failed(Text.bytes("virtio-console gave back another buffer than it was given"))
    }
  }
}
