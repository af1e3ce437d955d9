import DeviceModel
import PVWire

/// Where everything is: the one place that knows. Legacy devices are where PCs have them, virtio-mmio slots where QEMU's
/// microvm has them (`MemoryMap`, which the guest shares), PCI functions in the slots and windows below.
enum AddressMap {
  /// First ports of legacy devices.
  enum Port {
    static let com1: UInt64 = 0x3F8
    static let ideCommand: UInt64 = 0x1F0
    static let ideControl: UInt64 = 0x3F6
    static let interruptSource = UInt64(MemoryMap.interruptSource)
    static let hostClock = UInt64(MemoryMap.hostClock)
    /// Index and data of the CMOS clock.
    static let realTimeClock: UInt64 = 0x70
    static let acpiTimer = UInt64(MemoryMap.acpiTimer)
    /// What foreign guests have beside it: PM1 blocks as QEMU's PIIX4 has them, the keyboard controller's command port, QEMU's
    /// `isa-debug-exit`, Firecracker's boot timer.
    static let acpiPower: UInt64 = 0x600
    static let keyboardCommand: UInt64 = 0x64
    static let debugExit: UInt64 = 0xF4
    static let bootMarker: UInt64 = 0x3F0
    /// PCI configuration mechanism #1.
    static let pciConfiguration: UInt64 = 0xCF8
  }

  /// Inputs of the interrupt controllers.
  enum GSI {
    static let com1: UInt32 = 4
    static let ide: UInt32 = 14
    static let interruptSource = MemoryMap.interruptSourceInput
  }

  /// Where the I/O APIC is, in the kernel or not.
  static let ioapic: UInt64 = 0xFEC0_0000

  /// Slots of virtio-mmio, in the order in which a guest finds them.
  enum MMIOSlot {
    static let disk = 0
    static let network = 1
    static let entropy = 2
    static let console = 3
    static let balloon = 4
  }

  /// A PCI slot: where its functions' windows are, and which input INTA of the slot is wired to.
  struct Slot {
    let number: Int
    /// Room for the memory windows of the slot's functions.
    let memory: UInt32
    /// Room for their windows of ports.
    let ports: UInt32
    let line: UInt32
  }

  /// Slot 0 is the host bridge, slot 1 the PIIX3.
  enum PCI {
    static let disk = Slot(number: 2, memory: 0xE000_0000, ports: 0xC040, line: 10)
    static let network = Slot(number: 3, memory: 0xE010_0000, ports: 0xC080, line: 11)
    static let entropy = Slot(number: 4, memory: 0xE020_0000, ports: 0xC0C0, line: 5)
    static let console = Slot(number: 5, memory: 0xE030_0000, ports: 0xC100, line: 6)
    static let balloon = Slot(number: 6, memory: 0xE040_0000, ports: 0xC140, line: 7)
    static let southBridge = 1
    /// The IDE function of the south bridge, and the ports of its bus masters.
    static let ideFunction = 1
    static let busMasterPorts: UInt32 = 0xC000
  }
}
