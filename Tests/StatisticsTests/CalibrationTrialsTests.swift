import Foundation
import Measurement
import Statistics
import Testing

struct CalibrationTrialsTests {
  private static let slowed = CalibrationTrials.Slowed(
    original: CellKey(suite: "disk", workload: "w0", mode: "full"), workload: "slowed", slowdown: 0.1)

  /// Boots of six workloads and a copy of the first, around 1,000 a second: each by up to `noise` either way, multiplied by what
  /// `drift` says of the time (0 to 1), and the copy by `slow`.
  private static func run(
    noise: Double = 0.02, slow: Double = 1 / 1.1, drift: (Double) -> Double = { _ in 1 }
  ) -> RunRecord {
    var generator = SeededGenerator(seed: 3)
    let workloads = (0..<6).map { "w\($0)" } + ["slowed"]
    let cells = workloads.map { workload in
      let values = (0..<120).map { index in
        1000 * drift(Double(index) / 120) * Double.random(in: (1 - noise)...(1 + noise), using: &generator)
          * (workload == "slowed" ? slow : 1)
      }
      return RunComparisonTests.cell("full", workload: workload, ["throughput.ops": values])
    }
    return RunRecord(
      id: "run", started: "2026-11-25", finished: nil, status: .complete, command: [], version: "1", seed: 1,
      host: HostRecord(
        fingerprint: "f", configuration: ["microcode": .string("0x1")], cpu: [:], kernel: "", kvm: [:], numa: [],
        warnings: [], name: ""),
      cells: cells, comparisons: [], metrics: MetricCatalog.metric("throughput.ops").map { [$0] } ?? [])
  }

  private static func record(_ run: RunRecord, slowed: CalibrationTrials.Slowed? = slowed) -> CalibrationRecord {
    var design = CalibrationTrials.Design(runs: 20, repetitions: 6, comparisons: 60, seed: 1)
    design.draws = 100
    return CalibrationTrials(run, design: design, slowed: slowed).record
  }

  private static func called(_ record: CalibrationRecord, _ order: CalibrationOrder, floor: Double?) -> ShareRecord? {
    record.falseAlarms.first { $0.order == order && $0.floorRelative == floor }?.called
  }

  @Test func onAQuietHostTheGateIsQuietAndFindsATenth() throws {
    let record = Self.record(Self.run())
    for alarms in record.falseAlarms {
      #expect(alarms.called.comparisons == 60)
      #expect(alarms.called.count <= 3)
    }
    let trial = try #require(record.slowdown)
    #expect(trial.workload == "w0")
    #expect(trial.found.count >= 57)
    #expect(record.cells.map(\.key.workload) == ["w0", "w1", "w2", "w3", "w4", "w5"])
  }

  @Test func runsThatAlternateDoNotSeeADriftAndOthersDo() throws {
    let record = Self.record(Self.run { 1 + 0.3 * $0 })
    #expect(try #require(Self.called(record, .interleaved, floor: 0.02)).count <= 3)
    #expect(try #require(Self.called(record, .sequential, floor: 0.02)).count >= 30)
    #expect(
      try #require(Self.called(record, .sequential, floor: nil)).count
        <= (try #require(Self.called(record, .sequential, floor: 0.02)).count))
  }

  @Test func aCopyThatIsNotSlowedIsNotFound() throws {
    let record = Self.record(Self.run(slow: 1))
    #expect(try #require(record.slowdown).found.count <= 3)
  }

  @Test func nothingSlowedIsNoTrial() {
    #expect(Self.record(Self.run(), slowed: nil).slowdown == nil)
    #expect(Self.record(Self.run(), slowed: nil).cells.count == 7)
  }

  @Test func metricsHaveTheirSpreadAndWhatCanBeSeen() throws {
    let record = Self.record(Self.run(noise: 0.05))
    let metric = try #require(record.metric("throughput.ops", of: Self.slowed.original))
    #expect(metric.n == 120)
    #expect(metric.spread.count == 51)
    #expect(metric.spread == metric.spread.sorted())
    #expect(abs(metric.spread[25]) < 1e-4)
    let effects = try CalibrationTrials.sizes.map { try #require(metric.mde["\($0)"]) }
    #expect(effects == effects.sorted(by: >))
    #expect(effects.allSatisfy { (0.05..<0.2).contains($0) })
    #expect((0.01..<0.1).contains(try #require(metric.floorRelative)))
  }

  @Test func aWorkloadWithoutOkBootsTakesNoPart() {
    var run = Self.run()
    for index in run.cells[1].repetitions.indices { run.cells[1].repetitions[index].status = .skipped }
    #expect(Self.record(run).cells.map(\.key.workload) == ["w0", "w2", "w3", "w4", "w5"])
  }

  @Test func runsAreMadeOfTheBootsThatAreOk() {
    var run = Self.run()
    for index in 0..<13 { run.cells[2].repetitions[9 * index].status = .invalid }
    let record = Self.record(run)
    // 107 boots are 17 runs of six.
    #expect(record.runs == 17)
    #expect(record.falseAlarms.allSatisfy { $0.called.count <= 3 })
    #expect(record.slowdown.map { $0.found.count >= 57 } == true)
  }

  @Test func whatMayBeZeroHasNoRelativeSpread() {
    var run = Self.run()
    run.cells[0].repetitions[7].metrics["throughput.ops"] = 0
    #expect(Self.record(run).metric("throughput.ops", of: Self.slowed.original) == nil)
  }

  @Test func anotherComparisonTakesItsEffectsFromIt() throws {
    let record = Self.record(Self.run(noise: 0.05))
    let cell = RunComparisonTests.cell(
      "full", workload: "w0", ["throughput.ops": [1000, 1001, 1002, 1003, 1004, 1005]])
    let other = RunComparisonTests.cell("full", workload: "new", ["throughput.ops": [1, 2, 3, 4, 5, 6]])
    var run = Self.run()
    run.cells = [cell, other]
    let compared = BetweenRuns.compare(run, run, effects: .calibration(record))
    #expect(compared.map(\.mdeBasis) == [.calibration, .spread])
    #expect((0.05..<0.2).contains(try #require(compared[0].mde)))
    #expect(BetweenRuns.compare(run, run, effects: .none).map(\.mde) == [nil, nil])
  }
}
