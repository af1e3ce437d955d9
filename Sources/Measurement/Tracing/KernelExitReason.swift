/// Why a processor, or what stands in for it, left a guest: the words of every vendor brought to pvbench's own. What userspace
/// sees under the same name (`io`, `hlt`) is the same thing further out, though not as often: KVM answers most exits itself.
public enum KernelExitReason {
  /// Who numbers the reasons: the field `isa` of kvm:kvm_exit (Linux, arch/x86/kvm/trace.h; the third by the patches that bring
  /// kvm_pvm).
  public enum Vendor: UInt64, Sendable {
    case vmx = 1
    case svm = 2
    case pvm = 3

    fileprivate var name: String {
      switch self {
      case .vmx: "vmx"
      case .svm: "svm"
      case .pvm: "pvm"
      }
    }
  }

  /// The name in results of reason `number` where `isa` says who numbers them. One that the table does not have keeps its
  /// number: `svm:0x4ff`, `vmx:0x63`.
  ///
  /// - Parameter info1: tells SVM's two directions of an MSR apart (AMD64 Architecture Programmer's Manual, volume 2, 15.11).
  public static func name(isa: UInt64, number: UInt64, info1: UInt64) -> String {
    guard let vendor = Vendor(rawValue: isa) else { return "isa\(isa):0x\(String(number, radix: 16))" }
    let known: String? =
      switch vendor {
      // The upper half has flags (Intel SDM, volume 3, 25.9.1): whatever the reason, bit 31 says that the guest was not entered.
      case .vmx: number >> 31 & 1 != 0 ? "fail_entry" : vmx[number & 0xFFFF]
      case .svm: number == msr ? (info1 & 1 != 0 ? "wrmsr" : "rdmsr") : svmRange(number) ?? svm[number]
      case .pvm: pvm[number] ?? (number < 32 ? "exception" : nil)
      }
    return known ?? "\(vendor.name):0x\(String(number, radix: 16))"
  }

  /// Intel SDM, volume 3, appendix C.
  private static let vmx: [UInt64: String] = [
    0: "exception", 1: "interrupt", 2: "shutdown", 3: "init", 4: "sipi", 7: "irq_window_open", 8: "nmi_window",
    9: "task_switch", 10: "cpuid", 12: "hlt", 13: "invd", 14: "invlpg", 15: "rdpmc", 16: "rdtsc", 18: "hypercall",
    19: "nested", 20: "nested", 21: "nested", 22: "nested", 23: "nested", 24: "nested", 25: "nested", 26: "nested",
    27: "nested", 28: "cr_access", 29: "dr_access", 30: "io", 31: "rdmsr", 32: "wrmsr", 33: "fail_entry",
    34: "fail_entry", 36: "mwait", 37: "monitor_trap", 39: "monitor", 40: "pause", 41: "fail_entry",
    43: "tpr_access", 44: "apic_access", 45: "apic_eoi", 46: "descriptor_table", 47: "descriptor_table",
    48: "page_fault", 49: "mmio", 50: "nested", 51: "rdtsc", 52: "timer", 53: "nested", 54: "wbinvd", 55: "xsetbv",
    56: "apic_write", 57: "rdrand", 58: "invpcid", 59: "nested", 60: "encls", 61: "rdseed", 62: "dirty_log_full",
    63: "xsaves", 64: "xsaves", 67: "mwait", 68: "pause", 74: "bus_lock", 75: "notify", 84: "rdmsr", 85: "wrmsr",
  ]

  private static let msr: UInt64 = 0x7C

  /// AMD64 Architecture Programmer's Manual, volume 2, appendix C.
  private static let svm: [UInt64: String] = [
    0x60: "interrupt", 0x61: "nmi", 0x62: "smi", 0x63: "init", 0x64: "irq_window_open", 0x65: "cr_access",
    0x66: "descriptor_table", 0x67: "descriptor_table", 0x68: "descriptor_table", 0x69: "descriptor_table",
    0x6A: "descriptor_table", 0x6B: "descriptor_table", 0x6C: "descriptor_table", 0x6D: "descriptor_table",
    0x6E: "rdtsc", 0x6F: "rdpmc", 0x70: "pushf", 0x71: "popf", 0x72: "cpuid", 0x73: "rsm", 0x74: "iret",
    0x75: "software_interrupt", 0x76: "invd", 0x77: "pause", 0x78: "hlt", 0x79: "invlpg", 0x7A: "nested", 0x7B: "io",
    0x7D: "task_switch", 0x7F: "shutdown", 0x80: "nested", 0x81: "hypercall", 0x82: "nested", 0x83: "nested",
    0x84: "nested", 0x85: "nested", 0x86: "nested", 0x87: "rdtsc", 0x89: "wbinvd", 0x8A: "monitor", 0x8B: "mwait",
    0x8C: "mwait", 0x8D: "xsetbv", 0xA2: "invpcid", 0xA5: "bus_lock", 0xA6: "hlt", 0x400: "page_fault",
    0x401: "apic_access", 0x402: "apic_access", 0x403: "vmgexit", 0xFFFF_FFFF: "fail_entry",
  ]

  private static func svmRange(_ number: UInt64) -> String? {
    switch number {
    case 0x00...0x1F, 0x90...0x9F: "cr_access"
    case 0x20...0x3F: "dr_access"
    case 0x40...0x5F: "exception"
    default: nil
    }
  }

  /// PVM_EXIT_REASONS_* of the patches that bring kvm_pvm; below them are vectors of exceptions.
  private static let pvm: [UInt64: String] = [
    1 << 16: "syscall", 2 << 16: "hypercall", 3 << 16: "return_to_user", 4 << 16: "return_to_supervisor",
    5 << 16: "interrupt", 6 << 16: "software_interrupt", 2: "nmi", 14: "page_fault", 1025: "fail_entry",
  ]
}
