import MachineLauncher
import Measurement
import Testing

@testable import Campaign
@testable import HostTopology

@Suite("--numa")
struct PlacementPlanTests {
  private static let topology = Topology(
    cpus: (0..<8).map { HostCPU(id: $0, core: $0, package: $0 / 4, node: $0 / 4) },
    nodes: [
      HostNode(id: 0, cpus: [0, 1, 2, 3], memoryBytes: 1 << 30, distances: [10, 21]),
      HostNode(id: 1, cpus: [4, 5, 6, 7], memoryBytes: 1 << 30, distances: [21, 10]),
    ], allowed: Array(0..<8))
  private static let single = Topology(
    cpus: (0..<2).map { HostCPU(id: $0, core: $0, package: 0, node: 0) },
    nodes: [HostNode(id: 0, cpus: [0, 1], memoryBytes: 1 << 30, distances: [10])], allowed: [0, 1])

  private func request(_ numa: String?, with variants: [[String]] = []) -> RunRequest {
    var request = RunRequest.of("disk.randread.4k.qd1", modes: ["paravirt"])
    request.numa = numa
    request.variants = variants
    return request
  }

  private func resources(_ request: RunRequest, _ topology: Topology) -> MachineResources {
    MachineResources(placements: HostServices.placements(vcpus: 1, home: request.numaNode, topology: topology))
  }

  /// The first cell's machine on `topology`.
  private func machine(_ request: RunRequest, on topology: Topology) throws -> MachineSpecification {
    let plan = try Planner.plan(request, library: .embedded())
    return plan.specification(of: plan.steps[0], disk: nil, resources: resources(request, topology))
  }

  private func obstacle(_ request: RunRequest, on topology: Topology) throws -> String? {
    let plan = try Planner.plan(request, library: .embedded())
    return resources(request, topology).obstacle(to: plan.cells[0])
  }

  @Test(
    arguments: [
      (nil, [1], [0]), ("auto", [1], [0]), ("node=1", [4], [1]), ("remote", [1], [1]), ("spread", [1], [0, 1]),
    ]
      as [(String?, [Int], [Int])])
  func threadsAndMemoryGoWhereTheyAreWanted(_ numa: String?, _ cpus: [Int], _ nodes: [Int]) throws {
    let machine = try machine(request(numa), on: Self.topology)
    #expect(machine.vcpuCPUs == cpus)
    #expect(machine.memoryNodes == nodes)
  }

  @Test func localAndRemoteMemoryAreComparedInOneRun() throws {
    let plan = try Planner.plan(request(nil, with: [["numa=remote"]]), library: .embedded())
    #expect(plan.cells.map(\.mode.name) == ["paravirt", "paravirt+numa=remote"])
    let places = resources(plan.request, Self.topology)
    #expect(
      plan.steps.prefix(2).map { plan.specification(of: $0, disk: nil, resources: places).memoryNodes } == [[0], [1]])
  }

  @Test(arguments: ["remote", "spread"])
  func whatOneNodeCannotOfferIsSkipped(_ numa: String) throws {
    #expect(try obstacle(request(numa), on: Self.single) == "one NUMA node")
    #expect(try obstacle(request(numa), on: Self.topology) == nil)
  }

  @Test func aHostWithOneNodeRunsWhereItAlwaysDid() throws {
    let machine = try machine(request("auto"), on: Self.single)
    #expect(machine.vcpuCPUs == [1])
    #expect(machine.ioCPU == 0)
    #expect(machine.memoryNodes == [])
  }

  @Test(arguments: ["near", "node=", "node=x", "node=-1", "local"])
  func anythingElseIsAUsageError(_ numa: String) throws {
    let library = try SuiteLibrary.embedded()
    #expect(throws: CampaignError.usage("--numa \(numa): expected auto, node=N, spread or remote")) {
      try Planner.plan(request(numa), library: library)
    }
  }
}
