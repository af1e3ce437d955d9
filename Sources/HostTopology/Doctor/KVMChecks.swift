import Glibc

extension HostCheck {
  /// The name of the check on the device: without it nothing can be measured.
  static let device = "kvm.device"

  /// KVM, its parameters (which are only ever read), and the kernel's own count of exits.
  static let virtualisation: [HostCheck] =
    [
      HostCheck(id: device, why: "without it no guest runs") { host in
        if let version = host.kvm.apiVersion {
          return .ok("\(host.kvmPath) has version \(version) (\(host.kvm.vendor ?? "no vendor module"))")
        }
        let code = access(host.kvmPath, R_OK | W_OK) == 0 ? ENODEV : errno
        let advice = code == EACCES ? "usermod -aG kvm $USER" : "modprobe kvm_intel || modprobe kvm_amd"
        let reason = String(cString: strerror(code)).lowercased()
        return .warning("cannot open \(host.kvmPath): \(reason)", Remedy(advice))
      }
    ] + parameters.map(\.check) + [
      HostCheck(id: "perf.paranoid", why: "users without CAP_PERFMON cannot have exits counted by the kernel") { host in
        let text = try host.proc("/sys/kernel/perf_event_paranoid")
        guard let level = Int(text) else { return .cannotTell("perf_event_paranoid is no number: \(text)") }
        let found = "perf_event_paranoid is \(level)"
        return level > -1 && geteuid() != 0
          ? .warning(found, Remedy("sysctl kernel.perf_event_paranoid=-1")) : .ok(found)
      },
      HostCheck(id: "perf.tracepoint", why: "the loop's own count has no witness") { host in
        guard case .outOfReach(let reason) = host.tracepoint else {
          return .ok("the kernel counts exits a second time (kvm:kvm_userspace_exit)")
        }
        return .warning(
          "exits are not counted by the kernel a second time: \(reason)",
          Remedy("mount -t tracefs -o mode=755 none /sys/kernel/tracing"))
      },
    ]

  /// A parameter of kvm or a vendor module. pvbench never changes one: other guests live by it.
  private struct Parameter {
    let module: String
    let name: String
    /// Values that a measurement is fit with.
    let isFit: @Sendable (String) -> Bool
    let why: String
    let command: String

    var check: HostCheck {
      HostCheck(id: "\(module).\(name)", why: why) { [self] host in
        guard HostFile.exists("\(host.sysfs)/module/\(module)/parameters/\(name)") else { return nil }
        let value = try host.sys("/module/\(module)/parameters/\(name)")
        let found = "\(module).\(name) is \(value)"
        return isFit(value) ? .ok(found) : .warning(found, Remedy(command))
      }
    }
  }

  /// The kernel's Documentation/admin-guide/kernel-parameters.txt and Documentation/virt/kvm/halt-polling.rst.
  private static let parameters = [
    Parameter(
      module: "kvm", name: "halt_poll_ns", isFit: { $0 != "0" },
      why: "a halted vCPU sleeps at once: its wake-ups cost more than on most hosts",
      command: "echo 200000 | tee /sys/module/kvm/parameters/halt_poll_ns"),
    Parameter(
      module: "kvm", name: "nx_huge_pages", isFit: { $0 == "N" || $0 == "never" },
      why: "huge pages that a guest executes from are split",
      command: "echo N | tee /sys/module/kvm/parameters/nx_huge_pages  # not on a CPU with the iTLB multihit erratum"),
    Parameter(
      module: "kvm", name: "ignore_msrs", isFit: { $0 == "N" },
      why: "a register that does not exist looks as if it did",
      command: "echo N | tee /sys/module/kvm/parameters/ignore_msrs"),
    Parameter(
      module: "kvm_intel", name: "ept", isFit: { $0 == "Y" },
      why: "page tables are shadowed: every change of one exits",
      command: "modprobe -r kvm_intel && modprobe kvm_intel ept=1"),
    Parameter(
      module: "kvm_intel", name: "enable_apicv", isFit: { $0 == "Y" }, why: "every interrupt of a guest exits",
      command: "modprobe -r kvm_intel && modprobe kvm_intel enable_apicv=1"),
    Parameter(
      module: "kvm_amd", name: "npt", isFit: { $0 == "Y" || $0 == "1" },
      why: "page tables are shadowed: every change of one exits",
      command: "modprobe -r kvm_amd && modprobe kvm_amd npt=1"),
    Parameter(
      module: "kvm_amd", name: "avic", isFit: { $0 == "Y" || $0 == "1" }, why: "every interrupt of a guest exits",
      command: "modprobe -r kvm_amd && modprobe kvm_amd avic=1"),
  ]
}
