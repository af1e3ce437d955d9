import Testing

@testable import HostTopology

@Suite("CPUs and NUMA nodes")
struct TopologyTests {
  @Test func everyCPUKnowsItsCorePackageAndNode() throws {
    let tree = try FixtureTree(FixtureTree.server)
    let topology = Topology(sysfs: tree.sysfs, procfs: tree.procfs)
    #expect(topology.cpus.count == 8)
    #expect(topology.cpus[6] == HostCPU(id: 6, core: 0, package: 1, node: 1))
    #expect(topology.counts == (packages: 2, cores: 4, threads: 8))
    #expect(topology.allowed == Array(0..<8))
  }

  @Test func everyNodeKnowsItsMemoryAndDistances() throws {
    let tree = try FixtureTree(FixtureTree.server)
    let topology = Topology(sysfs: tree.sysfs, procfs: tree.procfs)
    #expect(
      topology.nodes == [
        HostNode(id: 0, cpus: [0, 1, 4, 5], memoryBytes: 16_318_412 * 1024, distances: [10, 21]),
        HostNode(id: 1, cpus: [2, 3, 6, 7], memoryBytes: 16_511_700 * 1024, distances: [21, 10]),
      ])
  }

  @Test func aHostWithoutNUMAHasOneNode() throws {
    let tree = try FixtureTree([
      "sys/devices/system/cpu/online": "0-1\n", "proc/meminfo": "MemTotal: 2048 kB\n",
    ])
    let topology = Topology(sysfs: tree.sysfs, procfs: tree.procfs)
    #expect(topology.nodes == [HostNode(id: 0, cpus: [0, 1], memoryBytes: 2 << 20, distances: [10])])
    #expect(topology.allowed == [0, 1])
  }

  @Test func onlyOnlineCPUsMayBeAllowed() throws {
    let tree = try FixtureTree.server([
      "sys/devices/system/cpu/online": "0,2-3\n", "proc/self/status": "Cpus_allowed_list:\t2-63\n",
    ])
    #expect(Topology(sysfs: tree.sysfs, procfs: tree.procfs).allowed == [2, 3])
  }

  @Test func anEmptyTreeHasNoCPUs() throws {
    let tree = try FixtureTree([:])
    let topology = Topology(sysfs: tree.sysfs, procfs: tree.procfs)
    #expect(topology.cpus.isEmpty)
    #expect(topology.counts == (packages: 0, cores: 0, threads: 0))
  }

  @Test func libnumaAndSysfsAgreeOnThisHost() {
    let library = Topology.host()
    let tree = Topology(sysfs: "/sys", procfs: "/proc")
    #expect(library.cpus == tree.cpus)
    #expect(!library.cpus.isEmpty)
    #expect(library.nodes.map(\.memoryBytes) == tree.nodes.map(\.memoryBytes))
    #expect(library.nodes.map(\.distances) == tree.nodes.map(\.distances))
  }

  @Test(arguments: [
    ("0-3,8,10-11", [0, 1, 2, 3, 8, 10, 11]), ("0", [0]), ("", []), ("3-1", []), ("x,2", [2]), ("-", []), ("1-2-3", []),
  ])
  func listsOfCPUsAreRead(text: String, numbers: [Int]) {
    #expect(CPUList.parse(text) == numbers)
  }
}

@Suite("pinning")
struct PinningTests {
  /// `cores` cores on each of `nodes` nodes with `threads` threads each, numbered core by core, siblings last.
  private func host(nodes: Int, cores: Int, threads: Int = 1, allowed: [Int]? = nil) -> Topology {
    let cpus = (0..<nodes * cores * threads).map { id in
      let core = id % (nodes * cores)
      return HostCPU(id: id, core: core % cores, package: core / cores, node: core / cores)
    }
    let list = (0..<nodes).map { node in
      HostNode(id: node, cpus: cpus.filter { $0.node == node }.map(\.id), memoryBytes: 1, distances: [10])
    }
    return Topology(cpus: cpus, nodes: list, allowed: allowed ?? cpus.map(\.id))
  }

  @Test func everyThreadHasACoreOfItsOwnAndCPU0IsLeftAlone() {
    #expect(
      Pinning.plan(vcpus: 2, topology: host(nodes: 1, cores: 4, threads: 2))
        == PinningPlan(vcpuCPUs: [1, 2], ioCPU: 3, node: 0, warning: nil))
  }

  @Test func theNodeWithoutCPU0IsTakenWhereTheFirstIsTooSmall() {
    #expect(
      Pinning.plan(vcpus: 3, topology: host(nodes: 2, cores: 4))
        == PinningPlan(vcpuCPUs: [4, 5, 6], ioCPU: 7, node: 1, warning: nil))
  }

  @Test func whereCPU0IsNeededItServesIO() {
    #expect(
      Pinning.plan(vcpus: 1, topology: host(nodes: 1, cores: 2))
        == PinningPlan(vcpuCPUs: [1], ioCPU: 0, node: 0, warning: nil))
  }

  @Test func spanningNodesIsBetterThanSharingCoresAndIsSaid() throws {
    let plan = try #require(Pinning.plan(vcpus: 3, topology: host(nodes: 2, cores: 2, threads: 2)))
    #expect(plan.vcpuCPUs == [1, 2, 3])
    #expect(plan.ioCPU == 0)
    #expect(plan.node == nil)
    #expect(plan.warning == "no NUMA node has the 4 cores that this guest needs: its threads span nodes")
  }

  @Test func siblingsAreTheLastDistinctCPUs() throws {
    let plan = try #require(Pinning.plan(vcpus: 2, topology: host(nodes: 1, cores: 2, threads: 2)))
    #expect(plan.vcpuCPUs == [1, 2])
    #expect(plan.ioCPU == 3)
    #expect(plan.warning == "the host has fewer cores than this guest has threads: some share a core")
  }

  @Test func tooFewCPUsAreSharedAndItIsSaid() throws {
    let plan = try #require(Pinning.plan(vcpus: 4, topology: host(nodes: 1, cores: 2)))
    #expect(plan.vcpuCPUs == [1, 0, 1, 0])
    #expect(plan.ioCPU == 0)
    #expect(plan.warning == "this guest needs 5 CPUs and may use 2 CPUs: its threads share them")
  }

  @Test func onlyAllowedCPUsAreUsed() throws {
    let plan = try #require(Pinning.plan(vcpus: 1, topology: host(nodes: 1, cores: 8, allowed: [5, 6])))
    #expect(plan.vcpuCPUs == [5])
    #expect(plan.ioCPU == 6)
    #expect(plan.warning == nil)
  }

  @Test func aSingleCPUServesEverything() throws {
    let plan = try #require(Pinning.plan(vcpus: 1, topology: host(nodes: 1, cores: 1)))
    #expect(plan.vcpuCPUs == [0])
    #expect(plan.ioCPU == 0)
    #expect(plan.warning == "this guest needs 2 CPUs and may use 1 CPU: its threads share them")
  }

  @Test func withoutCPUsThereIsNoPlan() {
    #expect(Pinning.plan(vcpus: 1, topology: host(nodes: 1, cores: 2, allowed: [])) == nil)
  }
}
