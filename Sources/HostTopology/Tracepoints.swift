import CLinuxKVM
import Glibc
import Measurement

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
    do {
      return try Tracefs(sysfs: sysfs).number(of: name).map { .found($0) }
        ?? .outOfReach(reason: "this kernel has no tracepoint \(name)")
    } catch { return .outOfReach(reason: error.reason) }
  }

  /// How records of KVM's tracepoints with these `names` are laid out, of those that this kernel has.
  public static func layouts(_ names: [String], sysfs: String = "/sys") throws(TracefsError) -> [TracepointLayout] {
    let tracefs = try Tracefs(sysfs: sysfs)
    return names.compactMap { name in
      tracefs.text("kvm/\(name)/format").flatMap { TracepointLayout(name: name, format: $0) }
    }
  }
}

/// Why nobody can be asked for tracepoints.
public struct TracefsError: Error, Equatable, Sendable {
  /// One sentence.
  public let reason: String
}

/// Where the kernel tells of its tracepoints, for as long as this is there.
private struct Tracefs: ~Copyable {
  /// A folder that can be read, or a detached mount.
  private let folder: String
  private let mount: Int32

  init(sysfs: String) throws(TracefsError) {
    for folder in ["/kernel/tracing", "/kernel/debug/tracing"] where HostFile.exists(sysfs + folder + "/events") {
      self.folder = sysfs + folder + "/events"
      mount = -1
      return
    }
    guard sysfs == "/sys" else { throw TracefsError(reason: "no tracefs in \(sysfs)") }
    let mount = pv_detached_mount("tracefs")
    guard mount >= 0 else {
      let why = String(cString: strerror(-mount))
      throw TracefsError(reason: "tracefs is not mounted at /sys/kernel/tracing, and mounting it failed: \(why)")
    }
    folder = "events"
    self.mount = mount
  }

  deinit { if mount >= 0 { close(mount) } }

  /// A file of an event.
  func text(_ path: String) -> String? { HostFile.text("\(folder)/\(path)", in: mount >= 0 ? mount : AT_FDCWD) }

  /// An event's number, `group/event`.
  func number(of event: String) -> UInt64? { text(event + "/id").flatMap { UInt64($0) } }
}
