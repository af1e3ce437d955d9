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

/// The machine profile's rows put into effect: devices on buses, interrupts and doorbells into KVM. Addresses are those of
/// `AddressMap`; devices never learn them.
struct Wiring: ~Copyable {
  var ports = Bus()
  var mmio = Bus()
  /// What runs beside the vCPUs: one entry a device queue.
  var workers: [any DeviceWorker] = []
  /// What a Linux guest would be told of devices that cannot be probed.
  var commandLine = ""
  /// What is behind the network card, and the card's own counters where it has any: read them when the workers have ended.
  var network: NetworkAttachment?
  let console: ConsoleLog
  /// Who can end the machine: a foreign guest's registers for that are there where this is set before the devices are attached.
  var systemControl: (any SystemControl)?
  /// Slots of virtio-mmio that are taken.
  var mmioSlots: [ACPITables.MMIOSlot] = []

  typealias Port = AddressMap.Port
  typealias GSI = AddressMap.GSI

  let vcpus: Int
  let choices: [String: String]
  let hasInterruptSource: Bool
  let hasRelay: Bool
  /// KVM listens to it for as long as it is open.
  var relay: EventFD?
  let hasHostClock: Bool
  /// True where only the local APICs are in the kernel.
  let isIRQChipSplit: Bool
  /// The I/O APIC, where it is not in the kernel.
  var ioapic: IOAPIC?
  /// Where the guest goes over and over, and what counts how often it came there.
  let way: WayOut?
  var wayCounter: WayCounter?
  /// Nil where devices take no longer than they need.
  let slowdown: Slowdown?
  let disk: Disk
  let entropy: VirtioEntropy?
  let virtioConsole: VirtioConsole?
  let balloon: VirtioBalloon?
  let isVirtioOnPCI: Bool
  let doorbellExits: Bool
  let pci = PCIHostBridge()
  var router: InterruptRouter?
  var nextMessage = InterruptRouter.firstMessage

  /// Makes what can be made without a VM.
  init(_ specification: MachineSpecification) throws(MachineError) {
    let console = ConsoleLog()
    let network = try NetworkAttachment(specification)
    let disk = try Self.openDisk(specification)
    let entropy = try Self.makeEntropy(specification)
    let balloon = try Self.makeBalloon(specification)
    let virtioConsole = try Self.makeConsole(specification, sink: console)
    choices = specification.choices
    vcpus = specification.vcpus
    self.console = console
    hasInterruptSource = specification.kernel == "interrupts"
    way = WayOut(specification)
    slowdown = Slowdown(permille: specification.slowdownPermille)
    hasRelay = specification.kernel == "irqfd"
    hasHostClock = specification.kernel == "drift"
    isIRQChipSplit = specification.choices["irqchip"] == "split"
    self.network = network
    self.balloon = balloon
    self.disk = disk
    self.entropy = entropy
    self.virtioConsole = virtioConsole
    doorbellExits = specification.choices["doorbell"] == "exit"
    isVirtioOnPCI = specification.choices["transport"] == "pci"
  }

  /// Attaches everything to `machine`, whose RAM is `memory`.
  mutating func attach(to machine: borrowing VirtualMachine, memory: GuestMemory) throws(MachineError) {
    if isIRQChipSplit { try attachIOAPIC(machine) }
    try attachConsole(machine, memory: memory)
    try attachTime(machine)
    if hasInterruptSource { try attachInterruptSource(machine) }
    if let way { try attach(way, machine) }
    if hasRelay { try attachRelay(machine) }
    attachSouthBridge()
    switch disk {
    case .none: break
    case .ide(let storage, hasDMA: false): try attachIDE(storage, machine)
    case .ide(let storage, hasDMA: true): try attachPIIX3(storage, machine, memory: memory)
    case .virtio(let device):
      try attach(device, slot: AddressMap.PCI.disk, mmioSlot: AddressMap.MMIOSlot.disk, machine, memory: memory)
    }
    workers += network?.workers ?? []
    switch network?.card {
    case nil: break
    case .virtio(let device): try attachNetwork(device, machine, memory: memory)
    case .vhost(let device): try attachNetwork(device, machine, memory: memory)
    case .e1000: try attachE1000(machine, memory: memory)
    }
    if let entropy { try attachEntropy(entropy, machine, memory: memory) }
    if let balloon { try attachBalloon(balloon, machine, memory: memory) }
    if let systemControl { try attachPlatform(systemControl, machine) }
    try Self.map(configurationPorts, at: Port.pciConfiguration, count: 8, on: &ports)
  }

  /// Hands the buses over to whoever answers exits; they are empty afterwards.
  mutating func takeDispatcher() -> ExitDispatcher {
    var ports = Bus()
    var mmio = Bus()
    swap(&ports, &self.ports)
    swap(&mmio, &self.mmio)
    if let slowdown {
      ports.replaceDevices { SlowedDevice($0, slowdown) }
      mmio.replaceDevices { SlowedDevice($0, slowdown) }
    }
    return ExitDispatcher(ports: ports, mmio: mmio, isShared: vcpus > 1, endObserver: ioapic)
  }

  /// The PIIX3's ISA bridge (82371SB): nothing but an identity, in front of the devices at legacy ports.
  private func attachSouthBridge() {
    let bridge = PCIStub(PCIIdentity(vendor: 0x8086, device: 0x7000, classCode: 0x060100))
    pci.add(bridge, slot: AddressMap.PCI.southBridge)
  }

  /// The next `count` GSIs as a function's message interrupts.
  mutating func messages(count: Int, _ machine: borrowing VirtualMachine) throws(MachineError) -> PCIMessages {
    let router = try router(of: machine)
    defer { nextMessage += UInt32(count) }
    return try PCIMessages(vectorCount: count, firstGSI: nextMessage, router: router, machine: machine)
  }

  /// Puts a function on the bus, and its windows where they are.
  mutating func add(_ function: any PCIFunction, slot: Int, function number: Int = 0) throws(MachineError) {
    pci.add(function, slot: slot, function: number)
    for (base, device) in function.windows {
      switch base {
      case .memory(_, let count, let address):
        try Self.map(device, at: UInt64(address), count: UInt64(count), on: &mmio)
      case .port(_, let count, let address): try Self.map(device, at: UInt64(address), count: UInt64(count), on: &ports)
      }
    }
  }

  /// The VM's table of GSIs, made when it is needed first.
  mutating func router(of machine: borrowing VirtualMachine) throws(MachineError) -> InterruptRouter {
    if let router { return router }
    do {
      let router = try machine.interruptRouter(hasControllers: !isIRQChipSplit)
      self.router = router
      return router
    } catch { throw .kvm(error) }
  }

  /// An input of the interrupt controllers, wherever they are.
  func line(_ gsi: UInt32, of machine: borrowing VirtualMachine) throws(MachineError) -> any InterruptLine {
    if let ioapic { return ioapic.line(Int(gsi)) }
    do { return KVMInterruptLine(try machine.interruptInput(gsi: gsi)) } catch { throw .kvm(error) }
  }

  static func map(_ device: any Device, at base: UInt64, count: UInt64, on bus: inout Bus) throws(MachineError) {
    do { try bus.map(device, at: base, count: count) } catch { throw .wiring("\(error)") }
  }
}
