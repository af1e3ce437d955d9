import DeviceModel
import GuestMemory
import KVM
import PVWire
import ParavirtDevices

/// Virtio devices on either transport.
extension Wiring {
  /// QueueNotify within a virtio-mmio slot (virtio 1.2, 4.2.2).
  private static let queueNotify: UInt64 = 0x50

  /// A virtio device, and the threads that serve it, on the transport that was chosen.
  mutating func attach(
    _ device: any VirtioDevice, slot: AddressMap.Slot, mmioSlot: Int, _ machine: borrowing VirtualMachine,
    memory: GuestMemory
  ) throws(MachineError) {
    if isVirtioOnPCI {
      try attachToPCI(device, slot: slot, machine, memory: memory)
    } else {
      // What a foreign kernel is told on its command line can only be one of the sixteen inputs that it knows from the start.
      let gsi = systemControl == nil ? MemoryMap.virtioMMIOFirstGSI + UInt32(mmioSlot) : slot.line
      try attachToMMIO(device, slot: mmioSlot, gsi: gsi, machine, memory: memory)
    }
    workers += device.threads
  }

  /// A virtio device in a virtio-mmio slot: doorbells by ioeventfd, one address told apart by the queue's number
  /// (or by the exit that the transport answers), and interrupts by irqfd.
  mutating func attachToMMIO(
    _ device: any VirtioDevice, slot: Int, gsi: UInt32, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    do {
      let base = MemoryMap.virtioMMIO + UInt64(slot) * MemoryMap.virtioMMIOStride
      let interrupt = try EventFD()
      let transport = VirtioMMIOTransport(device: device, memory: memory, interrupt: interrupt)
      try mmio.map(transport, at: base, count: MemoryMap.virtioMMIOStride)
      try machine.assignIRQFD(descriptor: interrupt.descriptor, gsi: gsi)
      let notify = GuestAddress(base + Self.queueNotify)
      for (queue, doorbell) in device.doorbells.enumerated() where !doorbellExits {
        try machine.assignDoorbell(
          descriptor: doorbell.descriptor, address: .mmio(notify), width: 4, match: UInt64(queue))
      }
      mmioSlots.append(ACPITables.MMIOSlot(base: base, gsi: gsi))
      commandLine += commandLine.isEmpty ? "" : " "
      commandLine += "virtio_mmio.device=\(MemoryMap.virtioMMIOStride)@0x\(String(base, radix: 16)):\(gsi)"
    } catch let error as KVMError {
      throw .kvm(error)
    } catch {
      throw .wiring("virtio-mmio: \(error)")
    }
  }

  /// A virtio device in a PCI slot: a doorbell address of its own for each queue by ioeventfd, and MSI-X by irqfd.
  mutating func attachToPCI(
    _ device: any VirtioDevice, slot: AddressMap.Slot, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    let transport = VirtioPCITransport(
      device: device, memory: memory, structures: slot.memory,
      messageWindow: slot.memory + VirtioPCIStructure.windowByteCount,
      messages: try messages(count: device.queueSizes.count + 1, machine), line: try line(slot.line, of: machine),
      lineNumber: UInt8(slot.line))
    try add(transport, slot: slot.number)
    let notify = GuestAddress(UInt64(slot.memory) + UInt64(VirtioPCIStructure.notify.offset))
    do {
      for (queue, doorbell) in device.doorbells.enumerated() where !doorbellExits {
        let address = notify + UInt64(queue * VirtioPCIStructure.notifyMultiplier)
        try machine.assignDoorbell(descriptor: doorbell.descriptor, address: .mmio(address), width: 0)
      }
    } catch { throw .kvm(error) }
  }
}
