import Foundation
import Measurement
import Statistics
import Testing

@testable import Reporting

@Suite("the section of runners") struct RunnersSectionTests {
  private func cell(_ mode: String, _ factor: Double) -> CellRecord {
    let repetitions = (0..<10).map { index in
      let noise = 1 + Double(index) / 1000
      return RepetitionRecord(
        index: index, order: index, status: .ok,
        metrics: [
          "throughput.ops": 1000 * factor * noise, "latency.p50": 0.001 / factor * noise,
          "memory.runner_overhead": 1e6 / factor * noise, "window.ops": 1000 * noise,
        ])
    }
    return CellRecord(
      suite: "disk", workload: "disk.randread.4k.qd1", mode: mode, choices: [:], primary: "throughput.ops",
      warmupSeconds: 0, repetitions: repetitions)
  }

  private func run(_ cells: [CellRecord]) throws -> RunRecord {
    var run = try Golden.run()
    run.cells = cells
    run.comparisons = RunComparison.modes(in: cells)
    return run
  }

  @Test func aRunOfTheBuiltinRunnerHasNone() throws {
    #expect(RunnersSection(try Golden.run()) == nil)
    #expect(!String(decoding: try HTMLReport.render(Golden.run()), as: UTF8.self).contains("id=\"runners\""))
  }

  @Test func theBuiltinRunnerStandsBesideTheOther() throws {
    let section = try #require(RunnersSection(run([cell("paravirt", 2), cell("paravirt@qemu", 1)])))
    #expect(section.title == "Against QEMU")
    #expect(section.notice == nil)
    #expect(section.svg != nil)
    let group = try #require(section.groups.first)
    #expect(group.mode == "paravirt")
    #expect(group.runner == "qemu")
    #expect(
      group.rows.map(\.label) == [
        "Operations per second", "Latency, median", "Runner PSS beyond touched guest RAM",
      ])
    #expect(group.rows.map(\.isPrimary) == [true, false, false])
    #expect(group.rows.map { $0.pair.ratio?.text } == ["2.00×", "0.500×", "0.500×"])
    #expect(group.rows[0].builtin.hasPrefix("2.0"))
    #expect(group.rows[0].other.hasPrefix("1.0"))
  }

  @Test func thePageHasTheSameNumbers() throws {
    let run = try run([cell("paravirt", 2), cell("paravirt@qemu", 1)])
    let row = try #require(RunnersSection(run)?.groups.first?.rows.last)
    let page = String(decoding: try HTMLReport.render(run), as: UTF8.self)
    let section = try #require(page.range(of: "<section id=\"runners\">").map { page[$0.upperBound...] })
    let text = section[..<(section.range(of: "</section>")?.lowerBound ?? section.endIndex)]
    #expect(text.contains("paravirt, builtin and qemu"))
    #expect(text.contains(row.builtin))
    #expect(text.contains(row.other))
    #expect(text.contains("data-ratio=\"\(try #require(row.pair.ratio).exact)\""))
  }

  @Test func modesAndRunnersAreNotMixed() throws {
    let run = try run([cell("full", 1), cell("full@qemu", 1), cell("paravirt", 3), cell("paravirt@qemu", 2)])
    #expect(try #require(ForestSection(run)).rows.map(\.modes) == ["paravirt over full"])
    #expect(try #require(RunnersSection(run)).groups.map(\.mode) == ["full", "paravirt"])
  }

  @Test func anInterpreterIsCalledNoMeasurement() throws {
    let run = try run([cell("full@qemu-tcg", 1), cell("paravirt@qemu-tcg", 2)])
    let section = try #require(RunnersSection(run))
    #expect(section.notice?.contains("no measurement of hardware") == true)
    #expect(section.groups.isEmpty)
    #expect(String(decoding: try HTMLReport.render(run), as: UTF8.self).contains("no measurement of hardware"))
  }
}
