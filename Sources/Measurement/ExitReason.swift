/// Why KVM_RUN returned, with the numbers and (in lower case) the names of `KVM_EXIT_*` (Linux, `include/uapi/linux/kvm.h`);
/// those of other architectures are left out.
public enum ExitReason: UInt8, CaseIterable, Sendable {
  case unknown = 0
  case exception = 1
  case io = 2
  case hypercall = 3
  case debug = 4
  case hlt = 5
  case mmio = 6
  case irqWindowOpen = 7
  case shutdown = 8
  case failEntry = 9
  /// KVM_RUN was interrupted by a signal or an immediate exit.
  case intr = 10
  case setTPR = 11
  case tprAccess = 12
  case nmi = 16
  case internalError = 17
  case watchdog = 21
  case systemEvent = 24
  case ioapicEOI = 26
  case hyperv = 27
  case rdmsr = 29
  case wrmsr = 30
  case dirtyRingFull = 31
  case apResetHold = 32
  case busLock = 33
  case xen = 34
  case notify = 37
  case memoryFault = 39

  /// The reason that KVM reports as `number` in `kvm_run.exit_reason`; `unknown` for one that x86 does not have.
  public init(kvmNumber number: UInt32) {
    self = UInt8(exactly: number).flatMap(ExitReason.init(rawValue:)) ?? .unknown
  }

  /// The name in results: `io`, `mmio`, `irq_window_open`.
  public var name: String {
    switch self {
    case .unknown: "unknown"
    case .exception: "exception"
    case .io: "io"
    case .hypercall: "hypercall"
    case .debug: "debug"
    case .hlt: "hlt"
    case .mmio: "mmio"
    case .irqWindowOpen: "irq_window_open"
    case .shutdown: "shutdown"
    case .failEntry: "fail_entry"
    case .intr: "intr"
    case .setTPR: "set_tpr"
    case .tprAccess: "tpr_access"
    case .nmi: "nmi"
    case .internalError: "internal_error"
    case .watchdog: "watchdog"
    case .systemEvent: "system_event"
    case .ioapicEOI: "ioapic_eoi"
    case .hyperv: "hyperv"
    case .rdmsr: "rdmsr"
    case .wrmsr: "wrmsr"
    case .dirtyRingFull: "dirty_ring_full"
    case .apResetHold: "ap_reset_hold"
    case .busLock: "bus_lock"
    case .xen: "xen"
    case .notify: "notify"
    case .memoryFault: "memory_fault"
    }
  }

  /// True where userspace had to handle it: all but interruptions.
  public var isUserspace: Bool { self != .intr }
}

/// What exits are counted by: the reason, the place and the direction.
public struct ExitKey: Hashable, Sendable {
  /// Why KVM_RUN returned.
  public var reason: ExitReason
  /// For `io` and `mmio`: true where the guest reads. False otherwise.
  public var isInput: Bool
  /// Port, guest-physical address or MSR; 0 for reasons without a place.
  public var address: UInt64

  /// A key; see the properties.
  public init(reason: ExitReason, isInput: Bool = false, address: UInt64 = 0) {
    self.reason = reason
    self.isInput = isInput
    self.address = address
  }

  /// The name in results: `io:0x1f0:in`, `mmio:0xfeb00050:out`, `rdmsr:0x10`, `hlt`.
  public var detail: String {
    switch reason {
    case .io, .mmio: "\(reason.name):0x\(String(address, radix: 16)):\(isInput ? "in" : "out")"
    case .rdmsr, .wrmsr: "\(reason.name):0x\(String(address, radix: 16))"
    default: address == 0 ? reason.name : "\(reason.name):0x\(String(address, radix: 16))"
    }
  }
}
