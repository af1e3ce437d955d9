import GuestMemory
import KVM
import MachineLauncher
import ParavirtDevices

/// The source of random bytes.
extension Wiring {
  /// The device, where the machine has one.
  static func makeEntropy(_ specification: MachineSpecification) throws(MachineError) -> VirtioEntropy? {
    guard specification.choices["entropy"] == "virtio-rng" else { return nil }
    do { return try VirtioEntropy() } catch { throw .wiring("virtio-rng: no eventfd, errno \(error.errno)") }
  }

  mutating func attachEntropy(
    _ device: VirtioEntropy, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    try attach(device, slot: AddressMap.PCI.entropy, mmioSlot: AddressMap.MMIOSlot.entropy, machine, memory: memory)
  }
}
