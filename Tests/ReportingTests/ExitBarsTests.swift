import Measurement
import Testing

@testable import Reporting

@Suite("exits by reason") struct ExitBarsTests {
  private func cell(_ mode: String, _ metrics: [String: Double], exits: [String: UInt64] = [:]) -> CellSummary {
    CellSummary(
      CellRecord(
        suite: "cpu", workload: "cpu.nbody", mode: mode, choices: [:], primary: "throughput.ops", warmupSeconds: 0,
        repetitions: [
          RepetitionRecord(
            index: 0, order: 0, status: .ok, metrics: metrics.merging(["window.ops": 10]) { $1 },
            exits: ExitCounts(byReason: exits))
        ]))
  }

  @Test func whatCountsNoneIsLeftOut() {
    let guest = cell("paravirt", ["exits.per_op": 0])
    let bars = ExitBars([guest, cell("paravirt@bare", [:])])
    #expect(bars?.modes == ["paravirt"])
    #expect(ExitBars([cell("paravirt@bare", [:])]) == nil)
  }

  @Test func countsWithoutTheirMetricAreDrawn() {
    #expect(ExitBars([cell("full", [:], exits: ["io": 20])])?.rows.map { $0.cells.map(\.exits) } == [["2.00"]])
  }
}
