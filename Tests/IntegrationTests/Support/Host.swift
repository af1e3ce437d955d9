import Glibc
import HostTopology
import KVM
import Testing

/// What this machine offers to the tests. What it lacks is said on standard error too: a skipped test is easily overlooked.
enum Host {
  /// True where guests can be run.
  static let hasKVM: Bool = {
    do { _ = try KVMSystem() } catch { return loudly(false, "\(error): NO GUEST IS TESTED") }
    return true
  }()

  /// The id of kvm:kvm_userspace_exit, where this process may count it.
  static let exitEvent: UInt64? = {
    switch Tracepoints.userspaceExitEvent() {
    case .outOfReach(let reason): return loudly(nil, "exits are not compared with the kernel's count: \(reason)")
    case .found(let id):
      do { _ = try UserspaceExitCounter(event: id) } catch {
        return loudly(nil, "exits are not compared with the kernel's count: \(error)")
      }
      return id
    }
  }()

  /// True where a vCPU and its I/O do not share a CPU.
  static let hasSeveralCPUs =
    sysconf(Int32(_SC_NPROCESSORS_ONLN)) > 1 || loudly(false, "one CPU: competing load is not tested")

  /// QEMU, where its package is installed.
  static let qemuProgram = "/usr/bin/qemu-system-x86_64"

  /// True where there is one.
  static let hasQEMU =
    access(qemuProgram, X_OK) == 0
    || loudly(false, "no \(qemuProgram): NO GUEST IS TESTED UNDER QEMU (make packages-peer)")

  /// True where a folder can be mounted read-only, out of everyone else's sight. (Root may write to files of any mode.)
  static let canMount: Bool = {
    let status = try? Child.run(["/usr/bin/unshare", "--mount", "/bin/true"]).status
    return status == 0 || loudly(false, "read-only images are not tested: unshare --mount is refused")
  }()

  /// iputils' ping, and util-linux's setpriv.
  static let pingProgram = "/usr/bin/ping"
  static let setprivProgram = "/usr/bin/setpriv"

  /// True where there is a ping to talk to a guest.
  static let hasPing =
    access(pingProgram, X_OK) == 0 || loudly(false, "no \(pingProgram): only our own pings are tested")

  /// True where a program can be run without some capability that these tests have.
  static let canDropCapabilities =
    (try? Child.run([setprivProgram, "--bounding-set=-net_admin", "/bin/true"]).status) == 0
    || loudly(false, "a runner without capabilities is not tested: no \(setprivProgram), or it is refused")

  /// True where TAP takes UDP datagrams before segmentation: Linux 6.2 or newer.
  static let segmentsDatagrams: Bool = {
    var name = utsname()
    uname(&name)
    let release = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    let numbers = release.split(separator: ".").prefix(2).compactMap { Int($0) }
    return numbers.count == 2 && (numbers[0], numbers[1]) >= (6, 2)
      || loudly(false, "no unsegmented datagrams over TAP: kernel \(release) is older than 6.2")
  }()

  /// True where a network namespace can be had, and TAP interfaces in it.
  static let canMakeNetworks: Bool = {
    let canUnshare = (try? Child.run(["/usr/bin/unshare", "--net", "/bin/true"]).status) == 0
    return canUnshare && access("/dev/net/tun", R_OK | W_OK) == 0
      || loudly(false, "TAP is not tested: no network namespace, or no /dev/net/tun")
  }()

  /// True where the host's kernel serves network cards.
  static let hasVhostNet =
    access("/dev/vhost-net", R_OK | W_OK) == 0 || loudly(false, "vhost-net is not tested: no /dev/vhost-net")

  private static func loudly<Value>(_ value: Value, _ message: String) -> Value {
    let line = "warning: integration tests: \(message)\n"
    _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    return value
  }
}

/// Everything that boots a guest: one after the other, because they measure.
@Suite("real guests", .serialized, .enabled(if: Host.hasKVM, "KVM cannot be used here: no guest was run"))
enum RealGuests {}
