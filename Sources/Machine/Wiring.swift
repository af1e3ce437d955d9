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

  init() { bytes.reserveCapacity(4096) }

  func byte(_ value: UInt8) { if bytes.count < Self.capacity { bytes.append(value) } }

  /// What was printed, line by line.
  var lines: [String] { bytes.split(separator: 10).map { String(decoding: $0, as: UTF8.self) } }
}

/// The machine profile's rows put into effect: devices on buses, interrupts and doorbells into KVM. Addresses are where PCs
/// and QEMU's microvm have them; devices never learn them.
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

  private enum Address {
    static let com1: UInt64 = 0x3F8
    static let ideCommand: UInt64 = 0x1F0
    static let ideControl: UInt64 = 0x3F6
    /// QueueNotify within a virtio-mmio slot (virtio 1.2, 4.2.2).
    static let queueNotify: UInt64 = 0x50
  }
  private enum GSI {
    static let com1: UInt32 = 4
    static let ide: UInt32 = 14
  }

  /// What stands behind the disk, and its controller where that needs no VM. Opening a medium and making an io_uring takes
  /// time that a VM should not be waiting for.
  private enum Disk {
    case none
    case ide(any BlockStorage)
    case virtio(VirtioBlock)
  }
  private let disk: Disk

  /// Makes what can be made without a VM.
  init(_ specification: MachineSpecification) throws(MachineError) {
    network = try NetworkAttachment(specification)
    guard let storage = try Self.openDisk(specification.disk) else {
      disk = .none
      return
    }
    switch specification.choices["disk"] {
    case "virtio-blk":
      do { disk = .virtio(try VirtioBlock(storage: storage, queueCount: specification.vcpus)) } catch {
        throw .wiring("virtio-blk: \(error)")
      }
    default: disk = .ide(storage)
    }
  }

  /// Attaches everything to `machine`, whose RAM is `memory`.
  mutating func attach(to machine: borrowing VirtualMachine, memory: GuestMemory) throws(MachineError) {
    try attachConsole(machine)
    switch disk {
    case .none: break
    case .ide(let storage): try attachIDE(storage, machine)
    case .virtio(let device): try attachVirtio(device, name: "virtio-blk", slot: 0, machine, memory: memory)
    }
    if let device = network?.virtio {
      try attachVirtio(device, name: "virtio-net", slot: 1, machine, memory: memory)
    }
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
    try Self.map(uart, at: Address.com1, count: 8, on: &ports)
  }

  private mutating func attachIDE(_ storage: any BlockStorage, _ machine: borrowing VirtualMachine) throws(MachineError)
  {
    let channel = IDEChannel(
      storage: storage, identity: DriveIdentity(serial: "PVBENCH0"), interrupt: try Self.line(GSI.ide, of: machine))
    try Self.map(channel.commandBlock, at: Address.ideCommand, count: 8, on: &ports)
    try Self.map(channel.controlBlock, at: Address.ideControl, count: 1, on: &ports)
  }

  /// A virtio device in a virtio-mmio slot: doorbells by ioeventfd, completions by irqfd.
  private mutating func attachVirtio(
    _ device: any VirtioDevice, name: String, slot: Int, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    do {
      let base = MemoryMap.virtioMMIO + UInt64(slot) * MemoryMap.virtioMMIOStride
      let gsi = MemoryMap.virtioMMIOFirstGSI + UInt32(slot)
      let interrupt = try EventFD()
      let transport = VirtioMMIOTransport(device: device, memory: memory, interrupt: interrupt)
      try mmio.map(transport, at: base, count: MemoryMap.virtioMMIOStride)
      try machine.assignIRQFD(descriptor: interrupt.descriptor, gsi: gsi)
      for (index, doorbell) in device.doorbells.enumerated() {
        try machine.assignDoorbell(
          descriptor: doorbell.descriptor, address: .mmio(GuestAddress(base + Address.queueNotify)), width: 4,
          match: UInt64(index))
      }
      workers += device.threads
      commandLine += commandLine.isEmpty ? "" : " "
      commandLine += "virtio_mmio.device=\(MemoryMap.virtioMMIOStride)@0x\(String(base, radix: 16)):\(gsi)"
    } catch let error as KVMError {
      throw .kvm(error)
    } catch {
      throw .wiring("\(name): \(error)")
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

  private static func openDisk(_ backing: DiskBacking) throws(MachineError) -> (any BlockStorage)? {
    do {
      switch backing {
      case .none: return nil
      case .memory(let byteCount): return try MemoryStorage(byteCount: byteCount)
      case .file(let path, let isBuffered): return try FileStorage(path: path, isBuffered: isBuffered)
      }
    } catch { throw .disk("\(error)") }
  }
}
