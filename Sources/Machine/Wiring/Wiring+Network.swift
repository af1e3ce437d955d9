import DeviceModel
import EmulatedDevices
import GuestMemory
import KVM
import ParavirtDevices

/// The network card.
extension Wiring {
  mutating func attachNetwork(
    _ device: any VirtioDevice, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    try attach(device, slot: AddressMap.PCI.network, mmioSlot: AddressMap.MMIOSlot.network, machine, memory: memory)
  }

  /// An 82540EM in the network card's PCI slot: registers by exits, INTA, and a thread for what comes in.
  mutating func attachE1000(
    _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    let slot = AddressMap.PCI.network
    let placement = E1000.Placement(memory: slot.memory, ports: slot.ports, interruptLine: UInt8(slot.line))
    let line = try line(slot.line, of: machine)
    guard let card = try network?.makeE1000(memory: memory, interrupt: line, placement: placement) else { return }
    try add(card, slot: slot.number)
    workers.append(card.worker)
  }
}
