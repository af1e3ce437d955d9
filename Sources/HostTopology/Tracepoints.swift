import CLinuxKVM
import Glibc

/// A tracepoint's number, or why there is none.
public enum TracepointEvent: Equatable, Sendable {
  /// The id that perf_event_open(2) takes as `config`.
  case found(UInt64)
  /// One sentence.
  case outOfReach(reason: String)

  /// The id, where there is one.
  public var id: UInt64? { if case .found(let id) = self { id } else { nil } }
}

/// The ids of tracepoints, which the kernel tells through tracefs only.
public enum Tracepoints {
  /// The id of `kvm:kvm_userspace_exit`.
  public static func userspaceExitEvent(sysfs: String = "/sys") -> TracepointEvent {
    event("kvm/kvm_userspace_exit", sysfs: sysfs)
  }

  /// The id of the tracepoint `name`, `group/event`. Looks where tracefs is mounted by custom; where it is mounted nowhere
  /// and `sysfs` is the host's own, at a detached mount that nobody else can see (Linux 5.2, needs CAP_SYS_ADMIN).
  public static func event(_ name: String, sysfs: String = "/sys") -> TracepointEvent {
    for folder in ["/kernel/tracing", "/kernel/debug/tracing"] {
      if let id = number(in: HostFile.text(sysfs + folder + "/events/\(name)/id")) { return .found(id) }
    }
    guard sysfs == "/sys" else { return .outOfReach(reason: "no tracefs in \(sysfs)") }
    let mount = pv_detached_mount("tracefs")
    guard mount >= 0 else {
      let why = String(cString: strerror(-mount))
      return .outOfReach(reason: "tracefs is not mounted at /sys/kernel/tracing, and mounting it failed: \(why)")
    }
    defer { close(mount) }
    guard let id = number(in: HostFile.text("events/\(name)/id", in: mount)) else {
      return .outOfReach(reason: "this kernel has no tracepoint \(name)")
    }
    return .found(id)
  }

  private static func number(in text: String?) -> UInt64? { text.flatMap { UInt64($0) } }
}
