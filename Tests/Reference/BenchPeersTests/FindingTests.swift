import MachineLauncher
import Testing

@testable import bench_peers

/// What a table of bars says of figures that are made up.
struct FindingTests {
  private func finding(_ limit: Limit, ours: [Double], theirs: [Double], failures: [String] = []) -> Finding {
    let bar = Bar.operations(limit)
    let duel = Duel(name: "a, \"b\"", peer: .qemu, specification: MachineSpecification(), bars: [bar])
    var outcome = Outcome()
    outcome.ours = ours.map { [bar.metric: $0] }
    outcome.theirs = theirs.map { [bar.metric: $0] }
    outcome.failures = failures
    return Finding(duel, bar, outcome)
  }

  /// Ten rounds whose ratios lie between these two.
  private func rounds(_ limit: Limit, from low: Double, to high: Double) -> Finding {
    let theirs = (1...10).map { 100 * Double($0) }
    return finding(limit, ours: theirs.enumerated().map { $1 * ($0.isMultiple(of: 2) ? low : high) }, theirs: theirs)
  }

  @Test func aBarIsMetByTheWholeInterval() {
    #expect(rounds(.atLeast(1.2), from: 1.25, to: 1.3).isMet == true)
    #expect(rounds(.atLeast(1.2), from: 1.1, to: 1.4).isMet == false)
    #expect(rounds(.atMost(1.05), from: 1.01, to: 1.02).isMet == true)
    #expect(rounds(.atMost(1.05), from: 1.0, to: 1.1).isMet == false)
    #expect(rounds(.within(0.9...1.1), from: 0.95, to: 1.05).isMet == true)
    #expect(rounds(.within(0.9...1.1), from: 0.8, to: 1).isMet == false)
    #expect(rounds(.within(0.9...1.1), from: 1, to: 1.2).isMet == false)
  }

  @Test func aCostIsJudgedByItsEstimateAndSlownessByWhatIsNotExcluded() {
    #expect(rounds(.aboutAtMost(1), from: 0.9, to: 1.05).isMet == true)
    #expect(rounds(.aboutAtMost(1), from: 1.01, to: 1.02).isMet == false)
    #expect(rounds(.notSlower, from: 0.9, to: 1.1).isMet == true)
    #expect(rounds(.notSlower, from: 0.8, to: 0.9).isMet == false)
  }

  @Test func tooFewRoundsAreNotJudged() {
    let few = finding(.atLeast(1), ours: [2, 2], theirs: [1, 1], failures: ["QEMU is missing"])
    #expect(few.isMet == nil)
    #expect(few.verdict == "not measured (QEMU is missing)")
    #expect(few.ratio?.value == 2)
  }

  @Test func figuresThatOneSideLacksAreLeftOut() {
    var outcome = Outcome()
    outcome.ours = [["a": 1], [:], ["a": 3]]
    outcome.theirs = [["a": 4], ["a": 5], [:]]
    #expect(outcome.values("a").ours == [1])
    #expect(outcome.values("a").theirs == [4])
  }

  @Test func tablesHaveARowForEachFigure() {
    let findings = [rounds(.atLeast(1.2), from: 1.5, to: 1.5), finding(.notSlower, ours: [], theirs: [])]
    #expect(
      Table.markdown(findings).split(separator: "\n").dropFirst(2) == [
        "| a, \"b\" | throughput.ops, 1/s | 10 | 825 | 550 (QEMU) | 1.5 (1.5–1.5) | interval at least 1.2 | met |",
        "| a, \"b\" | throughput.ops, 1/s | 0 | – | – (QEMU) | – | interval reaches 1 | not measured |",
      ])
    #expect(
      Table.csv(findings).hasSuffix(
        "\"a, \"\"b\"\"\",throughput.ops,QEMU,0,,,,,,interval reaches 1,\"not measured\"\r\n"))
  }
}
