import Measurement
import Statistics
import Testing

struct BetweenRunsTests {
  private static func run(_ cells: [CellRecord]) -> RunRecord {
    RunRecord(
      id: "r", started: "", finished: nil, status: .complete, command: [], version: "", seed: 1,
      host: HostRecord(
        fingerprint: "", configuration: [:], cpu: [:], kernel: "", kvm: [:], numa: [], warnings: [], name: ""),
      cells: cells, comparisons: [], metrics: [])
  }

  private static func compare(_ a: [CellRecord], _ b: [CellRecord]) -> [ComparisonRecord] {
    BetweenRuns.compare(run(a), run(b))
  }

  private static func cell(_ values: [Double], workload: String = "w", metric: String = "throughput.ops") -> CellRecord
  {
    RunComparisonTests.cell("full", workload: workload, primary: metric, [metric: values])
  }

  private static let ten = (0..<10).map { 1000 + Double($0) }

  @Test func aFasterSecondRunIsAnImprovement() throws {
    let record = try #require(Self.compare([Self.cell(Self.ten)], [Self.cell(Self.ten.map { 2 * $0 })]).first)
    #expect(record.mode == "full")
    #expect(record.test == "Mann–Whitney U")
    #expect(abs(try #require(record.ratio) - 2) < 0.01)
    #expect(try #require(record.ratioLow) < 2)
    #expect(try #require(record.ratioHigh) > 2)
    // 2 of the 184,756 ways to draw ten of twenty.
    #expect(abs(try #require(record.p) - 2 / 184_756) < 1e-12)
    #expect(record.pHolm == record.p)
    #expect(record.verdict == .improved)
  }

  @Test func aSlowerOneOfALatencyIsARegression() {
    let a = Self.cell(Self.ten.map { 1e-6 * $0 }, metric: "latency.p50")
    let b = Self.cell(Self.ten.map { 2e-6 * $0 }, metric: "latency.p50")
    #expect(Self.compare([a], [b]).map(\.verdict) == [.regressed])
  }

  @Test func repetitionsAreNotPaired() {
    let a = Self.cell(Self.ten)
    let b = Self.cell(Array(Self.ten.reversed()))
    #expect(Self.compare([a], [b]).map(\.p) == [1])
  }

  @Test func holmCountsEveryCell() throws {
    let a = (0..<5).map { Self.cell(Self.ten, workload: "w\($0)") }
    let b = (0..<5).map { Self.cell(Self.ten.map { 2 * $0 }, workload: "w\($0)") }
    for record in Self.compare(a, b) {
      #expect(record.pHolm == 5 * (try #require(record.p)))
    }
  }

  @Test func tooFewRepetitionsSayHowManyAreNeeded() {
    let record = Self.compare([Self.cell([1, 2, 3])], [Self.cell([10, 20, 30])]).first
    #expect(record?.verdict == .inconclusive)
    #expect(record?.reason == "needs at least 4 repetitions")
    #expect(record?.ratioLow == nil)
  }

  @Test func cellsOfOneRunOnlyAreNotComparable() {
    let records = Self.compare([Self.cell(Self.ten, workload: "old")], [Self.cell(Self.ten, workload: "new")])
    #expect(records.map(\.verdict) == [.notComparable, .notComparable])
    #expect(records.map(\.reason) == ["only in A", "only in B"])
    #expect(records.map(\.pHolm) == [nil, nil])
  }

  @Test func aSkippedCellSaysWhy() {
    let records = Self.compare(
      [RunComparisonTests.cell("full", ["throughput.ops": Self.ten])],
      [RunComparisonTests.skipped("full", reason: "no such device")])
    #expect(records.map(\.reason) == ["B: skipped: no such device"])
  }

  @Test func modesOfOtherChoicesAreNotComparable() {
    var (a, b) = (Self.cell(Self.ten), Self.cell(Self.ten))
    a.choices = ["timer": "lapic", "clock": "tsc"]
    b.choices = ["timer": "tsc-deadline", "clock": "tsc"]
    #expect(
      Self.compare([a], [b]).map(\.reason) == ["the mode is made of other choices: timer lapic and tsc-deadline"])
  }

  @Test func windowsOfOtherWarmUpsAreNotComparable() {
    var b = Self.cell(Self.ten)
    b.warmupSeconds = 0.1
    #expect(Self.compare([Self.cell(Self.ten)], [b]).map(\.verdict) == [.notComparable])
  }

  @Test func whatMayBeZeroIsComparedByItsDifference() throws {
    let record = try #require(
      Self.compare(
        [Self.cell([0, 0, 1, 0, 0, 1], metric: "exits.per_op")],
        [Self.cell([9, 9, 8, 9, 9, 8], metric: "exits.per_op")]
      ).first)
    #expect(record.ratio == nil)
    #expect(try #require(record.reason).hasPrefix("difference 8 (95 % interval "))
    #expect(record.verdict == .regressed)
  }

  @Test func agreementCountsIntervalsThatHoldOne() {
    let a = [Self.cell(Self.ten, workload: "same"), Self.cell(Self.ten, workload: "other")]
    let b = [Self.cell(Self.ten, workload: "same"), Self.cell(Self.ten.map { 2 * $0 }, workload: "other")]
    let agreement = Agreement(Self.compare(a, b))
    #expect(agreement.intervals == 2)
    #expect(agreement.holdingOne == 1)
    #expect(agreement.medianHalfWidth.map { (0.001..<0.02).contains($0) } == true)
  }

  @Test func nothingComparedIsNoAgreement() {
    #expect(Agreement([]).medianHalfWidth == nil)
  }
}
