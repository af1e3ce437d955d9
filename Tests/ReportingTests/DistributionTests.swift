import Foundation
import Measurement
import Testing

@testable import Reporting

@Suite("distributions of latencies") struct DistributionTests {
  /// Six boots, each with `samples` latencies from `base` nanoseconds upwards in steps of one.
  private func cell(
    _ workload: String, _ mode: String, base: UInt64, samples: UInt64 = 700, choices: [String: String] = [:],
    metrics: [String: Double] = [:]
  ) -> CellRecord {
    var histogram = Histogram()
    for offset in 0..<samples { histogram.record(base + offset) }
    let text = histogram.encoded()
    return CellRecord(
      suite: String(workload.prefix { $0 != "." }), workload: workload, mode: mode, choices: choices,
      primary: "latency.p50", warmupSeconds: 0,
      repetitions: (0..<6).map { boot in
        RepetitionRecord(
          index: boot, order: boot, status: .ok,
          metrics: metrics.merging(
            ["latency.min": Double(base + UInt64(boot)) * 1e-9, "latency.p50": Double(base + samples / 2) * 1e-9]
          ) { first, _ in first }, histograms: ["latency": text])
      })
  }

  private func skipped(_ workload: String, _ mode: String) -> CellRecord {
    CellRecord(
      suite: "exits", workload: workload, mode: mode, choices: [:], primary: "latency.p50", warmupSeconds: 0,
      repetitions: [RepetitionRecord(index: 0, order: 0, status: .skipped, reason: "hypercalls do not reach KVM")])
  }

  private func run(_ cells: [CellRecord], tscKilohertz: Double? = nil) throws -> RunRecord {
    var run = try Golden.run()
    run.cells = cells
    run.comparisons = []
    run.host.kvm["tsc_khz"] = tscKilohertz.map(JSONValue.number)
    return run
  }

  private func sections(_ run: RunRecord) -> [DistributionSection] {
    DistributionSection.all(run, cells: run.cells.map(CellSummary.init))
  }

  private func rows(_ run: RunRecord) -> [[String]] {
    String(decoding: DistributionsCSV.render(run), as: UTF8.self).components(separatedBy: "\r\n").dropFirst().dropLast()
      .map { $0.components(separatedBy: ",") }
  }

  @Test func otherSuitesHaveNoSection() throws {
    #expect(sections(try Golden.run()).isEmpty)
  }

  @Test func theCheapestWayOutComesFirstAndTheSkippedOneLast() throws {
    let section = try #require(
      sections(
        run([
          cell("exits.slow", "full", base: 40_000), skipped("exits.never", "full"),
          cell("exits.quick", "full", base: 900), cell("exits.quick", "paravirt", base: 700),
        ])
      ).first)
    #expect(section.rows.map(\.anchor) == ["exits.quick", "exits.slow", "exits.never"])
    #expect(section.columns.map(\.name) == ["full", "paravirt"])
    #expect(
      section.rows.map { $0.cells.map(\.missing) } == [
        [nil, nil], [nil, "–"], ["skipped: hypercalls do not reach KVM", "–"],
      ])
  }

  @Test func numbersAreInTheSectionsUnitAndInCycles() throws {
    let record = try run([cell("exits.pio", "full", base: 40_000)], tscKilohertz: 2_500_000)
    let shown = try #require(sections(record).first?.rows.first?.cells.first)
    #expect(shown.minimum == "40\u{202F}000")
    #expect(shown.median == "40\u{202F}350")
    #expect(shown.interval == "[40\u{202F}350–40\u{202F}350]")
    #expect(shown.cycles == "100\u{202F}875 cycles")
  }

  @Test func tailsAreThoseOfAllBootsTogether() throws {
    let one = try #require(Distribution(CellSummary(cell("exits.pio", "full", base: 1000))))
    #expect(one.samples == 4200)
    #expect(one.p99 == .seconds(1692 * 1e-9))
    #expect(one.p999 == .seconds(1699 * 1e-9))
  }

  @Test func aTailWithoutSamplesEnoughSaysSo() throws {
    let record = try run([cell("exits.pio", "full", base: 1000, samples: 100)])
    let shown = try #require(sections(record).first?.rows.first?.cells.first)
    #expect(shown.tails.map(\.value) == ["1098", "–"])
    #expect(shown.tails.map(\.note) == [nil, "insufficient samples (600 < 3688)"])
    let fields = try #require(rows(record).last)
    #expect(fields[11] == "")
    #expect(Double(fields[12]) == 1099 * 1e-9)
  }

  @Test func theEmptyLoopStandsBesideTheTableOnly() throws {
    let section = try #require(
      sections(
        run([cell("exits.empty.ring0", "full", base: 2000), cell("exits.pio", "full", base: 40_000)])
      ).first)
    #expect(section.rows.map(\.anchor) == ["exits.pio"])
    #expect(section.empty == "2.35\u{202F}µs (full, ring 0)")
  }

  @Test func withoutSuchARowTheLoopsOwnMeasurementIsShown() throws {
    let section = try #require(
      sections(run([cell("exits.pio", "full", base: 40_000, metrics: ["window.loop_seconds": 25e-9])])).first)
    #expect(section.empty == "25.0\u{202F}ns (full)")
  }

  @Test func equalCostsOfTheEmptyLoopAreSaidOnce() throws {
    let section = try #require(
      sections(
        run(
          ["full", "paravirt"].map { cell("exits.pio", $0, base: 40_000, metrics: ["window.loop_seconds": 25e-9]) })
      ).first)
    #expect(section.empty == "25.0\u{202F}ns in every mode")
  }

  @Test func eachModeHasItsSymbolInThePictureAndInTheLegend() throws {
    let record = try run([cell("exits.pio", "full", base: 40_050), cell("exits.pio", "paravirt", base: 30_050)])
    let section = try #require(sections(record).first)
    let svg = try #require(section.svg?.text)
    #expect(section.series.map { $0.key.text.contains("series-0") } == [true, false])
    #expect(svg.contains(Symbol.circle.path))
    #expect(svg.contains(Symbol.diamond.path))
    #expect(svg.contains("<desc>port I/O to the runner: full 40.4\u{202F}µs – 40.8\u{202F}µs, paravirt 30.4"))
    #expect(String(decoding: try HTMLReport.render(record), as: UTF8.self).contains("id=\"costs\""))
  }

  @Test func aModeThatRanFewOfTheRowsIsNoColumn() throws {
    let section = try #require(
      sections(
        run(
          ["exits.a", "exits.b", "exits.c"].map { cell($0, "full", base: 900) }
            + [cell("exits.a", "full+irqchip=split", base: 900), cell("exits.b", "full@bare", base: 90)])
      ).first)
    #expect(section.columns.map(\.name) == ["full"])
    #expect(section.others == "full+irqchip=split, full@bare")
    #expect(section.rows.map(\.anchor) == ["exits.a", "exits.b", "exits.c"])
  }

  @Test func clocksAndTimersSayTheirSourceAndWhatWasCounted() throws {
    let found = sections(
      try run([
        cell(
          "platform.clock.read", "full", base: 38_000, choices: ["clock": "pmtimer"], metrics: ["clock.drift": 1.5e-6]),
        cell("platform.clock.drift.tsc", "full", base: 9000, metrics: ["clock.drift": 0]),
        cell(
          "platform.timer.1ms", "full", base: 60_000, choices: ["timer": "lapic"],
          metrics: ["timer.lost": 0, "timer.handled": 300]),
      ]))
    #expect(found.map(\.anchor) == ["clocks", "timers"])
    #expect(found.map { $0.rows.first?.sub } == ["pmtimer, full", "lapic, full"])
    #expect(found[0].rows.map(\.anchor) == ["platform.clock.read"])
    #expect(found[0].counts.map(\.cell.value) == ["1.50\u{202F}ppm", "0\u{202F}ppm"])
    #expect(found[1].counts.map(\.cell.value) == ["300", "0"])
    #expect(found[1].rows.first?.cells.first?.minimum == "60.0")
  }

  @Test func tableHasOneRowPerCellWithLatencies() throws {
    let record = try run(
      [cell("exits.pio", "full", base: 40_000), skipped("exits.never", "full")], tscKilohertz: 2_000_000)
    #expect(rows(record).map { $0[1...6] } == [["exits", "exits.pio", "full", "6", "4200", "4e-05"]])
    #expect(rows(record).map(\.last) == ["2000000000.0"])
  }
}
