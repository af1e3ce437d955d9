import CLinuxKVM
import Glibc
import GuestMemory

/// How a vCPU enters a guest directly in 64-bit mode: flat segments at CPL 0, paging on, interrupts off, no descriptor tables
/// (the guest loads its own). All else is zero.
public struct LongModeEntry: Equatable, Sendable {
  /// RIP.
  public var entry: GuestAddress
  /// RSP.
  public var stack: GuestAddress
  /// CR3: a PML4 that maps at least `entry` and `stack` one to one.
  public var pageTableRoot: GuestAddress
  /// RDI, the first argument of the System V ABI.
  public var rdi: UInt64 = 0
  /// RSI, the second argument.
  public var rsi: UInt64 = 0
  /// RBX, where PVH hands over its start_info.
  public var rbx: UInt64 = 0
  /// CS: its descriptor is loaded as flat 64-bit code whatever the guest's table will say.
  public var codeSelector: UInt16 = 0x10
  /// DS, ES, FS, GS and SS, likewise as flat data.
  public var dataSelector: UInt16 = 0x18
  /// XCR0, `CPUIDTable.xcr0`; CR4.OSXSAVE is set where it is not nil.
  public var xcr0: UInt64?

  /// An entry; see the properties.
  public init(entry: GuestAddress, stack: GuestAddress, pageTableRoot: GuestAddress, xcr0: UInt64? = nil) {
    self.entry = entry
    self.stack = stack
    self.pageTableRoot = pageTableRoot
    self.xcr0 = xcr0
  }
}

extension VCPU {
  /// What the guest's CPUID shows. Before any other state: KVM checks CR4 and XCR0 against it.
  public func setCPUID(_ table: CPUIDTable) throws(KVMError) {
    let entries = table.entries.map(\.raw)
    // SAFETY: the array holds the count that is passed with it, and the shim copies it.
    let result = entries.withUnsafeBufferPointer {
      pv_kvm_set_cpuid(descriptor.raw, $0.baseAddress, UInt32($0.count))
    }
    try Descriptor.check(.setCPUID, result)
  }

  /// General registers, RIP and RFLAGS.
  public func registers() throws(KVMError) -> kvm_regs {
    var registers = kvm_regs()
    try descriptor.request(.getRegisters, pv_KVM_GET_REGS, &registers)
    return registers
  }

  /// Sets all general registers, RIP and RFLAGS.
  public func setRegisters(_ registers: kvm_regs) throws(KVMError) {
    var registers = registers
    try descriptor.request(.setRegisters, pv_KVM_SET_REGS, &registers)
  }

  /// Segments, descriptor tables, control registers, EFER and the APIC base.
  public func systemRegisters() throws(KVMError) -> kvm_sregs {
    var registers = kvm_sregs()
    try descriptor.request(.getSystemRegisters, pv_KVM_GET_SREGS, &registers)
    return registers
  }

  /// Sets all that `systemRegisters()` returns.
  public func setSystemRegisters(_ registers: kvm_sregs) throws(KVMError) {
    var registers = registers
    try descriptor.request(.setSystemRegisters, pv_KVM_SET_SREGS, &registers)
  }

  /// The value of model-specific register `index`.
  public func msr(_ index: UInt32) throws(KVMError) -> UInt64 {
    var value: UInt64 = 0
    // SAFETY: the shim writes one 64-bit value.
    let count = withUnsafeMutablePointer(to: &value) { pointer in
      pointer.withMemoryRebound(to: __u64.self, capacity: 1) { pv_kvm_get_msr(descriptor.raw, index, $0) }
    }
    guard try Descriptor.check(.getMSRs, count) == 1 else { throw .msr(index: index) }
    return value
  }

  /// Sets model-specific register `index`.
  ///
  /// - Throws: `.msr` where KVM does not know the register or refuses the value.
  public func setMSR(_ index: UInt32, _ value: UInt64) throws(KVMError) {
    let count = pv_kvm_set_msr(descriptor.raw, index, __u64(value))
    guard try Descriptor.check(.setMSRs, count) == 1 else { throw .msr(index: index) }
  }

  /// XCR0, the register states that the guest may use.
  public func setXCR0(_ value: UInt64) throws(KVMError) {
    try Descriptor.check(.setExtendedControlRegisters, pv_kvm_set_xcr0(descriptor.raw, __u64(value)))
  }

  /// Frequency of the guest's TSC in kHz.
  public func tscKHz() throws(KVMError) -> Int { Int(try descriptor.request(.getTSCKHz, pv_KVM_GET_TSC_KHZ)) }

  /// Whether the vCPU runs, waits or is halted.
  public func runningState() throws(KVMError) -> RunningState {
    var state = kvm_mp_state()
    try descriptor.request(.getRunningState, pv_KVM_GET_MP_STATE, &state)
    guard let known = RunningState(rawValue: state.mp_state) else { throw .ioctl(.getRunningState, errno: EPROTO) }
    return known
  }

  /// Makes the vCPU run or wait; needs the in-kernel interrupt controllers for anything but `.runnable`.
  public func setRunningState(_ state: RunningState) throws(KVMError) {
    var state = kvm_mp_state(mp_state: state.rawValue)
    try descriptor.request(.setRunningState, pv_KVM_SET_MP_STATE, &state)
  }

  /// Sets one 32-bit register of the in-kernel local APIC by its xAPIC offset (Intel SDM volume 3, table 11-1). For
  /// example 0x350 (LINT0) to 0x10000 masks the 8259.
  public func setLocalAPICRegister(at offset: Int, to value: UInt32) throws(KVMError) {
    var state = kvm_lapic_state()
    try descriptor.request(.getLocalAPIC, pv_KVM_GET_LAPIC, &state)
    precondition((0...MemoryLayout<kvm_lapic_state>.size - 4).contains(offset), "outside the local APIC's registers")
    withUnsafeMutableBytes(of: &state) { $0.storeBytes(of: value, toByteOffset: offset, as: UInt32.self) }
    try descriptor.request(.setLocalAPIC, pv_KVM_SET_LAPIC, &state)
  }

  /// One 32-bit register of the in-kernel local APIC by its xAPIC offset, as `setLocalAPICRegister`.
  public func localAPICRegister(at offset: Int) throws(KVMError) -> UInt32 {
    var state = kvm_lapic_state()
    try descriptor.request(.getLocalAPIC, pv_KVM_GET_LAPIC, &state)
    precondition((0...MemoryLayout<kvm_lapic_state>.size - 4).contains(offset), "outside the local APIC's registers")
    return withUnsafeBytes(of: &state) { $0.loadUnaligned(fromByteOffset: offset, as: UInt32.self) }
  }

  /// Puts the vCPU in 64-bit mode at CPL 0, ready to run from `entry` (Intel SDM volume 3, 3.4 and 10.8.5), without a
  /// real-mode start. After `setCPUID`.
  public func setLongMode(_ entry: LongModeEntry) throws(KVMError) {
    var system = try systemRegisters()
    let code = kvm_segment.flat(selector: entry.codeSelector, type: 11, is64BitCode: true)
    let data = kvm_segment.flat(selector: entry.dataSelector, type: 3, is64BitCode: false)
    system.cs = code
    (system.ds, system.es, system.fs, system.gs, system.ss) = (data, data, data, data, data)
    system.ldt = .absent
    system.tr = .busyTSS
    system.gdt = kvm_dtable()
    system.idt = kvm_dtable()
    system.cr3 = entry.pageTableRoot.value
    system.cr4 = 0x620 | (entry.xcr0 == nil ? 0 : 1 << 18)  // PAE, OSFXSR, OSXMMEXCPT; OSXSAVE
    system.cr0 = 0x8005_0033  // PG, AM, WP, NE, ET, MP, PE
    system.efer = 0xd01  // NXE, LMA, LME, SCE
    try setSystemRegisters(system)
    if let xcr0 = entry.xcr0 { try setXCR0(xcr0) }

    var general = kvm_regs()
    general.rip = entry.entry.value
    general.rsp = entry.stack.value
    general.rdi = entry.rdi
    general.rsi = entry.rsi
    general.rbx = entry.rbx
    general.rflags = 2
    try setRegisters(general)
  }
}

extension kvm_segment {
  /// A present segment from 0 to 4 GiB at DPL 0.
  static func flat(selector: UInt16, type: UInt8, is64BitCode: Bool) -> kvm_segment {
    var segment = kvm_segment()
    segment.limit = 0xffff_ffff
    segment.selector = selector
    segment.type = type
    segment.present = 1
    segment.s = 1
    segment.g = 1
    segment.l = is64BitCode ? 1 : 0
    segment.db = is64BitCode ? 0 : 1
    return segment
  }

  static var absent: kvm_segment {
    var segment = kvm_segment()
    segment.unusable = 1
    return segment
  }

  /// VMX enters no guest without a busy 64-bit TSS in TR (Intel SDM volume 3, 27.3.1.2).
  static var busyTSS: kvm_segment {
    var segment = kvm_segment()
    segment.limit = 0x67
    segment.type = 11
    segment.present = 1
    return segment
  }
}
