/// What of a machine QEMU has too. Whatever it lacks is skipped with a reason, before anything is started.
public enum QEMUSupport {
  /// Oldest QEMU whose options `QEMUCommand` speaks: `-netdev dgram` came with 7.2.
  public static let oldestVersion = QEMUVersion(major: 7, minor: 2)
  /// What the interpreter's processor has not.
  private static let interpreterLacks: KeyValuePairs = ["clock": "kvmclock", "timer": "tsc-deadline"]
  /// Kernels whose devices both have.
  private static let kernels = ["clock", "disk", "misbehave", "netserver", "network", "timer"]

  /// Why `runner` cannot run such a machine; nil where it can.
  public static func obstacle(
    runner: GuestRunner, kernel: String, choices: [String: String], network: NetworkBacking, vcpus: Int
  ) -> String? {
    switch runner {
    case .builtin, .previous, .bare: return nil
    case .kvmtool: return "kvmtool boots Linux kernels and real-mode binaries, and has no PVH entry for this guest"
    case .qemu, .qemuTCG: break
    }
    guard kernels.contains(kernel) else { return "\(kernel) workloads run under the builtin runner only" }
    guard vcpus == 1 else { return "the guest starts further processors under the builtin runner only" }
    if runner == .qemuTCG, let choice = interpreterLacks.first(where: { choices[$0.key] == $0.value }) {
      return "\(choice.key)=\(choice.value) needs KVM"
    }
    if let pages = choices["pages"], ["2m", "1g"].contains(pages) {
      return "pages=\(pages) runs under the builtin runner only"
    }
    if kernel == "disk", choices["backend"] == "memory" { return "QEMU has no such back end (memory of the runner)" }
    if network != .none, choices["net"] == "vhost-net" { return "net=vhost-net runs under the builtin runner only" }
    if kernel == "disk", choices["backend"] == "sqpoll" {
      return "QEMU has no such back end (io_uring with a thread of the kernel)"
    }
    switch network {
    case .echo, .sink, .source, .iperf3: return "QEMU has no such back end (\(kind(of: network)) inside the runner)"
    case .none, .socket, .tap, .stack, .peer: return nil
    }
  }

  private static func kind(of network: NetworkBacking) -> String {
    String(network.description.prefix { $0 != ":" })
  }
}

/// A version of QEMU.
public struct QEMUVersion: Comparable, Sendable, CustomStringConvertible {
  /// 7 of 7.2.
  public let major: Int
  /// 2 of 7.2.
  public let minor: Int

  /// A version; see the properties.
  public init(major: Int, minor: Int) {
    self.major = major
    self.minor = minor
  }

  /// Reads what `qemu-system-x86_64 --version` prints (`QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7)`); nil where it says
  /// something else.
  public init?(parsing text: String) {
    let marker = "QEMU emulator version "
    guard text.hasPrefix(marker) else { return nil }
    let numbers = text.dropFirst(marker.count).prefix { $0.isNumber || $0 == "." }.split(separator: ".")
    guard numbers.count >= 2, let major = Int(numbers[0]), let minor = Int(numbers[1]) else { return nil }
    self.init(major: major, minor: minor)
  }

  /// `7.2`.
  public var description: String { "\(major).\(minor)" }

  /// The older one first.
  public static func < (a: QEMUVersion, b: QEMUVersion) -> Bool { (a.major, a.minor) < (b.major, b.minor) }
}
