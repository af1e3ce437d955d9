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
    let subsystems = MachineProfile.subsystems.filter { workload.uses($0.name) && !$0.isPlacement }.map { subsystem in
      (name: subsystem.name, values: subsystem.values.map(\.name).filter { !subsystem.rareValues.contains($0) })
    }
    let base = try #require(MachineProfile.choices(of: "paravirt"))
    return subsystems.indices.flatMap { index in
      subsystems[(index + 1)...].flatMap { second in
        subsystems[index].values.flatMap { value in
          second.values.map { [subsystems[index].name: value, second.name: $0] }
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

  @Test(arguments: [["io"], ["platform", "console"], []] as [[String]])
  func everyChoiceIsInACellThatCanBeMeasured(_ suites: [String]) throws {
    var request = RunRequest()
    request.suites = suites
    request.quick = true
    let cells = try Planner.plan(request, library: .embedded()).cells
    for subsystem in MachineProfile.subsystems.filter({ !$0.isPlacement }) {
      let users = cells.filter { $0.skipReason == nil && $0.workload.uses(subsystem.name) }
      let values = Set(users.compactMap { $0.choices[subsystem.name] })
      // Without the device that it is about, no workload can be measured.
      let others = subsystem.rareValues.union(["none", "plain"])
      let wanted = subsystem.values.map(\.name).filter { !others.contains($0) }
      #expect(users.isEmpty || values.isSuperset(of: wanted), "\(subsystem.name): \(values)")
    }
  }

  @Test func otherRowsAndOtherRequestsStayAsTheyAre() throws {
    #expect(try modes("disk.randread.4k.qd32").map(\.name) == ["full", "paravirt"])
    var request = RunRequest.of("disk.mixed70.4k.qd1")
    request.quick = true
    #expect(try Planner.plan(request, library: .embedded()).cells.map(\.mode.name) == ["full", "paravirt"])
  }
}
