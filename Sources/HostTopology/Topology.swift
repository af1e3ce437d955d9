import CNUMA

/// One logical CPU that is online.
public struct HostCPU: Equatable, Sendable {
  /// The kernel's number.
  public let id: Int
  /// Number of its core within its package.
  public let core: Int
  /// Number of its package (socket).
  public let package: Int
  /// Its NUMA node; 0 on hosts without any.
  public let node: Int
}

/// One NUMA node.
public struct HostNode: Equatable, Sendable {
  /// The kernel's number.
  public let id: Int
  /// Its CPUs that are online, ascending; empty for a node of memory alone.
  public let cpus: [Int]
  /// Its memory in bytes.
  public let memoryBytes: UInt64
  /// Relative distances to all nodes in order (ACPI SLIT: 10 is local).
  public let distances: [Int]
}

/// The host's CPUs and NUMA nodes, as far as placement needs them.
public struct Topology: Equatable, Sendable {
  /// Online CPUs, ascending.
  public let cpus: [HostCPU]
  /// NUMA nodes, ascending; one where the host has none.
  public let nodes: [HostNode]
  /// Those CPUs that this process may run on, ascending.
  public let allowed: [Int]

  /// A topology; see the properties.
  public init(cpus: [HostCPU], nodes: [HostNode], allowed: [Int]) {
    self.cpus = cpus
    self.nodes = nodes
    self.allowed = allowed
  }

  /// Reads a sysfs and procfs tree.
  ///
  /// - Parameter nodes: the NUMA nodes, where a better source than the tree knows them.
  public init(sysfs: String, procfs: String, nodes known: [HostNode]? = nil) {
    let folder = sysfs + "/devices/system/cpu"
    let online = CPUList.parse(HostFile.text(folder + "/online"))
    let nodes = known ?? HostNode.all(sysfs: sysfs, procfs: procfs, online: online)
    self.nodes = nodes
    self.cpus = online.map { id in
      HostCPU(
        id: id, core: HostFile.number("\(folder)/cpu\(id)/topology/core_id") ?? id,
        package: HostFile.number("\(folder)/cpu\(id)/topology/physical_package_id") ?? 0,
        node: nodes.first { $0.cpus.contains(id) }?.id ?? 0)
    }
    let allowed = CPUList.parse(ProcFile.fields(procfs + "/self/status")["Cpus_allowed_list"])
    self.allowed = allowed.isEmpty ? online : allowed.filter(online.contains)
  }

  /// This host: CPUs from sysfs, NUMA nodes from libnuma.
  public static func host() -> Topology { Topology(sysfs: "/sys", procfs: "/proc", nodes: HostNode.fromLibrary()) }

  /// Packages, cores and threads, of online CPUs.
  public var counts: (packages: Int, cores: Int, threads: Int) {
    let cores = Set(cpus.map { [$0.package, $0.node, $0.core] })
    return (Set(cpus.map(\.package)).count, cores.count, cpus.count)
  }
}

extension HostNode {
  /// The nodes that libnuma sees; nil where the kernel has no NUMA support.
  static func fromLibrary() -> [HostNode]? {
    guard numa_available() >= 0, let mask = numa_allocate_cpumask() else { return nil }
    defer { numa_bitmask_free(mask) }
    let online = CPUList.parse(HostFile.text("/sys/devices/system/cpu/online"))
    let present = (0...max(0, numa_max_node())).filter { numa_node_size64($0, nil) >= 0 }
    let nodes = present.map { node in
      let hasCPUs = numa_node_to_cpus(node, mask) == 0
      return HostNode(
        id: Int(node), cpus: online.filter { hasCPUs && numa_bitmask_isbitset(mask, UInt32($0)) != 0 },
        memoryBytes: UInt64(max(0, numa_node_size64(node, nil))),
        distances: present.map { Int(numa_distance(node, $0)) })
    }
    return nodes.isEmpty ? nil : nodes
  }

  /// The nodes of a sysfs tree; one with all of memory where it has none.
  static func all(sysfs: String, procfs: String, online: [Int]) -> [HostNode] {
    let folder = sysfs + "/devices/system/node"
    let ids = CPUList.parse(HostFile.text(folder + "/online"))
    guard !ids.isEmpty else {
      let memory = ProcFile.kibibytes(ProcFile.fields(procfs + "/meminfo")["MemTotal"])
      return [HostNode(id: 0, cpus: online, memoryBytes: memory ?? 0, distances: [10])]
    }
    return ids.map { id in
      let node = "\(folder)/node\(id)"
      let memory = ProcFile.fields(node + "/meminfo")["Node \(id) MemTotal"]
      let distances = (HostFile.text(node + "/distance") ?? "10").split(separator: " ").compactMap { Int($0) }
      return HostNode(
        id: id, cpus: CPUList.parse(HostFile.text(node + "/cpulist")).filter(online.contains),
        memoryBytes: ProcFile.kibibytes(memory) ?? 0, distances: distances)
    }
  }
}
