/// Where things are in guest-physical space under the builtin runner. Other VMMs place the ELF by its program headers and
/// the orders module where they like: the guest finds everything but the ELF through the PVH start_info.
public enum MemoryMap {
  /// PVH start_info (Xen `hvm/start_info.h`), followed by its module list, memory map and command line.
  public static let startInfo: UInt64 = 0x1000
  /// Longest start_info area in bytes.
  public static let startInfoSize: UInt64 = 0x1000
  /// Page tables that the runner lays out: PML4, PDPT, two page directories (first GiB, last GiB below 4 GiB).
  public static let pageTables: UInt64 = 0x2000
  /// The orders module.
  public static let orders: UInt64 = 0x8000
  /// The heartbeat: one 64-bit counter that moves while the guest is alive.
  public static let heartbeat: UInt64 = 0xF000
  /// The result ring, header first.
  public static let ring: UInt64 = 0x10000
  /// Bytes of the ring, header included.
  public static let ringSize: UInt64 = 0x40000
  /// Most bytes that a disk workload may have in flight: what the guest's heap has room for.
  public static let diskBuffers: UInt64 = 8 << 20
  /// Where the guest's ELF is linked.
  public static let image: UInt64 = 0x100000
  /// RAM beyond the guest's heap, for workloads that need much of it: it is as the host gave it.
  public static let arena: UInt64 = 0x200_0000

  /// Where RAM begins for a guest that is run as a process: few hosts let one map lower addresses
  /// (/proc/sys/vm/mmap_min_addr).
  public static let processOrigin: UInt64 = 0x10000
  /// How much higher everything below that is then: between the ring and the image.
  public static let processShift: UInt64 = 0x60000
  /// The local APIC's page.
  public static let localAPIC: UInt64 = 0xFEE0_0000

  /// First virtio-mmio slot, as in QEMU's microvm.
  public static let virtioMMIO: UInt64 = 0xFEB0_0000
  /// Distance between slots in bytes.
  public static let virtioMMIOStride: UInt64 = 0x200
  /// Slots that a guest probes.
  public static let virtioMMIOSlots = 8
  /// GSI of slot 0 under the builtin runner; slot n has the next ones. Other VMMs name theirs on the command line
  /// (`virtio_mmio.device=<size>@<base>:<irq>`).
  public static let virtioMMIOFirstGSI: UInt32 = 16

  /// First port of the device that interrupts on request, and its I/O APIC input; only the kernel `interrupts` has one. The
  /// guest's ring 0 knows the port, too.
  public static let interruptSource: UInt16 = 0x5060
  /// See `interruptSource`.
  public static let interruptSourceInput: UInt32 = 20

  /// The port that interrupts processor 1, without any device: an ioeventfd, whose eventfd is an irqfd of `relayVector`. Only the
  /// kernel `irqfd` has it.
  public static let relayPort: UInt16 = 0x5078
  /// See `relayPort`; the guest's ring 0 knows the vector, too (traps.S).
  public static let relayVector: UInt8 = 0x3D

  /// A port and an address that no device decodes: what the guest writes there only leaves it.
  public static let nobodysPort: UInt16 = 0x5070
  /// See `nobodysPort`.
  public static let nobodysAddress: UInt64 = 0xFEB0_2000
  /// A port and an address whose writes signal an eventfd (ioeventfd) on which nobody waits.
  public static let eventPort: UInt16 = 0x5080
  /// See `eventPort`.
  public static let eventAddress: UInt64 = 0xFEB0_3000
  /// A port and an address whose writes KVM gathers in a ring (KVM_REGISTER_COALESCED_MMIO).
  public static let coalescedPort: UInt16 = 0x5090
  /// See `coalescedPort`.
  public static let coalescedAddress: UInt64 = 0xFEB0_4000
  /// IA32_MISC_ENABLE (Intel SDM 4, table 2-2): a register that KVM keeps for every guest and whose value changes nothing.
  public static let harmlessMSR: UInt32 = 0x1A0

  /// Port of the ACPI power management timer, which a FADT would name (PM_TMR_BLK), as QEMU's PIIX4 has it.
  public static let acpiTimer: UInt16 = 0x608
}

/// What the guest tells its VMM by writing a byte to `Doorbell.port`. QEMU's isa-debugcon passes it on; a VMM that does not know
/// the port ignores it.
public enum Doorbell: UInt8, Sendable {
  /// The guest's very first instruction.
  case firstInstruction = 1
  /// Devices found, workload prepared.
  case ready = 2
  /// The measured window opens.
  case windowOpen = 3
  /// The measured window has closed.
  case windowClose = 4
  /// The result ring wants to be emptied.
  case drain = 5
  /// Everything is said; the vCPU halts.
  case done = 6
  /// An exception that the guest kernel did not expect: RBX holds the vector, RCX the error code, RSI RIP, RDI CR2.
  case panic = 7

  /// The I/O port.
  public static let port: UInt16 = 0x5056
}
