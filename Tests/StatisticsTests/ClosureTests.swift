import Measurement
import Statistics
import Testing

@Suite("what exits explain")
struct ClosureTests {
  private static let costs = [
    "io:in": ExitCost(median: 15e-6, mean: 20e-6), "io:in:string": ExitCost(median: 5e-6, mean: 5e-6),
    "io:in:element": ExitCost(median: 0.5e-6, mean: 0.6e-6),
    "io:out": ExitCost(median: 30e-6, mean: 35e-6), "halt": ExitCost(median: 40e-6, mean: 45e-6),
  ]

  /// 100 operations: `out` port writes, 2 reads of 256 words each and `halts`; each takes `seconds` and more in later ones.
  private static func repetition(
    _ index: Int, seconds: Double, out: UInt64, reads: UInt64 = 2, halts: UInt64 = 0, isSerial: Bool = true
  ) -> RepetitionRecord {
    let seconds = seconds + Double(index) * 1e-6
    var record = RepetitionRecord(
      index: index, order: index, status: .ok,
      metrics: [
        "window.ops": 100, "window.seconds": 100 * seconds, "latency.p50": seconds,
        "latency.mean": isSerial ? seconds : 30 * seconds, "exits.handler_seconds_per_op": Double(out) * 1e-6,
      ])
    record.exits.byDetail = [
      "io:0x1f7:out": ExitTally(exits: 100 * out, elements: 100 * out),
      "io:0x1f0:in": ExitTally(exits: 100 * reads, elements: 100 * 256 * reads),
    ]
    record.kvmStats["halt_exits"] = 100 * halts
    return record
  }

  private static func cell(_ mode: String, _ repetitions: [RepetitionRecord]) -> CellRecord {
    CellRecord(
      suite: "disk", workload: "disk.x", mode: mode, choices: [:], primary: "latency.p50", warmupSeconds: 0,
      repetitions: repetitions)
  }

  private static let full = cell("full", (0..<6).map { repetition($0, seconds: 1000e-6, out: 10) })
  private static let paravirt = cell(
    "paravirt", (0..<6).map { repetition($0, seconds: 300e-6, out: 0, reads: 0, halts: 1) })

  private func only(_ cells: [CellRecord], _ costs: [String: ExitCost] = costs) throws -> ClosureRecord {
    let records = Closure.records(in: cells, costs: costs)
    try #require(records.count == 1)
    return records[0]
  }

  private func isClose(_ found: Double?, _ microseconds: Double) -> Bool {
    found.map { abs($0 - microseconds * 1e-6) < 1e-12 } ?? false
  }

  @Test func exitsTimesTheirCostsAreWhatTheyExplain() throws {
    let record = try only([Self.full, Self.paravirt])
    #expect(record.measure == "latency.p50")
    #expect(record.n == 6)
    #expect(isClose(record.difference.seconds, 700))
    // 10 × 30 + 2 × (15 + 5) + 510 × 0.5 − 40
    #expect(isClose(record.explained.seconds, 555))
    #expect(isClose(record.residual.seconds, 145))
    #expect(isClose(record.residual.low, 145))
    #expect(isClose(record.residual.high, 145))
    #expect(record.parts.map(\.kind) == ["io:in", "io:in:string", "io:in:element", "io:out", "halt"])
    #expect(record.parts.map(\.from) == [2, 2, 510, 10, 0])
    #expect(record.parts.map(\.to) == [0, 0, 0, 0, 1])
    #expect(isClose(record.handlersFrom, 10))
    #expect(record.handlersTo == 0)
    #expect(abs((record.residualShare ?? 0) - 145.0 / 700) < 1e-9)
  }

  @Test func operationsSideBySideAreTakenByTheWindow() throws {
    let full = Self.cell("full", (0..<6).map { Self.repetition($0, seconds: 1000e-6, out: 10, isSerial: false) })
    let record = try only([full, Self.paravirt])
    #expect(record.measure == "window.seconds/window.ops")
    #expect(isClose(record.difference.seconds, 700))
    #expect(isClose(record.explained.seconds, 555))
  }

  @Test func theIntervalIsOverPairs() throws {
    let noisy = Self.cell("full", (0..<6).map { Self.repetition($0, seconds: 1000e-6 + Double($0) * 10e-6, out: 10) })
    let record = try only([noisy, Self.paravirt])
    #expect(isClose(record.residual.low, 145))
    #expect(isClose(record.residual.high, 195))
    #expect(isClose(record.residual.seconds, 170))
  }

  @Test func fewPairsHaveNoInterval() throws {
    let record = try only([Self.full, Self.cell("paravirt", Array(Self.paravirt.repetitions.prefix(3)))])
    #expect(record.n == 3)
    #expect(record.residual.low == nil)
  }

  @Test func whatHasNoPriceIsShownAndExplainsNothing() throws {
    var costs = Self.costs
    costs["io:out"] = nil
    let record = try only([Self.full, Self.paravirt], costs)
    #expect(isClose(record.explained.seconds, 255))
    #expect(record.parts.first { $0.kind == "io:out" } == .init(kind: "io:out", from: 10, to: 0, cost: nil))
  }

  @Test func variantsOfFullEmulationStandAgainstParavirtToo() {
    var variant = Self.full
    variant.mode = "full+disk=ide-dma"
    var other = Self.full
    (other.mode, other.runner) = ("full@qemu", "qemu")
    let records = Closure.records(in: [Self.full, variant, other, Self.paravirt], costs: Self.costs)
    #expect(records.map(\.from) == ["full", "full+disk=ide-dma"])
    #expect(records.map(\.to) == ["paravirt", "paravirt"])
  }

  @Test func withoutPricesOrPairsThereIsNone() {
    var failed = Self.paravirt
    for index in failed.repetitions.indices { failed.repetitions[index].status = .failed }
    #expect(Closure.records(in: [Self.full, Self.paravirt], costs: [:]).isEmpty)
    #expect(Closure.records(in: [Self.full, failed], costs: Self.costs).isEmpty)
    #expect(Closure.records(in: [Self.full], costs: Self.costs).isEmpty)
  }
}
