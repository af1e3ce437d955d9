/// Where a guest's threads and its memory are, seen from each other.
public enum NUMAPolicy: String, CaseIterable, Sendable {
  /// All on one NUMA node, as far as it has the CPUs.
  case local
  /// Threads and pages taking turns over all nodes.
  case spread
  /// Threads on one node, memory on the node that is farthest from it.
  case remote
}

/// The CPUs of a guest's threads and the NUMA nodes of its RAM.
public struct Placement: Equatable, Sendable {
  /// CPUs of the vCPU and I/O threads.
  public let pinning: PinningPlan
  /// The node that RAM is bound to, or several over which its pages are interleaved (mbind(2)); empty where there is nothing
  /// to choose, or the threads span nodes.
  public let memoryNodes: [Int]
}

/// Why a guest cannot be placed so.
public enum PlacementObstacle: Error, Equatable, CustomStringConvertible {
  /// The host has one node with memory.
  case oneNode
  /// There is no such node.
  case unknownNode(Int, of: [Int])
  /// None of the node's CPUs is among those that this process may run on.
  case noCPU(node: Int)
  /// Not even one CPU is known that this process may run on.
  case noCPUs
  /// The threads of this guest span nodes: no node is remote to all of them.
  case threadsSpanNodes(vcpus: Int)

  /// What is the matter, in a few words.
  public var description: String {
    switch self {
    case .oneNode: "one NUMA node"
    case .unknownNode(let node, let nodes):
      "this host has no NUMA node \(node) (it has \(nodes.map(String.init).joined(separator: ", ")))"
    case .noCPU(let node): "NUMA node \(node) has no CPU that this process may run on"
    case .noCPUs: "this process may run on no CPU that is known"
    case .threadsSpanNodes(let vcpus):
      "no NUMA node has the \(vcpus + 1) CPUs that this guest needs, so none is remote to all of its threads"
    }
  }
}

extension NUMAPolicy {
  /// Places a guest of `vcpus` on a host like this; `home` is the node of its threads, the best one where it is nil.
  public func place(vcpus: Int, home: Int? = nil, topology: Topology) throws(PlacementObstacle) -> Placement {
    let nodes = topology.nodes.filter { $0.memoryBytes > 0 }
    if let home, !topology.nodes.contains(where: { $0.id == home }) {
      throw .unknownNode(home, of: topology.nodes.map(\.id))
    }
    guard self == .local || nodes.count > 1 else { throw .oneNode }
    guard self != .spread else { return try Self.spread(vcpus: vcpus, over: nodes, topology) }
    guard let pinning = Pinning.plan(vcpus: vcpus, topology: topology.restricted(to: home)) else {
      throw home.map(PlacementObstacle.noCPU) ?? .noCPUs
    }
    guard self == .remote else {
      return Placement(pinning: pinning, memoryNodes: nodes.count > 1 ? pinning.node.map { [$0] } ?? [] : [])
    }
    guard let node = pinning.node else { throw .threadsSpanNodes(vcpus: vcpus) }
    return Placement(pinning: pinning, memoryNodes: [try topology.farthest(from: node, among: nodes)])
  }

  /// One CPU of each node in turn, and pages of all of them.
  private static func spread(
    vcpus: Int, over nodes: [HostNode], _ topology: Topology
  ) throws(PlacementObstacle) -> Placement {
    guard let pinning = Pinning.spread(vcpus: vcpus, topology: topology) else { throw .noCPUs }
    return Placement(pinning: pinning, memoryNodes: nodes.map(\.id))
  }
}

extension Topology {
  /// The same host with the CPUs of one node alone; all of them where it is nil.
  fileprivate func restricted(to node: Int?) -> Topology {
    guard let node else { return self }
    return Topology(
      cpus: cpus.filter { $0.node == node }, nodes: nodes.filter { $0.id == node }, allowed: allowed)
  }

  /// The node with memory at the largest distance (ACPI SLIT) from `node`; the first of several.
  fileprivate func farthest(from node: Int, among nodes: [HostNode]) throws(PlacementObstacle) -> Int {
    let distances = self.nodes.first { $0.id == node }?.distances ?? []
    let candidates = nodes.filter { $0.id != node }
    func distance(_ other: HostNode) -> Int {
      let index = self.nodes.firstIndex { $0.id == other.id } ?? 0
      return distances.indices.contains(index) ? distances[index] : 0
    }
    guard var best = candidates.first else { throw .oneNode }
    for candidate in candidates where distance(candidate) > distance(best) { best = candidate }
    return best.id
  }
}
