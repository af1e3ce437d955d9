import CLinuxKVM
import Glibc

/// The kernel's thread that serves a vhost-net card, called `vhost-` and the number of the thread that had it made. Since Linux
/// 6.4 it is one of that process's threads; before, it is one of the kernel's, whose CPU time is nobody's who asks
/// getrusage(2).
struct VhostThread {
  private let number: Int32
  private let isOurs: Bool

  /// The thread that works for `owner`; nil where it is not to be seen, as from within a namespace of processes.
  init?(owner: Int32) {
    let name = "vhost-\(owner)\n"
    func find(in folder: String) -> Int32? {
      ProcessUsage.numbers(in: folder).first { ProcessUsage.text(of: "\(folder)/\($0)/comm") == name }
    }
    if let number = find(in: "/proc/self/task") {
      (self.number, isOurs) = (number, true)
    } else if let number = find(in: "/proc") {
      (self.number, isOurs) = (number, false)
    } else {
      return nil
    }
  }

  /// Where nobody knows the thread, what its work costs is missing from the host's CPU time.
  static let missing = "host.cpu_seconds lacks the kernel's vhost thread, which cannot be seen from here"

  /// Binds it to one CPU. As for our own threads, a CPU that cannot be had is ignored.
  func pin(to cpu: Int) { _ = pv_pin_thread(number, Int32(cpu)) }

  /// CPU seconds so far that this process's own do not include (/proc/PID/schedstat, in nanoseconds).
  var cpuSeconds: Double {
    guard !isOurs, let first = ProcessUsage.text(of: "/proc/\(number)/schedstat")?.split(separator: " ").first else {
      return 0
    }
    return (Double(first) ?? 0) / 1e9
  }
}
