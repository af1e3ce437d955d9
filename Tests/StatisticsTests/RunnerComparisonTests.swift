import Measurement
import Statistics
import Testing

struct RunnerComparisonTests {
  private static func cell(_ mode: String, _ centre: Double, workload: String = "w", seed: UInt64 = 1) -> CellRecord {
    RunComparisonTests.cell(
      mode, workload: workload, ["throughput.ops": RunComparisonTests.noisy(centre, seed: seed)])
  }

  @Test func theBuiltinRunnerIsComparedWithEachOtherOneInTheSameMode() throws {
    let records = RunComparison.modes(in: [
      Self.cell("full", 100), Self.cell("full@qemu", 50, seed: 2), Self.cell("paravirt", 1000, seed: 3),
      Self.cell("paravirt@qemu", 800, seed: 4),
    ])
    #expect(records.map(\.mode) == ["full:paravirt", "full@qemu:full", "paravirt@qemu:paravirt"])
    #expect(abs(try #require(records[1].ratio) - 2) < 0.05)
    #expect(abs(try #require(records[2].ratio) - 1.25) < 0.03)
  }

  @Test func aPeerDoesNotWeakenWhatIsSaidOfTheModes() {
    let modes = [Self.cell("full", 100), Self.cell("paravirt", 1000, seed: 3)]
    let peers = [Self.cell("full@qemu", 50, seed: 2), Self.cell("paravirt@qemu", 800, seed: 4)]
    #expect(RunComparison.modes(in: modes + peers).first == RunComparison.modes(in: modes).first)
  }

  @Test func peersAreCorrectedAmongThemselves() {
    let cells = (0..<2).flatMap { index in
      ["paravirt", "paravirt@qemu"].map { Self.cell($0, 100, workload: "w\(index)", seed: UInt64(index) + 7) }
    }
    let records = RunComparison.modes(in: cells)
    #expect(records.map(\.mode) == ["paravirt@qemu:paravirt", "paravirt@qemu:paravirt"])
    #expect(records.allSatisfy { $0.pHolm == 1 })
  }

  @Test func aRunOfOneOtherRunnerIsAboutItsModes() {
    let records = RunComparison.modes(in: [Self.cell("full@qemu-tcg", 1), Self.cell("paravirt@qemu-tcg", 2)])
    #expect(records.map(\.mode) == ["full@qemu-tcg:paravirt@qemu-tcg"])
  }

  @Test func anInterpreterIsComparedWithNoProcessor() {
    #expect(RunComparison.modes(in: [Self.cell("full", 100), Self.cell("full@qemu-tcg", 1)]).isEmpty)
  }
}
