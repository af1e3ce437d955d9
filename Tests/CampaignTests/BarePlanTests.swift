import MachineLauncher
import Testing

@testable import Campaign

@Suite("running without a virtual machine")
struct BarePlanTests {
  private func labels(_ id: String, runners: [GuestRunner]? = nil) throws -> [String] {
    var request = RunRequest.of(id)
    request.runners = runners
    return try Planner.plan(request, library: .embedded()).cells.map(\.label)
  }

  private func skipReasons(_ id: String, runner: GuestRunner) throws -> [String?] {
    var request = RunRequest.of(id, modes: ["paravirt"])
    request.runners = [runner]
    return try Planner.plan(request, library: .embedded()).cells.map(\.skipReason)
  }

  @Test(arguments: ["cpu.nbody", "cpu.integer.4vcpus", "memory.stream.triad.128m"])
  func isTheThirdColumnOfWhatNeedsNoMachine(_ id: String) throws {
    #expect(try labels(id) == ["full", "paravirt", "paravirt@bare"])
  }

  @Test(arguments: ["cpu.integer.ring0", "memory.pagetable.ring0", "disk.randread.4k.qd1"])
  func isNoColumnOfWhatNeedsOne(_ id: String) throws {
    #expect(try labels(id) == ["full", "paravirt"])
  }

  @Test func isAskedForLikeAnyRunner() throws {
    #expect(try labels("cpu.nbody", runners: [.bare]) == ["full@bare", "paravirt@bare"])
    #expect(try labels("cpu.nbody", runners: [.builtin]) == ["full", "paravirt"])
  }

  @Test(arguments: ["cpu.integer.ring0", "memory.shootdown.2vcpus", "memory.touch.2m", "disk.randread.4k.qd1"])
  func isSkippedWithItsReasonWhereItCannotBe(_ id: String) throws {
    let reason = "the workload needs a machine (a device, ring 0 or hugetlb pages) and does not run natively"
    #expect(try skipReasons(id, runner: .bare) == [reason])
    #expect(try skipReasons("cpu.nbody", runner: .bare) == [nil])
  }

  @Test func aRowsRAMIsItsMachines() throws {
    let plan = try Planner.plan(.of("memory.stream.triad.128m", modes: ["full"]), library: .embedded())
    let specification = plan.specification(of: plan.steps[0], disk: nil, resources: MachineResources())
    #expect(specification.memory == 256 << 20)
    #expect(specification.parameters.contains { $0.name == "ram" && $0.value == "268435456" })
  }
}
