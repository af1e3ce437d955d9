import Foundation
import Measurement
import Testing

@testable import Reporting

@Suite struct WaterfallTests {
  private static func gain(_ factor: Double, _ low: Double? = nil, _ high: Double? = nil) -> GainRecord {
    GainRecord(logRatio: log(factor), low: low.map(log), high: high.map(log))
  }

  private static func part(_ choice: String, _ gain: GainRecord) -> AttributionPart {
    AttributionPart(choice: choice, before: "old", after: "new", first: gain, last: gain, part: gain)
  }

  /// 10 × 0.8 × 1.02 × 1.01, and a residual that makes 9.
  private static func record(better: Polarity = .higher, metric: String = "throughput.ops") -> AttributionRecord {
    AttributionRecord(
      suite: "disk", workload: "disk.randread.4k.qd1", metric: metric, better: better, from: "full", to: "paravirt",
      n: 6, whole: gain(9, 8.5, 9.5),
      parts: [
        part("disk", gain(10, 9.8, 10.2)), part("timer", gain(0.8, 0.79, 0.81)),
        part("cpuid", gain(1.02, 1.01, 1.03)), part("idle", gain(1.01, 0.9, 1.1)),
      ],
      residual: gain(9 / (10 * 0.8 * 1.02 * 1.01), 1.05, 1.15), reason: nil)
  }

  private func rows(_ record: AttributionRecord = record()) throws -> [Waterfall.Row] {
    try #require(Waterfall(record)).rows
  }

  @Test func rowsArePartsThenResidualThenWhole() throws {
    let rows = try rows()
    #expect(rows.map(\.label) == ["disk", "timer", "cpuid", "idle", "only together", "full → paravirt"])
    #expect(rows.map(\.isWhole) == [false, false, false, false, false, true])
    #expect(rows.map { $0.change == nil } == [false, false, false, false, true, true])
    #expect(rows[0].gain.text == "10.0×")
    #expect(rows[0].gain.bounds == "[9.80–10.2]")
  }

  @Test func onlyCertainPartsAboveTheFloorHaveAColour() throws {
    #expect(try rows().map(\.gain.style) == ["better", "worse", "neutral", "neutral", "neutral", "neutral"])
  }

  @Test func lowerIsBetterWhereTheMetricSaysSo() throws {
    let rows = try rows(Self.record(better: .lower, metric: "latency.mean"))
    #expect(rows.prefix(2).map(\.gain.style) == ["worse", "better"])
  }

  @Test func sharesAddUpToTheWholeGain() throws {
    let shares = try rows().map { row in
      let text = try #require(row.share).replacing("−", with: "-").filter { "-.0123456789".contains($0) }
      return try #require(Double(text))
    }
    #expect(shares.last == 100)
    #expect(abs(shares.dropLast().reduce(0, +) - 100) < 0.3)
  }

  @Test func gainThatMayBeNoneIsNotShared() throws {
    var record = Self.record()
    record.whole = Self.gain(1.02, 0.9, 1.1)
    #expect(try rows(record).allSatisfy { $0.share == nil })
  }

  @Test func intervalsThatAreMissingAreNamed() throws {
    var record = Self.record()
    record.whole = Self.gain(9)
    let whole = try #require(try rows(record).last)
    #expect(whole.gain.bounds == "[no finite 95 % interval]")
    #expect(whole.share == nil)
  }

  @Test func everyBarBeginsWhereTheOneBeforeEnds() throws {
    let svg = try #require(Waterfall(Self.record())).svg.text
    let bars = svg.matches(of: /<rect class="fall[^"]*" x="([0-9.]+)%" width="([0-9.]+)%"/).map { match in
      (left: Double(match.1) ?? .nan, right: (Double(match.1) ?? .nan) + (Double(match.2) ?? .nan))
    }
    #expect(bars.count == 6)
    // disk rises, timer falls back from there, cpuid rises from where timer ended.
    #expect(abs(bars[0].right - bars[1].right) < 0.02)
    #expect(abs(bars[1].left - bars[2].left) < 0.02)
    // The whole begins at 1× and ends where the residual does.
    #expect(abs(bars[5].left - bars[0].left) < 0.02)
    #expect(abs(bars[5].right - bars[4].right) < 0.02)
  }

  @Test func workloadWithoutAttributionSaysWhy() throws {
    var run = try Golden.run()
    let causes = try #require(CausesSection(run))
    #expect(causes.waterfalls.map(\.anchor) == ["disk.randread.4k.qd1"])
    #expect(causes.unexplained.map(\.reason) == ["full: skipped: IDE has queue depth 1 only"])
    run.attribution = nil
    #expect(CausesSection(run) == nil)
  }

  /// The golden run with steps of its ablation and a variant that is none, before `full:paravirt` as they are in a run.
  private func ablated() throws -> RunRecord {
    var run = try Golden.run()
    let comparison = try #require(run.comparisons.first { $0.workload == "disk.randread.4k.qd1" && $0.ratio != nil })
    for mode in ["full:full+disk=virtio-blk", "paravirt:paravirt+timer=pit", "full:full+console=virtio"].reversed() {
      var step = comparison
      step.mode = mode
      run.comparisons.insert(step, at: 0)
    }
    return run
  }

  @Test func stepsOfAnAblationAreLeftToTheWaterfall() throws {
    let rows = try #require(ForestSection(try ablated())).rows.filter { $0.anchor == "disk.randread.4k.qd1" }
    #expect(rows.map(\.modes) == ["full with console=virtio over full", "paravirt over full"])
  }

  @Test func headlineIsAboutParavirtAndNotAboutAStep() throws {
    let run = try ablated()
    let before = try #require(Headline.all(try Golden.run(), cells: run.cells.map(CellSummary.init)).first).before
    #expect(try #require(Headline.all(run, cells: run.cells.map(CellSummary.init)).first).before == before)
  }

  @Test func pageWithoutAnAblationHasNoCauses() throws {
    var run = try Golden.run()
    run.attribution = nil
    #expect(!String(decoding: try HTMLReport.render(run), as: UTF8.self).contains("id=\"causes\""))
  }
}
