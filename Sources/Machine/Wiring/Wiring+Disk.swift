import Backends
import DeviceModel
import EmulatedDevices
import GuestMemory
import KVM
import MachineLauncher
import ParavirtDevices

/// The disk and its controller.
extension Wiring {
  /// What stands behind the disk, and its controller where that needs no VM. Opening a medium and making an io_uring takes
  /// time that a VM should not be waiting for.
  enum Disk {
    case none
    case ide(any BlockStorage, hasDMA: Bool)
    case virtio(VirtioBlock)
  }

  static func openDisk(_ specification: MachineSpecification) throws(MachineError) -> Disk {
    guard let storage = try DiskMedium.open(specification.disk) else { return .none }
    switch specification.choices["disk"] {
    case "virtio-blk":
      do { return .virtio(try VirtioBlock(storage: storage, queueCount: specification.vcpus)) } catch {
        throw .wiring("virtio-blk: \(error)")
      }
    case let choice: return .ide(storage, hasDMA: choice == "ide-dma")
    }
  }

  private static let driveIdentity = DriveIdentity(serial: "PVBENCH0")

  /// An IDE channel as the ISA bus had them: at legacy ports, without a PCI function, hence without DMA.
  mutating func attachIDE(_ storage: any BlockStorage, _ machine: borrowing VirtualMachine) throws(MachineError) {
    try map(
      IDEChannel(
        storage: storage, identity: Self.driveIdentity, interrupt: try line(GSI.ide, of: machine)))
  }

  /// The PIIX3's IDE function: the same channel, and a bus master.
  mutating func attachPIIX3(
    _ storage: any BlockStorage, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    let function = PIIX3IDE(
      storage: storage, identity: Self.driveIdentity, interrupt: try line(GSI.ide, of: machine), memory: memory,
      ports: AddressMap.PCI.busMasterPorts)
    try map(function.primary)
    try add(function, slot: AddressMap.PCI.southBridge, function: AddressMap.PCI.ideFunction)
  }

  mutating func map(_ channel: IDEChannel) throws(MachineError) {
    try Self.map(channel.commandBlock, at: Port.ideCommand, count: 8, on: &ports)
    try Self.map(channel.controlBlock, at: Port.ideControl, count: 1, on: &ports)
  }
}
