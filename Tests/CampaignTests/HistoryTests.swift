import Foundation
import Measurement
import ResultStore
import Statistics
import Testing

@testable import Campaign

/// From folders of runs to series, changes and drawings.
struct HistoryTests {
  private let folder: TemporaryFolder
  private var results: String { folder.file("results") }

  init() throws { folder = try TemporaryFolder() }

  /// A finished run in a folder of its own, on night `night`, of one cell whose median is `value`.
  @discardableResult private func run(_ night: Int, value: Double, kernel: String = "6.1") throws -> RunFolder {
    let started = Date(timeIntervalSince1970: 86_400 * Double(night))
    let folder = try RunFolder.create(in: results, host: "h", started: started)
    try folder.writeRun(record(folder.id, started: started, value: value, kernel: kernel))
    return folder
  }

  private func record(_ id: String, started: Date, value: Double, kernel: String) -> RunRecord {
    let repetitions = (0..<6).map {
      RepetitionRecord(index: $0, order: $0, status: $0 == 5 ? .failed : .ok, metrics: ["throughput.ops": value])
    }
    let time = started.formatted(.iso8601)
    return RunRecord(
      id: id, started: time, finished: time, status: .complete, command: ["pvbench", "run"], version: "0.1.0", seed: 1,
      host: HostRecord(
        fingerprint: "f", configuration: ["kernel_release": .string(kernel)], cpu: [:], kernel: kernel, kvm: [:],
        numa: [], warnings: [], name: "h"),
      cells: [
        CellRecord(
          suite: "disk", workload: "w", mode: "full", choices: ["disk": "ide-pio"], primary: "throughput.ops",
          warmupSeconds: 0.1, repetitions: repetitions)
      ], comparisons: [], metrics: MetricCatalog.all.filter { $0.id == "throughput.ops" })
  }

  /// Thirty nights near 1000, thirty near 800 on another kernel.
  private func step() throws -> History {
    for night in 0..<60 {
      let level = night < 30 ? 1000.0 : 800
      try run(night, value: level + Double(night % 3), kernel: night < 30 ? "6.1" : "6.6")
    }
    let result = try HistoryIndex.read(results, into: results)
    #expect(result.runs == 60 && result.failures == [])
    return try History.open(in: results, creating: false)
  }

  @Test func onlyWhatIsOkIsObserved() throws {
    let run = IndexedRun(record("r", started: Date(timeIntervalSince1970: 0), value: 5, kernel: "6.1"))
    #expect(run.cells[0].observations == ["throughput.ops": .init(values: [5, 5, 5, 5, 5], median: 5)])
  }

  @Test func whatMakesAnotherMeasurementIsAFactOfTheNight() {
    var run = record("r", started: Date(timeIntervalSince1970: 0), value: 5, kernel: "6.1")
    #expect(IndexedRun(run).configuration["options"] == .string(""))
    run.command = ["pvbench", "nightly", "--vcpus", "2", "--out", "x", "--quick", "--memory=1GiB"]
    #expect(IndexedRun(run).configuration["options"] == .string("--memory=1GiB --quick --vcpus=2"))
  }

  @Test func aStepIsFoundOnItsNightWithWhatWasDifferent() throws {
    let history = try step()
    var changes = SeriesChanges(history)
    let found = try changes.find(in: try history.series())
    #expect(found.map(\.night.started) == [30 * 86_400])
    #expect(found.map(\.age) == [30])
    #expect(found.map(\.isImprovement) == [false])
    #expect(found.map(\.configuration) == [["kernel_release: 6.1 → 6.6"]])
    #expect(try changes.find(in: try history.series()) == found)
    #expect(try changes.find(in: try history.series(), nights: 29) == [])
  }

  /// Nights come in any order, come again with other values, and go.
  @Test(arguments: 1...4) func theSearchThatGoesOnFindsWhatTheOneFromNothingDoes(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let history = try History.open(in: results, creating: true)
    var changes = SeriesChanges(history)
    for start in stride(from: 0, to: 160, by: 8) {
      for night in (start..<start + 8).shuffled(using: &generator) + [Int.random(in: 0...start, using: &generator)] {
        let level = night < 30 ? 1000.0 : night < 90 ? 800 : 900
        try history.index(
          IndexedRun(
            record(
              "r\(night)", started: Date(timeIntervalSince1970: 86_400 * Double(night)),
              value: level * Double.random(in: 0.99...1.01, using: &generator), kernel: "6.1")))
      }
      try history.remove(["r\(Int.random(in: 0...start, using: &generator))"])
      let series = try history.series()
      let values = try history.nights(of: series[0]).map(\.value)
      #expect(
        try changes.find(in: series).map(\.point).reversed()
          == SeriesChanges.points(of: series[0].metric, in: values).points)
    }
    #expect(try changes.find(in: try history.series()).count == 2)
    #expect(try history.faults() == [])
  }

  @Test func theDrawingMarksTheStepAndWhatWasSaid() throws {
    let history = try step()
    try history.annotate(try history.runs()[10].id, "new firmware")
    var changes = SeriesChanges(history)
    let series = try #require(try history.series().first)
    let nights = try history.nights(of: series)
    let text = SeriesDrawing(
      series, nights: nights, changes: try changes.find(in: [series]),
      remarks: try changes.remarks(on: nights, notes: try history.notes())
    ).text(columns: 80, usesColor: false)
    let lines = text.split(separator: "\n").map(String.init)
    let margin = String(repeating: " ", count: "800 /s ┤".count)
    let marks = String(repeating: " ", count: 10) + "△" + String(repeating: " ", count: 19) + "▲"
    #expect(lines.contains(margin + marks))
    #expect(lines[0] == "w full, throughput.ops (higher is better)")
    #expect(lines.allSatisfy { $0.count <= 80 })
    #expect(
      lines.suffix(4) == [
        "▲ \(nights[30].run): 1 k/s → 801 /s, -20.0 %, p < 0.0001", "    kernel_release: 6.1 → 6.6",
        "△ \(nights[10].run)", "    new firmware",
      ])
  }

  @Test func aHistoryIsMadeAnewFromTheFoldersOfRuns() throws {
    let first = try run(1, value: 5)
    try run(2, value: 6)
    try first.add(note: "new\nfirmware")
    #expect(HistoryIndex.add(try first.readRun(), from: first) == nil)
    let history = try History.open(in: results, creating: false)
    #expect(try HistoryIndex.missing(from: history, in: results).count == 1)
    #expect(try HistoryIndex.read(results, into: results, onlyNew: true).runs == 1)
    #expect(try history.runs().map(\.notes) == [["new firmware"], []])
    #expect(try HistoryIndex.missing(from: history, in: results) == [])
  }

  @Test func anExportIsReadBack() throws {
    let history = try step()
    let lines = try history.runs().map {
      String(decoding: try JSONEncoder().encode(try history.run($0.id)), as: UTF8.self)
    }
    let file = try folder.write(lines.joined(separator: "\n") + "\nnonsense\n", to: "export.jsonl")
    let result = try HistoryIndex.read(file, into: folder.file("other"))
    #expect(result.runs == 60)
    #expect(result.failures == ["\(file), line 61: not a line of `pvbench history export`"])
    let copy = try History.open(in: folder.file("other"), creating: false)
    #expect(try copy.runs() == history.runs())
  }

  @Test func aHistoryThatTakesNothingInCostsTheRunALine() throws {
    let run = try run(1, value: 5)
    let path = "\(results)/history.sqlite"
    try folder.write("a diary", to: "results/history.sqlite")
    let line = try #require(HistoryIndex.add(try run.readRun(), from: run))
    #expect(line.hasPrefix("this run is not in the history: \(path) is damaged: it is not an SQLite database"))
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "a diary")
  }

  @Test func aRunThatObservedNothingHasNoNight() throws {
    let run = try run(1, value: 1)
    var record = record(run.id, started: Date(timeIntervalSince1970: 0), value: 1, kernel: "6.1")
    record.cells = []
    #expect(HistoryIndex.add(record, from: run) == nil)
    #expect(!FileManager.default.fileExists(atPath: "\(results)/history.sqlite"))
  }
}
