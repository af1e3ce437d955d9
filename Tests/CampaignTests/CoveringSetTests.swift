import MachineLauncher
import Testing

@testable import Campaign

struct CoveringSetTests {
  private static let imageBytes: UInt64 = 64 << 20

  private func workload(_ id: String) throws -> Workload {
    try #require(try SuiteLibrary.embedded().suites.flatMap(\.workloads).first { $0.id == id })
  }

  private func modes(_ id: String) throws -> [Mode] {
    var request = RunRequest()
    request.quick = true
    return try Planner.plan(request, library: .embedded()).cells.filter { $0.workload.id == id }.map(\.mode)
  }

  /// Every two choices that some machine of the workload can have together.
  private func possiblePairs(_ workload: Workload) throws -> [[String: String]] {
    let subsystems = MachineProfile.subsystems.filter { workload.uses($0.name) }
    let base = try #require(MachineProfile.choices(of: "paravirt"))
    return subsystems.indices.flatMap { index in
      subsystems[(index + 1)...].flatMap { second in
        subsystems[index].values.flatMap { value in
          second.values.map { [subsystems[index].name: value.name, second.name: $0.name] }
        }
      }
    }.filter { pair in
      let mode = Mode(base: "paravirt", choices: base.merging(pair) { $1 })
      return Feasibility.obstacle(workload, in: mode, imageBytes: Self.imageBytes) == nil
    }
  }

  @Test(arguments: ["disk.mixed70.4k.qd1", "network.roundtrip.64b.qd1"])
  func everyPairThatIsPossibleIsInAMachine(_ id: String) throws {
    let modes = try modes(id)
    for pair in try possiblePairs(try workload(id)) {
      #expect(modes.contains { mode in pair.allSatisfy { mode.choices[$0.key] == $0.value } }, "\(pair)")
    }
  }

  @Test(arguments: ["disk.mixed70.4k.qd1", "network.roundtrip.64b.qd1"])
  func machinesAreFewAndAllPossible(_ id: String) throws {
    let modes = try modes(id)
    let workload = try workload(id)
    #expect(modes.count <= 17)
    #expect(Set(modes.map(\.name)).count == modes.count)
    #expect(modes.allSatisfy { Feasibility.obstacle(workload, in: $0, imageBytes: Self.imageBytes) == nil })
  }

  @Test func otherRowsAndOtherRequestsStayAsTheyAre() throws {
    #expect(try modes("disk.randread.4k.qd1").map(\.name) == ["full", "paravirt"])
    var request = RunRequest.of("disk.mixed70.4k.qd1")
    request.quick = true
    #expect(try Planner.plan(request, library: .embedded()).cells.map(\.mode.name) == ["full", "paravirt"])
  }
}
