import Glibc
import HostTopology

/// Where the host's own files are: below `/`, or below `PVBENCH_HOST_ROOT`, a made-up host for tests.
struct HostRoot: Sendable {
  private let root: String
  private let environment: [String: String]

  init(environment: [String: String]) {
    root = environment["PVBENCH_HOST_ROOT"] ?? ""
    self.environment = environment
  }

  var procfs: String { root + "/proc" }

  /// Where root leaves what others may read, too.
  var sharedStateFolder: String { root + "/var/lib/pvbench" }

  /// The folder for what must outlive a process. Root's is the same whoever became root and how: settings are the host's.
  var stateFolder: String {
    guard root.isEmpty, geteuid() != 0 else { return sharedStateFolder }
    if let state = environment["XDG_STATE_HOME"], state.hasPrefix("/") { return state + "/pvbench" }
    return (environment["HOME"] ?? "") + "/.local/state/pvbench"
  }

  var probe: HostProbe {
    let kvmPath = environment["PVBENCH_KVM_PATH"] ?? root + "/dev/kvm"
    return HostProbe(sysfs: root + "/sys", procfs: procfs, kvmPath: kvmPath)
  }
}
