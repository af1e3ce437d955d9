import Foundation
import Measurement
import Statistics
import Testing

/// Machines of three choices, each `old` or `new`, whose metric follows from a formula.
struct AttributionTests {
  private static let names = ["cpuid", "disk", "timer"]

  /// The cell of the machine in which these choices are `new`.
  private static func cell(_ new: Set<String>, of names: [String], _ values: [Double]) -> CellRecord {
    let choices = Dictionary(uniqueKeysWithValues: names.map { ($0, new.contains($0) ? "new" : "old") })
    let mode =
      new.isEmpty ? "full" : new.count == names.count ? "paravirt" : "full+" + new.sorted().joined(separator: "+")
    var cell = RunComparisonTests.cell(mode, ["throughput.ops": values])
    cell.choices = choices.merging(["console": "uart"]) { $1 }
    return cell
  }

  /// Both ends and every mode one choice away; `value` gives the metric of repetition `index`.
  private static func ablation(
    of names: [String] = names, repetitions: Int = 8, value: (_ new: Set<String>, _ index: Int) -> Double
  ) -> [CellRecord] {
    let all = Set(names)
    let machines = Set([[], all] + names.map { [$0] } + names.map { all.subtracting([$0]) })
    return machines.sorted { ($0.count, $0.sorted().joined()) < ($1.count, $1.sorted().joined()) }.map { new in
      cell(new, of: names, (0..<repetitions).map { value(new, $0) })
    }
  }

  /// Up to 1 % of noise, another for every machine and repetition.
  private static func noise(_ new: Set<String>, _ index: Int) -> Double {
    let name = new.sorted().joined().utf8.reduce(UInt64(index)) { $0 &* 257 &+ UInt64($1) }
    var generator = SeededGenerator(seed: name)
    return Double.random(in: 0.99...1.01, using: &generator)
  }

  private static let factors = ["cpuid": 1.0, "disk": 40.0, "timer": 1.5]

  private static func product(_ new: Set<String>) -> Double { new.reduce(100) { $0 * (factors[$1] ?? 1) } }

  private func only(_ cells: [CellRecord]) throws -> AttributionRecord {
    let records = Attribution.records(in: cells)
    try #require(records.count == 1)
    return records[0]
  }

  private func sum(_ record: AttributionRecord) throws -> Double {
    record.parts.reduce(0) { $0 + $1.part.logRatio } + (try #require(record.residual).logRatio)
  }

  @Test func factorsThatMultiplyAreFoundAndLeaveNothing() throws {
    // All machines drift together, as in interleaved blocks: by a factor of two over the run.
    let record = try only(Self.ablation { new, index in Self.product(new) * (1 + Double(index) / 7) })
    #expect(record.parts.map(\.choice) == ["disk", "timer", "cpuid"])
    #expect(record.parts.map(\.before) == ["old", "old", "old"])
    #expect(record.parts.map(\.after) == ["new", "new", "new"])
    for part in record.parts {
      let expected = log(try #require(Self.factors[part.choice]))
      #expect(abs(part.part.logRatio - expected) < 1e-12)
      #expect(abs(part.first.logRatio - expected) < 1e-12)
      #expect(abs(part.last.logRatio - expected) < 1e-12)
    }
    #expect(abs(try #require(record.whole).logRatio - log(60)) < 1e-12)
    #expect(abs(try #require(record.residual).logRatio) < 1e-12)
    #expect(record.n == 8)
    #expect(record.reason == nil)
  }

  @Test func partsAndResidualAreTheWholeUnderNoise() throws {
    let record = try only(Self.ablation { Self.product($0) * Self.noise($0, $1) })
    #expect(abs(try sum(record) - (try #require(record.whole).logRatio)) < 1e-12)
    #expect(abs(try #require(record.residual).logRatio) > 1e-6)
    let disk = try #require(record.parts.first)
    #expect(abs(exp(disk.part.logRatio) - 40) < 1)
  }

  @Test func whatChoicesDoOnlyTogetherIsTheResidual() throws {
    // Any two of the three gain a factor of 8 that none gains alone: first 1, last 1, and all of it left over.
    let record = try only(Self.ablation { new, _ in new.count >= 2 ? 800 : 100 })
    #expect(record.parts.allSatisfy { abs($0.part.logRatio) < 1e-12 })
    #expect(abs(try #require(record.residual).logRatio - log(8)) < 1e-12)
  }

  @Test func gainThatNeedsBothOfTwoIsSharedByThem() throws {
    let record = try only(Self.ablation(of: ["cpuid", "disk"]) { new, _ in new.count == 2 ? 900 : 100 })
    #expect(record.parts.map(\.choice) == ["cpuid", "disk"])
    #expect(record.parts.allSatisfy { abs($0.first.logRatio) < 1e-12 })
    #expect(record.parts.allSatisfy { abs($0.last.logRatio - log(9)) < 1e-12 })
    #expect(record.parts.allSatisfy { abs($0.part.logRatio - log(3)) < 1e-12 })
  }

  @Test func twoChoicesLeaveNothingWhateverTheNoise() throws {
    let record = try only(Self.ablation(of: ["cpuid", "disk"]) { Self.product($0) * Self.noise($0, $1) })
    #expect(abs(try #require(record.residual).logRatio) < 1e-12)
  }

  @Test func intervalsHoldTheirEstimateAndComeFromTheSeed() throws {
    let cells = Self.ablation(repetitions: 20) { Self.product($0) * Self.noise($0, $1) }
    let records = try #require(Attribution.records(in: cells, seed: 3).first)
    for gain in [records.whole, records.residual].compactMap(\.self)
      + records.parts.flatMap({ [$0.first, $0.last, $0.part] })
    {
      #expect(try #require(gain.low) <= gain.logRatio)
      #expect(try #require(gain.high) >= gain.logRatio)
    }
    let part = try #require(records.parts.first { $0.choice == "cpuid" }).part
    #expect(try #require(part.low) < 0)
    #expect(try #require(part.high) > 0)
    #expect(Attribution.records(in: cells, seed: 3).first == records)
    #expect(Attribution.records(in: cells, seed: 4).first != records)
  }

  @Test func fiveRepetitionsHaveNoFiniteInterval() throws {
    let record = try only(Self.ablation(repetitions: 5) { Self.product($0) * Self.noise($0, $1) })
    #expect(try #require(record.whole).low == nil)
    #expect(record.parts.allSatisfy { $0.part.high == nil })
  }

  @Test func onlyRepetitionsThatAllModesHaveCount() throws {
    var cells = Self.ablation { new, _ in Self.product(new) }
    cells[1].repetitions[2].status = .failed
    cells[3].repetitions[5].metrics = [:]
    cells[4].repetitions[6].metrics["throughput.ops"] = 0
    #expect(try only(cells).n == 5)
  }

  @Test func modeThatWasSkippedIsTheReason() throws {
    var cells = Self.ablation { new, _ in Self.product(new) }
    for index in cells[0].repetitions.indices {
      cells[0].repetitions[index].status = .skipped
      cells[0].repetitions[index].reason = "IDE has queue depth 1 only"
    }
    let record = try only(cells)
    #expect(record.reason == "full: skipped: IDE has queue depth 1 only")
    #expect(record.whole == nil)
    #expect(record.residual == nil)
    #expect(record.parts.isEmpty)
  }

  @Test func interruptedRunSaysWhichModeIsMissing() throws {
    var cells = Self.ablation { new, _ in Self.product(new) }
    cells[2].repetitions = []
    #expect(try only(cells).reason == "\(cells[2].mode): no repetitions")
  }

  @Test func runWithoutTheNeighboursIsNoAblation() {
    let cells = Self.ablation { new, _ in Self.product(new) }
    #expect(Attribution.records(in: cells.filter { ["full", "paravirt"].contains($0.mode) }).isEmpty)
    #expect(Attribution.records(in: cells.filter { $0.mode != "full+disk" }).isEmpty)
    #expect(Attribution.records(in: cells.filter { $0.mode != "paravirt" }).isEmpty)
    #expect(Attribution.records(in: []).isEmpty)
  }

  @Test func oneChoiceIsNotWorthAnAttribution() {
    #expect(Attribution.records(in: Self.ablation(of: ["disk"]) { new, _ in Self.product(new) }).isEmpty)
  }

  @Test func everyWorkloadHasItsOwn() {
    let cells = Self.ablation { new, _ in Self.product(new) }
    let others = cells.map { cell in
      var other = cell
      other.workload = "disk.other"
      return other
    }
    #expect(Attribution.records(in: cells + others).map(\.workload) == ["disk.randread", "disk.other"])
  }
}
