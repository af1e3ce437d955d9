import DeviceModel
import EmulatedDevices
import GuestMemory
import KVM
import MachineLauncher
import ParavirtDevices
import Synchronization

/// The guest's console, whatever it is: bytes gathered in a buffer that is allocated once; what does not fit is dropped.
/// Devices write from threads of their own; it is read when they have ended.
final class ConsoleLog: SerialSink, ConsoleSink, @unchecked Sendable {
  private let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: capacity)
  private let taken = Atomic(0)
  private let firstByte = Atomic<UInt64>(0)
  /// Where everything goes in place of the buffer; set before the devices are used.
  var onward: (any SerialSink)?
  private static let capacity = 64 << 10

  deinit { bytes.deallocate() }

  /// NUL is ignored, as terminals do.
  func byte(_ value: UInt8) {
    if let onward { return onward.byte(value) }
    guard value != 0, taken.load(ordering: .relaxed) < Self.capacity else { return }
    let index = taken.wrappingAdd(1, ordering: .relaxed).oldValue
    if index == 0 { firstByte.store(HostClock.sinceBoot(), ordering: .relaxed) }
    // SAFETY: inside the buffer, at a place that no other writer has.
    if index < Self.capacity { bytes.initializeElement(at: index, to: value) }
  }

  /// CLOCK_MONOTONIC at the first byte, in nanoseconds; nil before it.
  var firstByteNanoseconds: UInt64? {
    let value = firstByte.load(ordering: .relaxed)
    return value == 0 ? nil : value
  }

  /// What was printed, line by line.
  var lines: [String] {
    // SAFETY: places up to the count were written by threads that have ended.
    bytes[..<min(taken.load(ordering: .acquiring), Self.capacity)].split(separator: 10).map {
      String(decoding: $0, as: UTF8.self)
    }
  }
}

/// The guest's log.
extension Wiring {
  /// The paravirtual console, where the machine has one.
  static func makeConsole(
    _ specification: MachineSpecification, sink: ConsoleLog
  ) throws(MachineError) -> VirtioConsole? {
    guard specification.choices["console"] == "virtio-console" else { return nil }
    do { return try VirtioConsole(sink: sink) } catch {
      throw .wiring("virtio-console: no eventfd, errno \(error.errno)")
    }
  }

  /// The UART is always there: a guest says something before it has found any other device.
  mutating func attachConsole(_ machine: borrowing VirtualMachine, memory: GuestMemory) throws(MachineError) {
    let uart = UART16550A(interrupt: try line(GSI.com1, of: machine), sink: console)
    try Self.map(uart, at: Port.com1, count: 8, on: &ports)
    guard let virtioConsole else { return }
    try attach(
      virtioConsole, slot: AddressMap.PCI.console, mmioSlot: AddressMap.MMIOSlot.console, machine, memory: memory)
  }
}
