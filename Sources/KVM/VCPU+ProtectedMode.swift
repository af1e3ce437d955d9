import CLinuxKVM
import GuestMemory

/// How a vCPU enters a guest in 32-bit protected mode: paging off, flat segments at CPL 0, interrupts off, A20 on. So start
/// multiboot (0.6.96, 3.2) and PVH (Xen, "x86/HVM direct boot ABI"). All other registers are zero.
public struct ProtectedModeEntry: Equatable, Sendable {
  /// EIP.
  public var entry: GuestAddress
  /// EAX, a multiboot loader's magic number.
  public var eax: UInt32
  /// EBX, the address of what the loader hands over.
  public var ebx: UInt32

  /// An entry; see the properties.
  public init(entry: GuestAddress, eax: UInt32 = 0, ebx: UInt32) {
    self.entry = entry
    self.eax = eax
    self.ebx = ebx
  }
}

/// A table of segment descriptors in guest memory, with the selectors that the vCPU is entered with.
public struct FlatDescriptors: Equatable, Sendable {
  /// Where the table is.
  public var base: GuestAddress
  /// CS: flat code.
  public static let code: UInt16 = 0x10
  /// DS, ES, FS, GS and SS: flat data.
  public static let data: UInt16 = 0x18

  /// A table at `base`.
  public init(base: GuestAddress) { self.base = base }

  /// The table's entries: two empty ones, code, data.
  public static func entries(is64Bit: Bool) -> [UInt64] {
    [0, 0, is64Bit ? 0x00AF_9B00_0000_FFFF : 0x00CF_9B00_0000_FFFF, 0x00CF_9300_0000_FFFF]
  }
}

extension VCPU {
  /// Puts the vCPU in 32-bit protected mode, ready to run from `entry`, with a descriptor table that agrees. After `setCPUID`.
  public func setProtectedMode(_ entry: ProtectedModeEntry, descriptors: FlatDescriptors) throws(KVMError) {
    var system = try systemRegisters()
    let data = kvm_segment.flat(selector: FlatDescriptors.data, type: 3, is64BitCode: false)
    system.cs = .flat(selector: FlatDescriptors.code, type: 11, is64BitCode: false)
    (system.ds, system.es, system.fs, system.gs, system.ss) = (data, data, data, data, data)
    system.ldt = .absent
    system.tr = .busyTSS
    system.gdt = .table(descriptors)
    system.idt = kvm_dtable()
    system.cr0 = 0x11  // ET, PE
    system.cr3 = 0
    system.cr4 = 0
    system.efer = 0
    try setSystemRegisters(system)
    var general = kvm_regs()
    general.rip = entry.entry.value
    general.rax = UInt64(entry.eax)
    general.rbx = UInt64(entry.ebx)
    general.rflags = 2
    try setRegisters(general)
  }

  /// Gives a vCPU that is in long mode a descriptor table, for guests that expect one at their entry.
  public func setDescriptors(_ descriptors: FlatDescriptors) throws(KVMError) {
    var system = try systemRegisters()
    system.gdt = .table(descriptors)
    try setSystemRegisters(system)
  }
}

extension kvm_dtable {
  fileprivate static func table(_ descriptors: FlatDescriptors) -> kvm_dtable {
    var table = kvm_dtable()
    table.base = descriptors.base.value
    table.limit = 31
    return table
  }
}
