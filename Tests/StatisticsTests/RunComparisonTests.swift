import Measurement
import Statistics
import Testing

struct RunComparisonTests {
  static func cell(
    _ mode: String, workload: String = "disk.randread", primary: String = "throughput.ops",
    _ metrics: [String: [Double]]
  ) -> CellRecord {
    let count = metrics.values.map(\.count).max() ?? 0
    let repetitions = (0..<count).map { index in
      RepetitionRecord(
        index: index, order: index, status: .ok,
        metrics: metrics.compactMapValues { $0.indices.contains(index) ? $0[index] : nil })
    }
    return CellRecord(
      suite: "disk", workload: workload, mode: mode, choices: [:], primary: primary, warmupSeconds: 0.5,
      repetitions: repetitions)
  }

  static func skipped(_ mode: String, reason: String) -> CellRecord {
    var cell = cell(mode, ["throughput.ops": [1, 1]])
    for index in cell.repetitions.indices {
      cell.repetitions[index].status = .skipped
      cell.repetitions[index].reason = reason
    }
    return cell
  }

  /// Around `centre`, by up to 1 % either way.
  static func noisy(_ centre: Double, count: Int = 10, seed: UInt64) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in centre * Double.random(in: 0.99...1.01, using: &generator) }
  }

  @Test func fasterParavirtualModeIsAnImprovement() throws {
    let full = Self.cell("full", ["throughput.ops": Self.noisy(800, seed: 1)])
    let paravirt = Self.cell("paravirt", ["throughput.ops": Self.noisy(8000, seed: 2)])
    let record = try #require(RunComparison.modes(in: [paravirt, full]).first)
    #expect(record.mode == "full:paravirt")
    #expect(record.metric == "throughput.ops")
    #expect(record.a.n == 10)
    #expect(try #require(record.a.median) < 900)
    let ratio = try #require(record.ratio)
    #expect(abs(ratio - 10) < 0.2)
    #expect(try #require(record.ratioLow) <= ratio)
    #expect(try #require(record.ratioHigh) >= ratio)
    #expect(record.p == 0.001953125)
    #expect(record.pHolm == record.p)
    #expect(record.test == "sign-flip (paired)")
    #expect(record.mde == nil)
    #expect(record.verdict == .improved)
    #expect(record.reason == nil)
  }

  @Test func holmCorrectsPrimariesOnly() {
    let cells = (0..<4).flatMap { index in
      ["full", "paravirt"].map { mode in
        Self.cell(
          mode, workload: "w\(index)",
          [
            "throughput.ops": Self.noisy(mode == "full" ? 100 : 200, seed: UInt64(index)),
            "latency.mean": Self.noisy(mode == "full" ? 0.02 : 0.01, seed: UInt64(index)),
          ])
      }
    }
    let records = RunComparison.modes(in: cells)
    let primaries = records.filter { $0.metric == "throughput.ops" }
    let others = records.filter { $0.metric == "latency.mean" }
    #expect(primaries.map(\.pHolm) == [Double?](repeating: 0.0078125, count: 4))
    #expect(others.map(\.pHolm) == [Double?](repeating: nil, count: 4))
    #expect(others.allSatisfy { $0.verdict == .improved && $0.reason == "exploratory" })
    #expect(records.map(\.workload) == ["w0", "w0", "w1", "w1", "w2", "w2", "w3", "w3"])
  }

  @Test func tooFewRepetitionsForHolmSaySo() {
    let cells = (0..<2).flatMap { index in
      [("full", 100.0), ("paravirt", 200)].map { mode, centre in
        Self.cell(mode, workload: "w\(index)", ["throughput.ops": Self.noisy(centre, count: 6, seed: 1)])
      }
    }
    let records = RunComparison.modes(in: cells)
    #expect(records.map(\.verdict) == [.inconclusive, .inconclusive])
    #expect(records.map(\.reason) == [String?](repeating: "needs at least 7 repetitions", count: 2))
  }

  @Test func zerosAreComparedAsADifference() throws {
    let full = Self.cell("full", primary: "exits.per_op", ["exits.per_op": Self.noisy(266, seed: 3)])
    let paravirt = Self.cell("paravirt", primary: "exits.per_op", ["exits.per_op": [Double](repeating: 0, count: 10)])
    let record = try #require(RunComparison.modes(in: [full, paravirt]).first)
    #expect(record.ratio == nil)
    #expect(record.ratioLow == nil)
    #expect(record.p == 0.001953125)
    #expect(record.verdict == .improved)
    #expect(try #require(record.reason).hasPrefix("difference -26"))
  }

  @Test func constantZerosOnBothSidesAreNoChange() throws {
    let zeros = ["throughput.ops": [Double](repeating: 0, count: 10)]
    let record = try #require(RunComparison.modes(in: [Self.cell("full", zeros), Self.cell("paravirt", zeros)]).first)
    #expect(record.p == 1)
    #expect(record.verdict == .noChangeFound)
  }

  @Test func skippedSideIsNotComparableAndSaysWhy() throws {
    let full = Self.skipped("full", reason: "IDE has queue depth 1 only")
    let paravirt = Self.cell("paravirt", ["throughput.ops": Self.noisy(1, seed: 1)])
    let records = RunComparison.modes(in: [full, paravirt])
    let record = try #require(records.first)
    #expect(records.count == 1)
    #expect(record.metric == "throughput.ops")
    #expect(record.verdict == .notComparable)
    #expect(record.reason == "full: skipped: IDE has queue depth 1 only")
    #expect(record.a.n == 0)
    #expect(record.p == nil)
  }

  @Test func notComparablePairsDoNotCountForHolm() throws {
    let cells = [
      Self.skipped("full", reason: "no"), Self.cell("paravirt", ["throughput.ops": Self.noisy(1, seed: 1)]),
      Self.cell("full", workload: "w", ["throughput.ops": Self.noisy(1, seed: 2)]),
      Self.cell("paravirt", workload: "w", ["throughput.ops": Self.noisy(3, seed: 3)]),
    ]
    let record = try #require(RunComparison.modes(in: cells).first { $0.workload == "w" })
    #expect(record.pHolm == 0.001953125)
  }

  @Test func onlyRepetitionsThatAreOkOnBothSidesArePaired() throws {
    var full = Self.cell("full", ["throughput.ops": Self.noisy(100, seed: 4)])
    full.repetitions[3].status = .failed
    full.repetitions[3].metrics = ["throughput.ops": 1e9]
    let paravirt = Self.cell("paravirt", ["throughput.ops": Self.noisy(200, seed: 5)])
    let record = try #require(RunComparison.modes(in: [full, paravirt]).first)
    #expect(record.a.n == 9)
    #expect(record.b.n == 9)
    #expect(record.p == 2.0 / 512)
    #expect(record.reason == "repetitions without a partner, left out: 1")
  }

  @Test func missingPrimaryMetricIsNotComparableBesideTheOthers() {
    let full = Self.cell("full", primary: "latency.p99", ["throughput.ops": Self.noisy(1, seed: 1)])
    let paravirt = Self.cell("paravirt", primary: "latency.p99", ["throughput.ops": Self.noisy(2, seed: 1)])
    let records = RunComparison.modes(in: [full, paravirt])
    #expect(records.map(\.metric) == ["latency.p99", "throughput.ops"])
    #expect(records.map(\.verdict) == [.notComparable, .improved])
    #expect(records.first?.reason == "no repetition has latency.p99 in both modes")
  }

  @Test func variantsAreComparedWithTheirBase() {
    let metrics = ["throughput.ops": Self.noisy(5, seed: 1)]
    let modes = ["full", "full+disk=virtio-blk", "paravirt", "paravirt+clock=pit", "other+x=y"]
    let records = RunComparison.modes(in: modes.map { Self.cell($0, metrics) })
    #expect(
      records.map(\.mode) == [
        "full:full+disk=virtio-blk", "full:paravirt", "paravirt:paravirt+clock=pit",
      ])
  }

  @Test func otherWorkloadsAndSingleModesAreNotPaired() {
    let metrics = ["throughput.ops": Self.noisy(5, seed: 1)]
    let cells = [Self.cell("full", workload: "x", metrics), Self.cell("paravirt", workload: "y", metrics)]
    #expect(RunComparison.modes(in: cells).isEmpty)
    #expect(RunComparison.modes(in: []).isEmpty)
  }

  @Test func sameRunAndSeedGiveTheSameRecords() {
    let cells = [
      Self.cell("full", ["throughput.ops": Self.noisy(100, count: 20, seed: 6)]),
      Self.cell("paravirt", ["throughput.ops": Self.noisy(101, count: 20, seed: 7)]),
    ]
    #expect(RunComparison.modes(in: cells, seed: 9) == RunComparison.modes(in: cells, seed: 9))
  }

  @Test func workloadsOwnFloorHoldsBackTheVerdict() throws {
    let cells = [
      Self.cell("full", ["throughput.ops": Self.noisy(1000, seed: 1)]),
      Self.cell("paravirt", ["throughput.ops": Self.noisy(1200, seed: 2)]),
    ]
    let catalog = try #require(RunComparison.modes(in: cells).first)
    let own = RunComparison.modes(in: cells) { _, metric in
      var metric = metric
      metric.floorRelative = 0.5
      return metric
    }
    #expect(catalog.verdict == .improved)
    #expect(try #require(own.first).verdict == .noChangeFound)
  }
}
