import DeviceModel
import EmulatedDevices
import KVM

/// The guest's serial console: bytes gathered in a buffer that is allocated once; what does not fit is dropped.
final class ConsoleLog: SerialSink {
  private var bytes: [UInt8] = []
  private static let capacity = 64 << 10

  init() { bytes.reserveCapacity(Self.capacity) }

  /// NUL is ignored, as terminals do.
  func byte(_ value: UInt8) { if value != 0, bytes.count < Self.capacity { bytes.append(value) } }

  /// What was printed, line by line.
  var lines: [String] { bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) } }
}

/// The guest's log.
extension Wiring {
  mutating func attachConsole(_ machine: borrowing VirtualMachine) throws(MachineError) {
    let uart = UART16550A(interrupt: try line(GSI.com1, of: machine), sink: console)
    try Self.map(uart, at: Port.com1, count: 8, on: &ports)
  }
}
