import Measurement

/// Looks at the host once, changing nothing: what it is (its fingerprint), how it is set up, and what makes it less than fit
/// to measure (methodology, section 6). What cannot be read is `null`, never a guess.
public struct HostProbe: Sendable {
  /// Root of sysfs.
  public var sysfs = "/sys"
  /// Root of procfs.
  public var procfs = "/proc"
  /// The KVM device.
  public var kvmPath = "/dev/kvm"

  /// A probe of this host; other roots are for tests.
  public init(sysfs: String = "/sys", procfs: String = "/proc", kvmPath: String = "/dev/kvm") {
    self.sysfs = sysfs
    self.procfs = procfs
    self.kvmPath = kvmPath
  }

  /// The record of this host.
  ///
  /// - Parameter vcpus: vCPUs of the largest guest that will run, for the warning about too few CPUs.
  public func record(vcpus: Int = 1) -> HostRecord {
    let topology = topology()
    let cpu = CPUFacts(procfs: procfs)
    let kvm = KVMFacts(sysfs: sysfs, path: kvmPath)
    let configuration = HostConfiguration(sysfs: sysfs, procfs: procfs, cpu: cpu, kvm: kvm)
    let facts = WarningFacts(
      cpu: cpu, configuration: configuration, load: HostLoad(procfs: procfs), topology: topology,
      pinning: Pinning.plan(vcpus: vcpus, topology: topology),
      tracepoint: Tracepoints.userspaceExitEvent(sysfs: sysfs))
    return HostRecord(
      fingerprint: Fingerprint.of(hardware(cpu, topology)), configuration: configuration.record,
      cpu: cpu.record(topology), kernel: configuration.kernel ?? "unknown", kvm: kvm.record,
      numa: topology.nodes.map(record(of:)), warnings: facts.sentences,
      name: HostFile.text(procfs + "/sys/kernel/hostname") ?? "unknown")
  }

  /// True where memory can be had in transparent huge pages, for everybody or by madvise(2).
  public var hasTransparentHugePages: Bool {
    let choice = HostConfiguration.bracketed(HostFile.text(sysfs + "/kernel/mm/transparent_hugepage/enabled"))
    return choice == "always" || choice == "madvise"
  }

  /// The host's CPUs and nodes: through libnuma where the roots are the host's own.
  public func topology() -> Topology {
    sysfs == "/sys" && procfs == "/proc" ? .host() : Topology(sysfs: sysfs, procfs: procfs)
  }

  /// What stays the same whatever software runs: the key of every series.
  private func hardware(_ cpu: CPUFacts, _ topology: Topology) -> [String: String] {
    let counts = topology.counts
    let memory = ProcFile.kibibytes(ProcFile.fields(procfs + "/meminfo")["MemTotal"]) ?? 0
    var facts = [
      "cpu.vendor": cpu.vendor, "cpu.name": cpu.name, "cpu.family": cpu.family, "cpu.model": cpu.model,
      "cpu.stepping": cpu.stepping, "packages": "\(counts.packages)", "cores": "\(counts.cores)",
      "threads": "\(counts.threads)", "nodes": "\(topology.nodes.count)",
      // The kernel keeps a little for itself, more or less with each version: whole GiB do not notice.
      "memory.gib": "\((memory + 1 << 29) >> 30)", "virtual": "\(cpu.isVirtual)",
    ]
    for name in ["sys_vendor", "product_name", "bios_vendor"] {
      facts["dmi.\(name)"] = HostFile.text(sysfs + "/class/dmi/id/\(name)")
    }
    return facts
  }

  private func record(of node: HostNode) -> JSONValue {
    .object([
      "id": .number(Double(node.id)), "cpus": .array(node.cpus.map { .number(Double($0)) }),
      "memory_bytes": .number(Double(node.memoryBytes)),
      "distances": .array(node.distances.map { .number(Double($0)) }),
    ])
  }
}
