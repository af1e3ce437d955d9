import Glibc

/// What KVM refused, to whom, and what to do about it. `description` is the one line that a user sees.
public enum KVMError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The device could not be opened.
  case open(path: String, errno: Int32)
  /// The file could be opened, but does not answer as KVM does.
  case notKVM(path: String, errno: Int32)
  /// The kernel speaks another KVM API than 12, the only one since Linux 2.6.22.
  case apiVersion(Int32)
  /// A request failed.
  case ioctl(KVMOperation, errno: Int32)
  /// A vCPU's run page could not be mapped.
  case map(byteCount: Int, errno: Int32)
  /// A descriptor could not be duplicated.
  case duplicate(errno: Int32)
  /// KVM does not know this model-specific register, or refuses the value.
  case msr(index: UInt32)
  /// The binary statistics could not be read; `errno` is 0 where they were read but make no sense.
  case statistics(errno: Int32)
  /// `perf_event_open` could not count the tracepoint.
  case exitCounter(errno: Int32)
  /// `perf_event_open` could not record KVM's tracepoints.
  case tracing(errno: Int32)

  /// What happened, to what, and what to do.
  public var description: String {
    switch self {
    case .open(let path, let code):
      "cannot open \(path): \(Self.message(code))" + (Self.openAdvice(code).map { " (\($0))" } ?? "")
    case .notKVM(let path, let code):
      "\(path) is not a KVM device: \(Self.message(code)) (name the host's KVM device, usually /dev/kvm)"
    case .apiVersion(let version):
      "the kernel speaks KVM API \(version), pvbench needs 12 (use Linux 5.10 or newer)"
    case .ioctl(.createVM, EBUSY):
      "KVM_CREATE_VM failed: \(Self.message(EBUSY)) (another hypervisor holds the processor's virtualisation: stop it)"
    case .ioctl(let operation, let code): "\(operation) failed: \(Self.message(code))"
    case .map(let count, let code): "cannot map a vCPU's run page of \(count) bytes: \(Self.message(code))"
    case .duplicate(let code): "cannot duplicate a KVM descriptor: \(Self.message(code))"
    case .msr(let index): "KVM refuses MSR 0x\(String(index, radix: 16))"
    case .statistics(0): "KVM's statistics have an unknown layout"
    case .statistics(let code): "cannot read KVM's statistics: \(Self.message(code))"
    case .exitCounter(let code):
      "cannot count kvm:kvm_userspace_exit: \(Self.message(code)) (run as root, or grant CAP_PERFMON)"
    case .tracing(let code):
      "cannot record KVM's tracepoints: \(Self.message(code)) (run as root, or grant CAP_PERFMON and CAP_IPC_LOCK)"
    }
  }

  /// The C library's words for an error number, as the middle of a sentence: `permission denied`.
  static func message(_ code: Int32) -> String {
    let text = String(cString: strerror(code))
    guard let first = text.first, !text.dropFirst().prefix(1).allSatisfy(\.isUppercase) else { return text }
    return first.lowercased() + text.dropFirst()
  }

  private static func openAdvice(_ code: Int32) -> String? {
    switch code {
    case EACCES, EPERM: "add yourself to group kvm, or run as root"
    case ENOENT: "load kvm_intel or kvm_amd, or enable virtualisation in the firmware"
    case ENODEV, ENXIO: "load kvm_intel or kvm_amd"
    case EMFILE, ENFILE: "raise the limit of open files"
    default: nil
    }
  }
}
