import PVWire

/// What QEMU is given beside the specification: files by their paths, often of inherited descriptors (`/proc/self/fd/N`).
public struct QEMUFiles: Equatable, Sendable {
  /// The guest's ELF.
  public var guest: String
  /// The orders.
  public var orders: String
  /// Takes a byte for each doorbell.
  public var bells: String
  /// Takes what the guest sends over COM1.
  public var console: String
  /// An inherited TAP interface.
  public var tap: Int32?
  /// True where the disk is a block device, not a file.
  public var isBlockDevice = false

  /// Files; see the properties.
  public init(guest: String, orders: String, bells: String, console: String) {
    self.guest = guest
    self.orders = orders
    self.bells = bells
    self.console = console
  }
}

/// QEMU's command line for a machine (qemu-system-x86_64(1), 7.2): a pure function of its specification.
public struct QEMUCommand: Equatable, Sendable {
  /// Everything behind the program's name.
  public let arguments: [String]
  /// True where the machine is a microvm, without any PCI.
  public let isMicroVM: Bool

  /// The command line of `specification`, which `QEMUSupport` finds no obstacle in.
  public init(_ specification: MachineSpecification, files: QEMUFiles) {
    let isMicroVM = Self.fitsMicroVM(specification)
    self.isMicroVM = isMicroVM
    arguments =
      Self.machine(specification, isMicroVM: isMicroVM) + Self.processor(specification)
      + Self.memory(specification) + ["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]
      + ["-name", "pvbench,debug-threads=on", "-kernel", files.guest, "-initrd", files.orders]
      + Self.channels(files)
      + Self.disk(specification, files: files, isMicroVM: isMicroVM)
      + Self.network(specification, files: files, isMicroVM: isMicroVM)
  }

  /// The name of the thread that runs vCPU 0, as `-name debug-threads=on` sets it.
  public static func vcpuThread(_ runner: GuestRunner) -> String { runner == .qemuTCG ? "CPU 0/TCG" : "CPU 0/KVM" }

  /// A microvm has virtio over MMIO and no other device.
  private static func fitsMicroVM(_ specification: MachineSpecification) -> Bool {
    guard specification.choices["transport"] == "mmio" else { return false }
    return usesDisk(specification)
      ? specification.choices["disk"] == "virtio-blk" : specification.choices["net"] == "virtio-net"
  }

  private static func usesDisk(_ specification: MachineSpecification) -> Bool { specification.disk != .none }

  // MARK: Parts

  private static func machine(_ specification: MachineSpecification, isMicroVM: Bool) -> [String] {
    let isTCG = specification.runner == .qemuTCG
    let irqchip = specification.choices["irqchip"] == "split" && !isTCG ? ",kernel-irqchip=split" : ""
    let accelerator = isTCG ? "tcg" : "kvm" + irqchip
    // Without ACPI, a microvm names its devices and their interrupts on the kernel's command line.
    let machine =
      isMicroVM
      ? ["-M", "microvm,acpi=off,x-option-roms=off,pit=off,pic=off,rtc=off,isa-serial=on"]
        + ["-global", "virtio-mmio.force-legacy=false"]
        + (kicksByExit(specification) ? ["-global", "virtio-mmio.ioeventfd=off"] : [])
        // SeaBIOS would spend seconds where qboot spends milliseconds; it assigns no addresses, the guest does.
      : ["-M", "pc,usb=off,vmport=off,smm=off,i8042=off", "-bios", "qboot.rom"]
    return machine + ["-accel", accelerator]
  }

  /// RAM, on the NUMA nodes that the builtin runner would bind it to.
  private static func memory(_ specification: MachineSpecification) -> [String] {
    let size = ["-m", "\(specification.memory >> 10)k"]
    guard !specification.memoryNodes.isEmpty else { return size }
    let policy = specification.memoryNodes.count > 1 ? "interleave" : "bind"
    let nodes = specification.memoryNodes.map { ",host-nodes=\($0)" }.joined()
    return size + ["-machine", "memory-backend=ram"]
      + ["-object", "memory-backend-ram,id=ram,size=\(specification.memory)\(nodes),policy=\(policy)"]
  }

  private static func processor(_ specification: MachineSpecification) -> [String] {
    guard specification.runner != .qemuTCG else { return ["-cpu", "max"] }
    // Some hosts refuse to set MSR_IA32_ARCH_CAPABILITIES, which `host` alone would.
    let hidden = specification.choices["cpuid"] == "kvm" ? "" : ",kvm=off,hypervisor=off"
    return ["-cpu", "host,-arch-capabilities" + hidden]
  }

  /// The doorbell's port, COM1, and the port that ends the guest.
  private static func channels(_ files: QEMUFiles) -> [String] {
    let port = "0x" + String(Doorbell.port, radix: 16)
    return [
      "-chardev", "file,id=bells,path=\(files.bells)", "-device", "isa-debugcon,iobase=\(port),chardev=bells",
      "-chardev", "file,id=console,path=\(files.console)", "-serial", "chardev:console",
      "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
    ]
  }

  private static func disk(_ specification: MachineSpecification, files: QEMUFiles, isMicroVM: Bool) -> [String] {
    let node: String
    switch specification.disk {
    case .none, .memory, .polledFile: return []
    // As the builtin's null back end: what a read brings is whatever was there.
    case .null(let byteCount): node = "null-co,node-name=disk,size=\(byteCount),read-zeroes=off"
    case .file(let path, let isBuffered):
      let driver = files.isBlockDevice ? "host_device" : "file"
      let cache = isBuffered ? "cache.direct=off" : "cache.direct=on"
      // The image is locked by whoever started the runner.
      node = "\(driver),node-name=disk,filename=\(escape(path)),locking=off,aio=io_uring,\(cache)"
    }
    let backend = ["-blockdev", node]
    guard specification.choices["disk"] == "virtio-blk" else {
      return backend + ["-device", "ide-hd,drive=disk,bus=ide.0,unit=0"]
    }
    let device = virtio("virtio-blk", specification, isMicroVM: isMicroVM) + ",drive=disk"
    // An I/O thread, as the builtin runner has one for each queue; QEMU's hear ioeventfds only.
    guard !kicksByExit(specification) else { return backend + ["-device", device] }
    return backend + ["-object", "iothread,id=io", "-device", device + ",iothread=io"]
  }

  private static func network(_ specification: MachineSpecification, files: QEMUFiles, isMicroVM: Bool) -> [String] {
    let backend: String
    switch specification.network {
    case .socket(let descriptor): backend = "dgram,id=net,local.type=fd,local.str=\(descriptor)"
    default:
      guard let tap = files.tap else { return [] }
      backend = "tap,id=net,fd=\(tap),vhost=off"
    }
    // In slot 3, where the builtin runner has it: for slot 2, qboot's interrupt line is not the one that the PIIX3 routes.
    let isE1000 = specification.choices["net"] == "e1000"
    let device = isE1000 ? "e1000,addr=3" : virtio("virtio-net", specification, isMicroVM: isMicroVM)
    let station = String(specification.station, radix: 16)
    let address = "52:54:00:70:76:" + (station.count < 2 ? "0" : "") + station
    let rom = isMicroVM ? "" : ",romfile="
    return ["-netdev", backend, "-device", "\(device),netdev=net,mac=\(address)\(rom)"]
  }

  private static func virtio(_ name: String, _ specification: MachineSpecification, isMicroVM: Bool) -> String {
    isMicroVM
      ? "\(name)-device" : "\(name)-pci,disable-legacy=on" + (kicksByExit(specification) ? ",ioeventfd=off" : "")
  }

  private static func kicksByExit(_ specification: MachineSpecification) -> Bool {
    specification.choices["doorbell"] == "exit"
  }

  /// A comma in an option's value is written twice.
  private static func escape(_ path: String) -> String {
    path.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
  }
}
