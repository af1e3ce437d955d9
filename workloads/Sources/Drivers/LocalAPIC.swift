import GuestKernel

/// How one processor interrupts another.
public enum InterprocessorInterrupts {
  /// ICR by xAPIC MMIO.
  case xAPIC
  /// ICR by MSR.
  case x2APIC
  /// KVM_HC_SEND_IPI (Linux, virt/kvm/x86/hypercalls.rst).
  case hypercall
}

/// The local APIC of the processor that runs this (Intel SDM 3, chapter 11).
public enum LocalAPIC {
  private static let base: UInt = 0xFEE0_0000
  /// MSRs of x2APIC mode are 0x800 + offset / 16 (table 11-6).
  private static let firstMSR: UInt32 = 0x800
  enum Register: UInt {
    case spurious = 0xF0
    case commandLow = 0x300
    case commandHigh = 0x310
    case timer = 0x320
    case line0 = 0x350
    case initialCount = 0x380
    case currentCount = 0x390
    case divide = 0x3E0
  }
  /// The vector of its own timer.
  static let timerVector: UInt8 = 0x4E
  private static let baseMSR: UInt32 = 0x1B
  private static let x2APICEnable: UInt64 = 1 << 10
  /// Which of them all processors use; set by `useForIPIs` on processor 0 while the others are parked.
  private nonisolated(unsafe) static var method = InterprocessorInterrupts.xAPIC

  /// Enables it; `acceptsPIC` leaves LINT0 open for the 8259 (virtual wire mode), otherwise LINT0 is masked.
  public static func enable(acceptsPIC: Bool) {
    write(.spurious, 0x1FF)
    write(.line0, acceptsPIC ? 0x700 : 0x10000)
  }

  /// Chooses how `interrupt` works. x2APIC mode is entered by each processor itself, by `enterX2APIC`.
  public static func useForIPIs(_ chosen: InterprocessorInterrupts) {
    method = chosen
    if chosen == .x2APIC { pv_end_interrupts_by_x2apic() }
    if chosen == .hypercall { Hypercall.prepare() }
  }

  /// Switches this processor's APIC to x2APIC mode; there is no way back but a reset.
  public static func enterX2APIC() { pv_wrmsr(baseMSR, pv_rdmsr(baseMSR) | x2APICEnable) }

  /// Interrupts processor `index`, whose APIC id that is, on `vector` (fixed, physical; figures 11-12 and 11-28).
  @inline(__always) public static func interrupt(_ index: Int, vector: UInt8) {
    switch method {
    case .xAPIC:
      write(.commandHigh, UInt32(index) << 24)
      write(.commandLow, UInt32(vector))
    case .x2APIC: pv_wrmsr(msr(.commandLow), UInt64(index) << 32 | UInt64(vector))
    case .hypercall: Hypercall.make(.sendIPI, 1, 0, UInt64(index), UInt64(vector))
    }
  }

  /// Writes a register in whichever mode the APIC is.
  @inline(__always) static func write(_ register: Register, _ value: UInt32) {
    if method == .x2APIC { pv_wrmsr(msr(register), UInt64(value)) } else { pv_write32(base + register.rawValue, value) }
  }

  /// Reads a register in whichever mode the APIC is.
  static func read(_ register: Register) -> UInt32 {
    method == .x2APIC ? UInt32(truncatingIfNeeded: pv_rdmsr(msr(register))) : pv_read32(base + register.rawValue)
  }

  private static func msr(_ register: Register) -> UInt32 { firstMSR + UInt32(register.rawValue >> 4) }

  /// Interrupts end by KVM's flag from now on, where it is set, on this processor, number 0 (Linux, virt/kvm/x86/msr.rst,
  /// MSR_KVM_PV_EOI_EN).
  public static func endInterruptsByFlag() {
    pv_wrmsr(0x4B56_4D04, UInt64(pv_eoi_flag_address(0)) | 1)
    pv_end_interrupts_by_flag()
  }
}
