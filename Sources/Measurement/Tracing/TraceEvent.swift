/// A tracepoint of KVM's that `--trace` reads, and what its records are counted by. To read another one is to add a case.
public enum TraceEvent: String, CaseIterable, Sendable {
  /// The guest was left: also for what KVM answers itself.
  case exit = "kvm_exit"
  /// The guest was entered.
  case entry = "kvm_entry"
  /// KVM_RUN returned.
  case userspaceExit = "kvm_userspace_exit"
  /// A port was read or written, whoever answers.
  case pio = "kvm_pio"
  /// The same for memory that is none.
  case mmio = "kvm_mmio"
  /// A model-specific register was read or written.
  case msr = "kvm_msr"
  /// The guest has called KVM.
  case hypercall = "kvm_hypercall"
  /// An interrupt was given to the guest.
  case injection = "kvm_inj_virq"
  /// The host's page table had no page.
  case pageFault = "kvm_page_fault"
  /// How long a halted vCPU is waited for has changed.
  case haltPoll = "kvm_halt_poll_ns"

  /// What the records are counted by, by the names of the format file; a kernel that has other fields counts the event alone.
  public var fields: [String] {
    switch self {
    case .exit: ["exit_reason", "isa", "info1"]
    case .entry: []
    case .userspaceExit: ["reason", "errno"]
    case .pio: ["rw", "port"]
    case .mmio: ["type", "gpa"]
    case .msr: ["write", "ecx"]
    case .hypercall: ["nr"]
    case .injection: ["vector"]
    case .pageFault: ["error_code"]
    case .haltPoll: ["grow"]
    }
  }

  /// The name in results of a record with these `fields`, in their order: `io`, `0x1f0:in`, `rdmsr:0x10`.
  public func key(_ values: [UInt64]) -> String {
    func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
    switch self {
    case .exit: return KernelExitReason.name(isa: values[1], number: values[0], info1: values[2])
    case .entry: return ""
    case .userspaceExit: return Self.userspaceReason(values[0], errno: Int64(bitPattern: values[1]))
    case .pio: return "\(hex(values[1])):\(values[0] == 0 ? "in" : "out")"
    case .mmio:
      // Linux, arch/x86/kvm/trace.h: a read that userspace has to answer comes twice, asked and answered.
      let kind = values[0] == 0 ? "in" : values[0] == 1 ? "answered" : "out"
      return "\(hex(values[1])):\(kind)"
    case .msr: return "\(values[0] == 0 ? "rdmsr" : "wrmsr"):\(hex(values[1]))"
    case .hypercall: return "\(values[0])"
    case .injection, .pageFault: return hex(values[0])
    case .haltPoll: return values[0] == 0 ? "shrink" : "grow"
    }
  }

  /// Why KVM_RUN returned, by the name that the runner's own loop has for it.
  private static func userspaceReason(_ number: UInt64, errno: Int64) -> String {
    if errno == -4 { return ExitReason.intr.name }  // EINTR
    if errno < 0 { return ExitReason.unknown.name }
    return UInt8(exactly: number).flatMap(ExitReason.init(rawValue:))?.name ?? "kvm_exit:\(number)"
  }
}
