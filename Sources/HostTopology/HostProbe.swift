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
  /// - Parameters:
  ///   - vcpus: vCPUs of the largest guest that will run, for the warning about too few CPUs.
  ///   - results: the folder that runs are made in, for those about its disk.
  public func record(vcpus: Int = 1, results: String = "results") -> HostRecord {
    let host = reading(vcpus: vcpus, results: results)
    let (cpu, topology, configuration, kvm) = (host.cpu, host.topology, host.configuration, host.kvm)
    return HostRecord(
      fingerprint: Fingerprint.of(hardware(cpu, topology)), configuration: configuration.record,
      cpu: cpu.record(topology), kernel: configuration.kernel ?? "unknown", kvm: kvm.record,
      numa: topology.nodes.map(record(of:)), warnings: HostCheck.all.compactMap { $0.finding(host)?.warning },
      name: HostFile.text(procfs + "/sys/kernel/hostname") ?? "unknown")
  }

  /// Reads everything that records and checks are made from.
  func reading(vcpus: Int, results: String) -> HostReading {
    let topology = topology()
    let cpu = CPUFacts(procfs: procfs)
    let kvm = KVMFacts(sysfs: sysfs, path: kvmPath)
    return HostReading(
      sysfs: sysfs, procfs: procfs, kvmPath: kvmPath, results: results, cpu: cpu,
      configuration: HostConfiguration(sysfs: sysfs, procfs: procfs, cpu: cpu, kvm: kvm), kvm: kvm,
      load: HostLoad(procfs: procfs), topology: topology, pinning: Pinning.plan(vcpus: vcpus, topology: topology),
      tracepoint: Tracepoints.userspaceExitEvent(sysfs: sysfs))
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
