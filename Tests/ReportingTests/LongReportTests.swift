import Measurement
import Testing

@testable import Reporting

@Suite("reports of many workloads") struct LongReportTests {
  /// The golden run's first comparable workload, again and again under other names.
  private func run(workloads count: Int, suites: [String]) throws -> RunRecord {
    var run = try Golden.run()
    let comparison = try #require(
      run.comparisons.first { $0.mode == "full:paravirt" && $0.metric == "throughput.ops" && $0.ratio != nil })
    let cells = run.cells.filter { $0.workload == comparison.workload }
    let names = (0..<count).map { (suite: suites[$0 % suites.count], kernel: "kernel\($0)") }
    run.cells = names.flatMap { name in
      cells.map { cell in
        var copy = cell
        (copy.suite, copy.workload) = (name.suite, "\(name.suite).\(name.kernel)")
        return copy
      }
    }
    run.comparisons = names.map { name in
      var copy = comparison
      (copy.suite, copy.workload) = (name.suite, "\(name.suite).\(name.kernel)")
      return copy
    }
    return run
  }

  private func model(_ run: RunRecord) -> ReportViewModel {
    ReportViewModel(run, parts: PageParts(style: "", script: ""))
  }

  @Test func aFewWorkloadsAreShownAtOnce() throws {
    let run = try run(workloads: 24, suites: ["disk", "cpu"])
    #expect(model(run).workloadGroups.map(\.fold.isFolded) == [false, false])
    #expect(!String(decoding: try HTMLReport.render(run), as: UTF8.self).contains("<details"))
  }

  @Test func manyAreFoldedBySuiteWithWhatIsInside() throws {
    let model = try model(run(workloads: 26, suites: ["disk", "cpu"]))
    #expect(model.workloadGroups.map(\.fold.suite) == ["disk", "cpu"])
    #expect(model.workloadGroups.map(\.workloads.count) == [13, 13])
    #expect(
      model.workloadGroups.map(\.fold.summary)
        == Array(repeating: "13 workloads, paravirtual against full: 13 better", count: 2))
    #expect(model.forest?.groups.map(\.rows.count) == [13, 13])
  }

  @Test func everyFoldThatOpensCloses() throws {
    let page = String(decoding: try HTMLReport.render(run(workloads: 26, suites: ["disk", "cpu"])), as: UTF8.self)
    #expect(page.contains("<details>"))
    #expect(page.components(separatedBy: "<details>").count == page.components(separatedBy: "</details>").count)
  }

  @Test func aLongRunHasFewSentencesOfEachSuiteTheMostCommonFirst() throws {
    let run = try run(workloads: 30, suites: ["console", "cpu", "disk"])
    let lines = Headline.all(run, cells: run.cells.map(CellSummary.init))
    #expect(
      lines.map(\.anchor) == [
        "disk.kernel2", "disk.kernel5", "cpu.kernel1", "cpu.kernel4", "console.kernel0", "console.kernel3",
      ])
  }

  @Test func whatIsCalledComesBeforeWhatIsNot() throws {
    var run = try run(workloads: 30, suites: ["disk"])
    for index in 0..<28 { run.comparisons[index].verdict = .noChangeFound }
    let lines = Headline.all(run, cells: run.cells.map(CellSummary.init))
    #expect(lines.map(\.anchor) == ["disk.kernel28", "disk.kernel29"])
  }

  @Test func aSuiteWithoutACalledChangeHasOneSentence() throws {
    var run = try run(workloads: 30, suites: ["disk"])
    for index in run.comparisons.indices { run.comparisons[index].verdict = .inconclusive }
    run.comparisons[0].ratio = nil
    #expect(Headline.all(run, cells: run.cells.map(CellSummary.init)).map(\.anchor) == ["disk.kernel1"])
  }

  @Test func nothingMakesNoHeadline() throws {
    var run = try run(workloads: 1, suites: ["exits"])
    run.cells.indices.forEach { run.cells[$0].workload = "exits.empty" }
    run.comparisons[0].workload = "exits.empty"
    #expect(Headline.all(run, cells: run.cells.map(CellSummary.init)).isEmpty)
  }

  @Test func aTimeIsTakenAndNotDone() throws {
    var run = try run(workloads: 1, suites: ["cpu"])
    run.comparisons[0].metric = "latency.p50"
    run.cells.indices.forEach { run.cells[$0].primary = "latency.p50" }
    let line = try #require(Headline.all(run, cells: run.cells.map(CellSummary.init)).first)
    #expect(line.before == "On this host the paravirtual guest takes")
    #expect(line.after.hasPrefix("the time of full emulation for cpu.kernel0"))
  }

  @Test func aLabelThatANarrowScreenCannotHoldIsThereASecondTime() {
    var svg = SVG(height: 10, title: "", description: "")
    svg.text(String(repeating: "x", count: 45), x: 0, y: 5, style: "label")
    #expect(svg.markup.text.contains(#"class="label broad""#))
    #expect(
      svg.markup.text.contains(#"class="label narrow" x="0%" y="5">\#(String(repeating: "x", count: 43))…</text>"#))
  }
}
