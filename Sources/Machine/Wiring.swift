import Backends
import DeviceModel
import EmulatedDevices
import GuestMemory
import KVM
import MachineLauncher
import PVWire
import ParavirtDevices

/// A level-triggered KVM interrupt input as devices know one.
final class KVMInterruptLine: InterruptLine {
  private let input: InterruptInput
  init(_ input: InterruptInput) { self.input = input }
  func set(_ asserted: Bool) { input.set(asserted) }
}

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

/// The machine profile's rows put into effect: devices on buses, interrupts and doorbells into KVM. Addresses are those of
/// `AddressMap`; devices never learn them.
struct Wiring: ~Copyable {
  private var ports = Bus()
  private var mmio = Bus()
  /// What runs beside the vCPUs: one entry a device queue.
  var workers: [any DeviceWorker] = []
  /// What a Linux guest would be told of devices that cannot be probed.
  var commandLine = ""
  /// What is behind the network card, and the card's own counters where it has any: read them when the workers have ended.
  private(set) var network: NetworkAttachment?
  let console = ConsoleLog()

  /// QueueNotify within a virtio-mmio slot (virtio 1.2, 4.2.2).
  private static let queueNotify: UInt64 = 0x50
  private typealias Port = AddressMap.Port
  private typealias GSI = AddressMap.GSI

  /// What stands behind the disk, and its controller where that needs no VM. Opening a medium and making an io_uring takes
  /// time that a VM should not be waiting for.
  private enum Disk {
    case none
    case ide(any BlockStorage, hasDMA: Bool)
    case virtio(VirtioBlock)
  }
  private let disk: Disk
  private let isVirtioOnPCI: Bool
  private let doorbellExits: Bool
  private let pci = PCIHostBridge()
  private var router: InterruptRouter?
  private var nextMessage = InterruptRouter.firstMessage

  /// Makes what can be made without a VM.
  init(_ specification: MachineSpecification) throws(MachineError) {
    let network = try NetworkAttachment(specification)
    let disk = try Self.openDisk(specification)
    self.network = network
    self.disk = disk
    doorbellExits = specification.choices["doorbell"] == "exit"
    isVirtioOnPCI = specification.choices["transport"] == "pci"
  }

  private static func openDisk(_ specification: MachineSpecification) throws(MachineError) -> Disk {
    guard let storage = try DiskMedium.open(specification.disk) else { return .none }
    switch specification.choices["disk"] {
    case "virtio-blk":
      do { return .virtio(try VirtioBlock(storage: storage, queueCount: specification.vcpus)) } catch {
        throw .wiring("virtio-blk: \(error)")
      }
    case let choice: return .ide(storage, hasDMA: choice == "ide-dma")
    }
  }

  /// Attaches everything to `machine`, whose RAM is `memory`.
  mutating func attach(to machine: borrowing VirtualMachine, memory: GuestMemory) throws(MachineError) {
    try attachConsole(machine)
    attachSouthBridge()
    switch disk {
    case .none: break
    case .ide(let storage, hasDMA: false): try attachIDE(storage, machine)
    case .ide(let storage, hasDMA: true): try attachPIIX3(storage, machine, memory: memory)
    case .virtio(let device):
      try attach(device, slot: AddressMap.PCI.disk, mmioSlot: AddressMap.MMIOSlot.disk, machine, memory: memory)
    }
    switch network?.card {
    case nil: break
    case .virtio(let device):
      try attach(device, slot: AddressMap.PCI.network, mmioSlot: AddressMap.MMIOSlot.network, machine, memory: memory)
    case .e1000: try attachE1000(machine, memory: memory)
    }
    try Self.map(pci.ports, at: Port.pciConfiguration, count: 8, on: &ports)
  }

  /// Hands the buses over to whoever answers exits; they are empty afterwards.
  mutating func takeDispatcher() -> ExitDispatcher {
    var ports = Bus()
    var mmio = Bus()
    swap(&ports, &self.ports)
    swap(&mmio, &self.mmio)
    return ExitDispatcher(ports: ports, mmio: mmio)
  }

  private mutating func attachConsole(_ machine: borrowing VirtualMachine) throws(MachineError) {
    let uart = UART16550A(interrupt: try Self.line(GSI.com1, of: machine), sink: console)
    try Self.map(uart, at: Port.com1, count: 8, on: &ports)
  }

  private static let driveIdentity = DriveIdentity(serial: "PVBENCH0")

  /// An IDE channel as the ISA bus had them: at legacy ports, without a PCI function, hence without DMA.
  private mutating func attachIDE(_ storage: any BlockStorage, _ machine: borrowing VirtualMachine) throws(MachineError)
  {
    try map(
      IDEChannel(
        storage: storage, identity: Self.driveIdentity, interrupt: try Self.line(GSI.ide, of: machine)))
  }

  /// The PIIX3's IDE function: the same channel, and a bus master.
  private mutating func attachPIIX3(
    _ storage: any BlockStorage, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    let function = PIIX3IDE(
      storage: storage, identity: Self.driveIdentity, interrupt: try Self.line(GSI.ide, of: machine), memory: memory,
      ports: AddressMap.PCI.busMasterPorts)
    try map(function.primary)
    try add(function, slot: AddressMap.PCI.southBridge, function: AddressMap.PCI.ideFunction)
  }

  private mutating func map(_ channel: IDEChannel) throws(MachineError) {
    try Self.map(channel.commandBlock, at: Port.ideCommand, count: 8, on: &ports)
    try Self.map(channel.controlBlock, at: Port.ideControl, count: 1, on: &ports)
  }

  /// The PIIX3's ISA bridge (82371SB): nothing but an identity, in front of the devices at legacy ports.
  private func attachSouthBridge() {
    let bridge = PCIStub(PCIIdentity(vendor: 0x8086, device: 0x7000, classCode: 0x060100))
    pci.add(bridge, slot: AddressMap.PCI.southBridge)
  }

  /// A virtio device, and the threads that serve it, on the transport that was chosen.
  private mutating func attach(
    _ device: any VirtioDevice, slot: AddressMap.Slot, mmioSlot: Int, _ machine: borrowing VirtualMachine,
    memory: GuestMemory
  ) throws(MachineError) {
    if isVirtioOnPCI {
      try attachToPCI(device, slot: slot, machine, memory: memory)
    } else {
      try attachToMMIO(device, slot: mmioSlot, machine, memory: memory)
    }
    workers += device.threads
  }

  /// A virtio device in a virtio-mmio slot: doorbells by ioeventfd, one address told apart by the queue's number
  /// (or by the exit that the transport answers), and interrupts by irqfd.
  private mutating func attachToMMIO(
    _ device: any VirtioDevice, slot: Int, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    do {
      let base = MemoryMap.virtioMMIO + UInt64(slot) * MemoryMap.virtioMMIOStride
      let gsi = MemoryMap.virtioMMIOFirstGSI + UInt32(slot)
      let interrupt = try EventFD()
      let transport = VirtioMMIOTransport(device: device, memory: memory, interrupt: interrupt)
      try mmio.map(transport, at: base, count: MemoryMap.virtioMMIOStride)
      try machine.assignIRQFD(descriptor: interrupt.descriptor, gsi: gsi)
      let notify = GuestAddress(base + Self.queueNotify)
      for (queue, doorbell) in device.doorbells.enumerated() where !doorbellExits {
        try machine.assignDoorbell(
          descriptor: doorbell.descriptor, address: .mmio(notify), width: 4, match: UInt64(queue))
      }
      commandLine += commandLine.isEmpty ? "" : " "
      commandLine += "virtio_mmio.device=\(MemoryMap.virtioMMIOStride)@0x\(String(base, radix: 16)):\(gsi)"
    } catch let error as KVMError {
      throw .kvm(error)
    } catch {
      throw .wiring("virtio-mmio: \(error)")
    }
  }

  /// A virtio device in a PCI slot: a doorbell address of its own for each queue by ioeventfd, and MSI-X by irqfd.
  private mutating func attachToPCI(
    _ device: any VirtioDevice, slot: AddressMap.Slot, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    let transport = VirtioPCITransport(
      device: device, memory: memory, structures: slot.memory,
      messageWindow: slot.memory + VirtioPCIStructure.windowByteCount,
      messages: try messages(count: device.queueSizes.count + 1, machine), line: try Self.line(slot.line, of: machine),
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

  /// An 82540EM in the network card's PCI slot: registers by exits, INTA, and a thread for what comes in.
  private mutating func attachE1000(
    _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    let slot = AddressMap.PCI.network
    let placement = E1000.Placement(memory: slot.memory, ports: slot.ports, interruptLine: UInt8(slot.line))
    let line = try Self.line(slot.line, of: machine)
    guard let card = try network?.makeE1000(memory: memory, interrupt: line, placement: placement) else { return }
    try add(card, slot: slot.number)
    workers.append(card.worker)
  }

  /// The next `count` GSIs as a function's message interrupts.
  private mutating func messages(count: Int, _ machine: borrowing VirtualMachine) throws(MachineError) -> PCIMessages {
    if router == nil { do { router = try machine.interruptRouter() } catch { throw .kvm(error) } }
    guard let router else { preconditionFailure("just made") }
    defer { nextMessage += UInt32(count) }
    return try PCIMessages(vectorCount: count, firstGSI: nextMessage, router: router, machine: machine)
  }

  /// Puts a function on the bus, and its windows where they are.
  private mutating func add(_ function: any PCIFunction, slot: Int, function number: Int = 0) throws(MachineError) {
    pci.add(function, slot: slot, function: number)
    for (base, device) in function.windows {
      switch base {
      case .memory(_, let count, let address):
        try Self.map(device, at: UInt64(address), count: UInt64(count), on: &mmio)
      case .port(_, let count, let address): try Self.map(device, at: UInt64(address), count: UInt64(count), on: &ports)
      }
    }
  }

  private static func line(_ gsi: UInt32, of machine: borrowing VirtualMachine) throws(MachineError) -> KVMInterruptLine
  {
    do { return KVMInterruptLine(try machine.interruptInput(gsi: gsi)) } catch { throw .kvm(error) }
  }

  private static func map(_ device: any Device, at base: UInt64, count: UInt64, on bus: inout Bus) throws(MachineError)
  {
    do { try bus.map(device, at: base, count: count) } catch { throw .wiring("\(error)") }
  }
}
