/// Which CPU each thread of a guest runs on.
public struct PinningPlan: Equatable, Sendable {
  /// One CPU a vCPU, in order.
  public let vcpuCPUs: [Int]
  /// The CPU of I/O threads.
  public let ioCPU: Int
  /// The NUMA node that all of them are on; nil where they span several.
  public let node: Int?
  /// One sentence where the host is too small for a plan without sharing.
  public let warning: String?

  /// The first `most` different CPUs of the vCPUs, for those that shall take turns on them.
  public func cpus(most: Int) -> [Int] {
    Array(vcpuCPUs.reduce(into: []) { if !$0.contains($1) { $0.append($1) } }.prefix(most))
  }
}

/// Places guests on CPUs (methodology, section 6): a core for each vCPU and one for I/O, all on one NUMA node, CPU 0 left
/// alone where there is a choice.
public enum Pinning {
  /// A plan for one guest; nil where this process may run on no CPU that is known.
  public static func plan(vcpus: Int, topology: Topology) -> PinningPlan? {
    let usable = topology.cpus.filter { topology.allowed.contains($0.id) }
    guard !usable.isEmpty, vcpus > 0 else { return nil }
    let needed = vcpus + 1
    let nodes = topology.nodes.map { node in usable.filter { $0.node == node.id } }
    let busy = usable.first { $0.id == 0 }
    // From the best kind of place to the worst; the first that is large enough is taken.
    let quiet = nodes.map { node in cores(of: node).filter { !sharesCore($0, busy) } }
    let whole = nodes.map { cores(of: $0) }
    let choices: [(places: [[HostCPU]], warning: String?)] = [
      (quiet, nil),
      (whole, nil),
      ([cores(of: usable)], "no NUMA node has the \(needed) cores that this guest needs: its threads span nodes"),
      (nodes.map(threads(of:)), "the host has fewer cores than this guest has threads: some share a core"),
      ([threads(of: usable)], "the host has fewer cores than this guest has threads: some share a core"),
    ]
    for choice in choices {
      guard let place = choice.places.first(where: { $0.count >= needed }) else { continue }
      return plan(vcpus: vcpus, on: Array(place.prefix(needed)), warning: choice.warning)
    }
    let place = threads(of: usable)
    return plan(vcpus: vcpus, on: place, warning: shortage(of: needed, in: place))
  }

  /// A plan for one guest whose threads take turns over all NUMA nodes, a core of each node in turn; nil where this process may
  /// run on no CPU that is known.
  static func spread(vcpus: Int, topology: Topology) -> PinningPlan? {
    let usable = topology.cpus.filter { topology.allowed.contains($0.id) }
    let queues = topology.nodes.map { node in threads(of: usable.filter { $0.node == node.id }) }
    let longest = queues.map(\.count).max() ?? 0
    let turns = (0..<longest).flatMap { turn in queues.compactMap { turn < $0.count ? $0[turn] : nil } }
    guard !turns.isEmpty, vcpus > 0 else { return nil }
    return plan(vcpus: vcpus, on: Array(turns.prefix(vcpus + 1)), warning: shortage(of: vcpus + 1, in: turns))
  }

  /// One sentence where there are fewer CPUs than threads.
  private static func shortage(of needed: Int, in place: [HostCPU]) -> String? {
    guard place.count < needed else { return nil }
    let some = place.count == 1 ? "1 CPU" : "\(place.count) CPUs"
    return "this guest needs \(needed) CPUs and may use \(some): its threads share them"
  }

  /// vCPUs from the front, I/O at the back: where CPU 0 must be used it comes last, so I/O meets the host's own work.
  private static func plan(vcpus: Int, on place: [HostCPU], warning: String?) -> PinningPlan {
    let vcpuCPUs = (0..<vcpus).map { place[$0 % place.count] }
    let io = place[place.count - 1]
    let nodes = Set((vcpuCPUs + [io]).map(\.node))
    return PinningPlan(
      vcpuCPUs: vcpuCPUs.map(\.id), ioCPU: io.id, node: nodes.count == 1 ? nodes.first : nil, warning: warning)
  }

  /// One CPU of each core, CPU 0's core last.
  private static func cores(of cpus: [HostCPU]) -> [HostCPU] {
    var first: [HostCPU] = []
    for cpu in cpus where !first.contains(where: { sharesCore($0, cpu) }) { first.append(cpu) }
    return first.filter { $0.id != 0 } + first.filter { $0.id == 0 }
  }

  /// All CPUs: one of each core before any sibling, CPU 0 last.
  private static func threads(of cpus: [HostCPU]) -> [HostCPU] {
    let first = cores(of: cpus).filter { $0.id != 0 }
    let siblings = cpus.filter { cpu in cpu.id != 0 && !first.contains(cpu) }
    return first + siblings + cpus.filter { $0.id == 0 }
  }

  private static func sharesCore(_ a: HostCPU, _ b: HostCPU?) -> Bool {
    guard let b else { return false }
    return a.package == b.package && a.node == b.node && a.core == b.core
  }
}
