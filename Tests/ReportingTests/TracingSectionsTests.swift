import Measurement
import Testing

@testable import Reporting

@Suite("sections of exits by everyone who counts them") struct TracingSectionsTests {
  private static func cell(_ rows: [[ReconciliationRecord]], trace: TraceCounts? = nil) -> CellRecord {
    CellRecord(
      suite: "disk", workload: "disk.x", mode: "full", choices: [:], primary: "throughput.ops", warmupSeconds: 0,
      repetitions: rows.enumerated().map { index, rows in
        RepetitionRecord(index: index, order: index, status: .ok, trace: trace, reconciliation: rows)
      })
  }

  private func page(_ change: (inout RunRecord) -> Void) throws -> String {
    var run = try Golden.run()
    change(&run)
    return String(decoding: try HTMLReport.render(run), as: UTF8.self)
  }

  private static let rows = [
    ReconciliationRecord(reason: "total", loop: 1500, sources: ["counter:kvm_userspace_exit": 1500]),
    ReconciliationRecord(reason: "mmio", loop: 20, sources: ["stats:mmio_exits": 19]),
  ]

  @Test func countsAreAddedUpByReasonAndSource() throws {
    let table = try #require(ReconciliationTable([Self.cell([Self.rows, Self.rows])]))
    #expect(table.sources == ["counter:kvm_userspace_exit", "stats:mmio_exits"])
    #expect(table.rows.map(\.reason) == ["total", "mmio"])
    #expect(table.rows[0].loop == Formatting.count(3000))
    #expect(table.rows.map { $0.cells.map(\.count) } == [[Formatting.count(3000), "–"], ["–", "38"]])
    #expect(table.rows.map { $0.cells.map(\.loop) } == [[nil, nil], [nil, "40"]])
  }

  @Test func aSourceStandsBesideTheBootsThatItWasAskedIn() throws {
    let alone = [ReconciliationRecord(reason: "total", loop: 7, sources: [:])]
    let table = try #require(ReconciliationTable([Self.cell([Self.rows, alone])]))
    #expect(table.rows[0].loop == Formatting.count(1507))
    #expect(table.rows[0].cells[0].count == Formatting.count(1500))
    #expect(table.rows[0].cells[0].loop == nil)
  }

  @Test func aRunOfOneCountHasNoTable() throws {
    #expect(ReconciliationTable([Self.cell([[]])]) == nil)
    #expect(try page { _ in }.contains("as the loop and others have counted them") == false)
  }

  @Test func aSourceThatDoesNotCountSaysSo() throws {
    let page = try page {
      $0.host.kvm["exit_sources"] = .object([
        "stats:io_exits": .object(["counts": .bool(false), "expected": .number(4000), "found": .number(0)])
      ])
    }
    #expect(page.contains("<code>stats:io_exits</code>"))
    #expect(page.contains("no: it does not count on this host"))
  }

  @Test func tracepointsHaveTheirCountsAndLosses() throws {
    let keys = Dictionary(uniqueKeysWithValues: (1...10).map { ("0x\($0):in", UInt64($0)) })
    let trace = TraceCounts(events: [
      "kvm_pio": .init(count: 60, lost: 5, byKey: keys), "kvm_hypercall": .init(count: 0),
    ])
    let group = try #require(TraceGroup.all([Self.cell([[], []], trace: trace)]).first)
    #expect(group.rows.map(\.event) == ["kvm_pio"])
    #expect(group.rows.map(\.count) == ["120"])
    #expect(group.rows.map(\.lost) == ["10"])
    #expect(group.rows[0].keys.hasPrefix("0x10:in 20 · 0x9:in 18 · "))
    #expect(group.rows[0].keys.hasSuffix(" · 2 more"))
    let page = try page {
      $0.cells = [Self.cell([[]], trace: trace)]
      $0.exitCosts = ["trace": ExitCost(median: 3e-6, mean: 4e-6)]
    }
    #expect(page.contains("<h3 id=\"tracepoints\">"))
    #expect(page.contains("To record them adds 3.00\u{202F}µs to a userspace exit"))
  }

  @Test func closureShowsWhatIsLeftOver() throws {
    let record = ClosureRecord(
      suite: "disk", workload: "disk.x", from: "full", to: "paravirt", measure: "latency.p50", n: 6,
      difference: .init(seconds: 240e-6, low: 230e-6, high: 250e-6),
      explained: .init(seconds: 250e-6, low: 250e-6, high: 250e-6),
      residual: .init(seconds: -10e-6, low: -20e-6, high: 1e-6),
      parts: [.init(kind: "io:out", from: 12, to: 0, cost: 25e-6), .init(kind: "halt", from: 0, to: 1, cost: nil)],
      handlersFrom: 80e-6, handlersTo: 0)
    var run = try Golden.run()
    run.closure = [record]
    let row = try #require(ClosureRow.all(run).first)
    #expect(row.modes == "full against paravirt")
    #expect(row.share == "−4.17 %")
    #expect(row.parts == "12.0 io:out × 25.0 µs + −1.00 halt × an unknown cost".replacing(" µs", with: "\u{202F}µs"))
    #expect(try page { $0.closure = [record] }.contains("<h3 id=\"closure\">"))
    #expect(
      String(decoding: SummaryCSV.render(run), as: UTF8.self)
        .contains(",disk,disk.x,full:paravirt,closure.residual,s,lower,6,-1e-05,-2e-05,1e-06,"))
  }
}
