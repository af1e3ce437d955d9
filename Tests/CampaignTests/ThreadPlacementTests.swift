import MachineLauncher
import Testing

@testable import Campaign
@testable import HostTopology

@Suite("transparent huge pages of a row")
struct TransparentPagesTests {
  private func obstacle(_ id: String, _ hasThem: Bool) throws -> String? {
    let plan = try Planner.plan(.of(id, modes: ["paravirt"]), library: .embedded())
    return MachineResources(hasTransparentHugePages: hasThem).obstacle(to: plan.cells[0])
  }

  @Test func areThereOrTheRowIsSkipped() throws {
    let reason = "this host gives no transparent huge pages (/sys/kernel/mm/transparent_hugepage/enabled)"
    #expect(try obstacle("exits.fault.host.2m", true) == nil)
    #expect(try obstacle("exits.fault.host.2m", false) == reason)
  }

  @Test func areNoMatterWhereAModeOnlyPrefersThem() throws {
    #expect(try obstacle("memory.touch", false) == nil)
  }
}

@Suite("threads beside and across from each other")
struct ThreadPlacementTests {
  /// The row's plan, and a host whose guests have these CPUs.
  private func place(_ id: String, on cpus: [Int]) throws -> (specification: MachineSpecification, obstacle: String?) {
    let plan = try Planner.plan(.of(id, modes: ["full"]), library: .embedded())
    let pinning = PinningPlan(vcpuCPUs: cpus, ioCPU: 0, node: nil, warning: nil)
    let resources = MachineResources(placements: [.local: .success(Placement(pinning: pinning, memoryNodes: []))])
    return (
      plan.specification(of: plan.steps[0], disk: nil, resources: resources), resources.obstacle(to: plan.cells[0])
    )
  }

  @Test func besideSharesACPU() throws {
    #expect(try place("exits.wake.ipi.beside", on: [3, 5]).specification.vcpuCPUs == [3])
    #expect(try place("exits.pio.wake.beside", on: [3]).specification.ioCPU == 3)
  }

  @Test func acrossDoesNot() throws {
    let placed = try place("exits.wake.ipi.across", on: [3, 5])
    #expect(placed.specification.vcpuCPUs == [3, 5])
    #expect(placed.obstacle == nil)
    #expect(try place("exits.pio.wake.across", on: [3]).specification.ioCPU == 0)
    #expect(try place("exits.pio.wake.across", on: [3]).obstacle == nil)
  }

  @Test func aHostWhoseCPUsAreNotKnownHasNeither() throws {
    let plan = try Planner.plan(.of("exits.wake.ipi.beside", modes: ["full"]), library: .embedded())
    #expect(MachineResources().obstacle(to: plan.cells[0]) == "the CPUs that this process may run on are not known")
  }

  @Test func acrossNeedsTwoCPUs() throws {
    let reason = "this process may run on one CPU: no thread is across from another"
    #expect(try place("exits.wake.irqfd.across", on: [1, 1]).obstacle == reason)
    #expect(try place("exits.pio.wake.across", on: [0]).obstacle == reason)
    #expect(try place("exits.wake.irqfd.beside", on: [1, 1]).obstacle == nil)
  }
}
