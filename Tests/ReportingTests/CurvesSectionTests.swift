import Measurement
import Testing

@testable import Reporting

@Suite("curves over the working set") struct CurvesSectionTests {
  private func cell(_ workload: String, _ mode: String, _ metrics: [String: Double]) -> CellRecord {
    CellRecord(
      suite: "memory", workload: workload, mode: mode, choices: [:], primary: "throughput.ops", warmupSeconds: 0,
      repetitions: [RepetitionRecord(index: 0, order: 0, status: .ok, metrics: metrics)])
  }

  private func run(_ cells: [CellRecord]) throws -> RunRecord {
    var run = try Golden.run()
    run.cells = cells
    run.comparisons = []
    return run
  }

  private func chase(_ sizes: [String]) -> [CellRecord] {
    sizes.enumerated().flatMap { index, size in
      ["full", "paravirt@bare"].map { cell("memory.chase.\(size)", $0, ["latency.p50": 1e-6 * Double(index + 1)]) }
    }
  }

  @Test func aRunWithoutSizesHasNone() throws {
    #expect(CurvesSection(try Golden.run()) == nil)
    #expect(!String(decoding: try HTMLReport.render(Golden.run()), as: UTF8.self).contains("id=\"curves\""))
  }

  @Test func twoSizesAreNoCurve() throws {
    #expect(CurvesSection(try run(chase(["16k", "128m"]))) == nil)
  }

  @Test func eachModeIsALineThroughAllSizes() throws {
    let section = try #require(CurvesSection(try run(chase(["16k", "256k", "128m"]))))
    let curve = try #require(section.curves.first)
    #expect(section.curves.count == 1)
    #expect(curve.metric == "Latency, median")
    #expect(curve.series.map(\.label) == ["full", "paravirt@bare"])
    #expect(curve.svg.text.split(separator: "<path").count - 1 == 6)
    #expect(curve.svg.text.contains("<title>full, 16.0\u{202F}KiB: "))
    #expect(curve.linear.text.contains(">0\u{202F}s</text>"))
    #expect(curve.svg.text.split(separator: "class=\"curve series-1\" x1=").count - 1 == 2)
    #expect(curve.svg.text.contains("128\u{202F}MiB"))
    let page = String(decoding: try HTMLReport.render(run(chase(["16k", "256k", "4m"]))), as: UTF8.self)
    #expect(page.contains("id=\"curves\""))
  }

  @Test func bandwidthIsDrawnWhereBytesAreMoved() throws {
    let cells = ["16k", "256k", "4m"].map {
      cell("memory.stream.triad.\($0)", "full", ["throughput.bytes": 2e10, "latency.p50": 1e-6])
    }
    #expect(try #require(CurvesSection(try run(cells))).curves.map(\.metric) == ["Bytes per second"])
  }
}
