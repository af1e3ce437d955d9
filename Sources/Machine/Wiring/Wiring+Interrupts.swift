import DeviceModel
import EmulatedDevices
import KVM
import PVWire

/// Interrupt controllers outside the kernel, and what tries interrupts out.
extension Wiring {
  /// The I/O APIC of a split irqchip: in front of every line from here on.
  mutating func attachIOAPIC(_ machine: borrowing VirtualMachine) throws(MachineError) {
    let router = try router(of: machine)
    do {
      let chip = IOAPIC(messages: KVMMessenger(port: try machine.messagePort(), router: router))
      try Self.map(chip, at: AddressMap.ioapic, count: IOAPIC.windowByteCount, on: &mmio)
      ioapic = chip
    } catch let error as KVMError {
      throw .kvm(error)
    } catch {
      throw .wiring("\(error)")
    }
  }

  mutating func attachInterruptSource(_ machine: borrowing VirtualMachine) throws(MachineError) {
    let line = try line(GSI.interruptSource, of: machine)
    do {
      let source = try InterruptSource(line: line)
      workers.append(source.worker)
      try Self.map(source, at: Port.interruptSource, count: InterruptSource.portCount, on: &ports)
    } catch { throw .wiring("no eventfd for the interrupt source: \(error)") }
  }
}

extension Wiring {
  /// A port that interrupts processor 1: KVM signals an eventfd to which it listens itself.
  mutating func attachRelay(_ machine: borrowing VirtualMachine) throws(MachineError) {
    let gsi = nextMessage
    nextMessage += 1
    let router = try router(of: machine)
    do {
      let event = try EventFD()
      try router.route(
        gsi: gsi, to: InterruptMessage(address: MemoryMap.localAPIC | 1 << 12, data: UInt32(MemoryMap.relayVector)))
      try machine.assignIRQFD(descriptor: event.descriptor, gsi: gsi)
      try machine.assignDoorbell(descriptor: event.descriptor, address: .port(MemoryMap.relayPort), width: 4)
      relay = event
    } catch let error as KVMError {
      throw .kvm(error)
    } catch {
      throw .wiring("no eventfd for the relay: \(error)")
    }
  }
}

/// The I/O APIC's way into KVM.
private final class KVMMessenger: InterruptMessenger {
  private let port: MessagePort
  private let router: InterruptRouter

  init(port: MessagePort, router: InterruptRouter) {
    self.port = port
    self.router = router
  }

  func send(address: UInt64, data: UInt32) { port.send(InterruptMessage(address: address, data: data)) }

  /// Inputs are GSIs. A route that KVM refuses is a message to nobody.
  func route(input: Int, address: UInt64, data: UInt32, isMasked: Bool) {
    try? router.route(gsi: UInt32(input), to: isMasked ? nil : InterruptMessage(address: address, data: data))
  }
}
