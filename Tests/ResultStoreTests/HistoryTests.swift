import Foundation
import GRDB
import Measurement
import Testing

@testable import ResultStore

/// A night with one cell.
func sampleNight(_ night: Int, value: Double = 1, workload: String = "w", id: String? = nil) -> IndexedRun {
  IndexedRun(
    id: id ?? "run-\(night)", started: Date(timeIntervalSince1970: 86_400 * Double(night)).formatted(.iso8601),
    status: .complete, version: "0.1.0", fingerprint: "f", configuration: ["kernel_release": .string("6.\(night)")],
    cells: [
      IndexedRun.Cell(
        key: CellKey(suite: "disk", workload: workload, mode: "full"), choices: ["net": "none", "disk": "ide-pio"],
        observations: ["throughput.ops": IndexedRun.Observations(values: [value, 0.1 + 0.2], median: value)])
    ],
    metrics: MetricCatalog.all.filter { $0.id == "throughput.ops" })
}

@Suite struct HistoryTests {
  private let scratch: Scratch
  private let history: History

  init() throws {
    scratch = try Scratch()
    history = try History.open(in: scratch.path, creating: true)
  }

  private func values() throws -> [Double] {
    let series = try #require(try history.series().first)
    return try history.nights(of: series).map(\.value)
  }

  /// What `scan` hands over, and keeps: that everything has been counted.
  private func scan() throws -> [SeriesProgress?] {
    try history.scan(try history.series()) { _, values, known in
      (known, SeriesProgress(next: values.count, candidates: [1]))
    }
  }

  @Test func whatIsIndexedReadsBackExactly() throws {
    var night = sampleNight(3, value: 1 / 3)
    night.notes = ["new firmware"]
    try history.index(night)
    #expect(try history.run("run-3") == night)
    #expect(try history.faults() == [])
  }

  @Test func nightsAreInOrderWheneverTheyWereTakenIn() throws {
    for night in [5, 2, 9] { try history.index(sampleNight(night, value: Double(night))) }
    #expect(try values() == [2, 5, 9])
    #expect(try history.runs().map(\.id) == ["run-2", "run-5", "run-9"])
  }

  @Test func aRunThatIsTakenInAgainReplacesItself() throws {
    try history.index(sampleNight(1, value: 1))
    try history.index(sampleNight(1, value: 7))
    #expect(try values() == [7])
    #expect(try history.runs().count == 1)
  }

  @Test func otherChoicesAreAnotherSeries() throws {
    var night = sampleNight(2)
    night.cells[0].choices["disk"] = "ide-dma"
    try history.index(sampleNight(1))
    try history.index(night)
    #expect(try history.series().map(\.choices) == ["disk=ide-dma,net=none", "disk=ide-pio,net=none"])
  }

  @Test func progressIsKeptUntilANightAppearsBeforeItsEnd() throws {
    for night in [1, 3] { try history.index(sampleNight(night)) }
    #expect(try scan() == [nil])
    try history.index(sampleNight(4))
    #expect(try scan() == [SeriesProgress(next: 2, candidates: [1])])
    try history.index(sampleNight(2))
    #expect(try scan() == [nil])
  }

  @Test func progressIsVoidWhenANightGoes() throws {
    for night in 1...3 { try history.index(sampleNight(night)) }
    _ = try scan()
    try history.remove(["run-1"])
    #expect(try scan() == [nil])
    #expect(try values() == [1, 1])
    #expect(try history.faults() == [])
  }

  @Test func remarksStandBesideTheirRuns() throws {
    try history.index(sampleNight(1))
    try history.annotate("run-1", "new firmware")
    #expect(try history.runs().map(\.notes) == [["new firmware"]])
    #expect(throws: HistoryError.unknownRun("run-2")) { try history.annotate("run-2", "?") }
  }

  @Test func aRunWithoutATimeIsRefusedWhole() throws {
    var night = sampleNight(1)
    night.started = "yesterday"
    #expect(throws: HistoryError.self) { try history.index(night) }
    #expect(try history.runs() == [])
  }

  @Test func aMetricThatNobodyDescribesIsRefusedWhole() throws {
    var night = sampleNight(1)
    night.metrics = []
    #expect(throws: HistoryError.self) { try history.index(night) }
    #expect(try history.runs() == [])
  }

  @Test func nightsThatAreNotTheirObservationsMedianAreFaults() throws {
    for night in 1...3 { try history.index(sampleNight(night)) }
    try history.queue.write {
      try $0.execute(sql: "UPDATE point SET median = 9 WHERE run = 1")
      try $0.execute(sql: "UPDATE sample SET layout = 'x:9' WHERE run = 2")
      try $0.execute(sql: "DELETE FROM sample WHERE run = 3")
    }
    #expect(
      try history.faults() == [
        "run run-1 has nights that are not the medians of its observations",
        "run run-2 has observations that are not what their layout says", "run run-3 has nights without observations",
      ])
  }
}
