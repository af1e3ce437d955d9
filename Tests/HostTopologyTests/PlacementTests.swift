import Testing

@testable import HostTopology

@Suite("places of guests")
struct PlacementTests {
  /// Four nodes of two cores in a ring: neighbours at 16, the node across at 22.
  private static let ring = host(
    nodes: 4, coresPerNode: 2, distances: [[10, 16, 22, 16], [16, 10, 16, 22], [22, 16, 10, 16], [16, 22, 16, 10]])
  private static let pair = host(nodes: 2, coresPerNode: 4, distances: [[10, 21], [21, 10]])
  private static let single = host(nodes: 1, coresPerNode: 4, distances: [[10]])

  private static func host(
    nodes: Int, coresPerNode: Int, distances: [[Int]], memoryless: Set<Int> = [], allowed: [Int]? = nil
  ) -> Topology {
    let cpus = (0..<nodes * coresPerNode).map { HostCPU(id: $0, core: $0, package: 0, node: $0 / coresPerNode) }
    return Topology(
      cpus: cpus,
      nodes: (0..<nodes).map { node in
        HostNode(
          id: node, cpus: cpus.filter { $0.node == node }.map(\.id),
          memoryBytes: memoryless.contains(node) ? 0 : 1 << 30,
          distances: distances[node])
      }, allowed: allowed ?? cpus.map(\.id))
  }

  @Test func localMemoryIsOnTheNodeOfTheThreads() throws {
    let placement = try NUMAPolicy.local.place(vcpus: 2, topology: Self.pair)
    #expect(placement.pinning.node == 0)
    #expect(placement.memoryNodes == [0])
  }

  @Test func aNodeThatWasAskedForIsTaken() throws {
    let placement = try NUMAPolicy.local.place(vcpus: 2, home: 1, topology: Self.pair)
    #expect(placement.pinning.vcpuCPUs == [4, 5])
    #expect(placement.pinning.ioCPU == 6)
    #expect(placement.memoryNodes == [1])
  }

  @Test func remoteMemoryIsAsFarAsItCanBe() throws {
    for home in 0..<4 {
      let placement = try NUMAPolicy.remote.place(vcpus: 1, home: home, topology: Self.ring)
      #expect(placement.pinning.node == home)
      #expect(placement.memoryNodes == [(home + 2) % 4])
    }
  }

  @Test func aNodeWithoutMemoryIsNotRemote() throws {
    let topology = Self.host(
      nodes: 3, coresPerNode: 2, distances: [[10, 16, 22], [16, 10, 16], [22, 16, 10]], memoryless: [2])
    #expect(try NUMAPolicy.remote.place(vcpus: 1, home: 0, topology: topology).memoryNodes == [1])
  }

  @Test func spreadThreadsTakeTurnsOverAllNodes() throws {
    let placement = try NUMAPolicy.spread.place(vcpus: 4, topology: Self.ring)
    // CPU 0 comes last of its node.
    #expect(placement.pinning.vcpuCPUs == [1, 2, 4, 6])
    #expect(placement.pinning.ioCPU == 0)
    #expect(placement.pinning.node == nil)
    #expect(placement.memoryNodes == [0, 1, 2, 3])
  }

  @Test func spreadThreadsShareCPUsWhereThereAreTooFew() throws {
    let placement = try NUMAPolicy.spread.place(vcpus: 16, topology: Self.pair)
    #expect(Set(placement.pinning.vcpuCPUs) == Set(0..<8))
    #expect(placement.pinning.warning == "this guest needs 17 CPUs and may use 8 CPUs: its threads share them")
  }

  @Test func threadsOfALargeGuestSpanNodesAndItsMemoryIsLeftToTheHost() throws {
    let placement = try NUMAPolicy.local.place(vcpus: 6, topology: Self.pair)
    #expect(placement.pinning.node == nil)
    #expect(placement.memoryNodes == [])
  }

  @Test func nothingIsRemoteToThreadsOfAllNodes() {
    #expect(throws: PlacementObstacle.threadsSpanNodes(vcpus: 6)) {
      try NUMAPolicy.remote.place(vcpus: 6, topology: Self.pair)
    }
  }

  @Test(arguments: [NUMAPolicy.spread, .remote])
  func aHostWithOneNodeHasNothingToChoose(_ policy: NUMAPolicy) {
    #expect(throws: PlacementObstacle.oneNode) { try policy.place(vcpus: 1, topology: Self.single) }
    #expect("\(PlacementObstacle.oneNode)" == "one NUMA node")
  }

  @Test func aHostWithOneNodeHasNothingToBind() throws {
    #expect(try NUMAPolicy.local.place(vcpus: 1, topology: Self.single).memoryNodes == [])
  }

  @Test(arguments: NUMAPolicy.allCases)
  func aNodeThatIsNotThereIsNamed(_ policy: NUMAPolicy) {
    let obstacle = PlacementObstacle.unknownNode(7, of: [0, 1])
    #expect(throws: obstacle) { try policy.place(vcpus: 1, home: 7, topology: Self.pair) }
    #expect("\(obstacle)" == "this host has no NUMA node 7 (it has 0, 1)")
  }

  @Test func aNodeWhoseCPUsAreOutOfReachIsNamed() {
    let topology = Self.host(nodes: 2, coresPerNode: 2, distances: [[10, 21], [21, 10]], allowed: [0, 1])
    #expect(throws: PlacementObstacle.noCPU(node: 1)) {
      try NUMAPolicy.local.place(vcpus: 1, home: 1, topology: topology)
    }
  }

  @Test(arguments: NUMAPolicy.allCases)
  func aProcessThatMayRunNowhereHasNoPlace(_ policy: NUMAPolicy) {
    let topology = Self.host(nodes: 2, coresPerNode: 2, distances: [[10, 21], [21, 10]], allowed: [])
    #expect(throws: PlacementObstacle.noCPUs) { try policy.place(vcpus: 1, topology: topology) }
  }
}
