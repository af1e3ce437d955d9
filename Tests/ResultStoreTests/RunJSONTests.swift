import Foundation
import Measurement
import Testing

@testable import ResultStore

@Suite struct RunJSONTests {
  private let scratch: Scratch
  private let folder: RunFolder

  init() throws {
    scratch = try Scratch()
    folder = try RunFolder.create(in: scratch.path, host: "h")
  }

  private static let cell = CellRecord(
    suite: "disk", workload: "w", mode: "full", choices: ["disk": "ide-pio"], primary: "throughput.ops",
    warmupSeconds: 0.5, repetitions: [sampleFile(workload: "w", mode: "full", index: 0, order: 0).repetition])

  @Test func whatIsWrittenReadsBackExactly() throws {
    let run = sampleRun(cells: [Self.cell])
    try folder.writeRun(run)
    #expect(try folder.readRun() == run)
  }

  @Test func equalRunsAreEqualBytes() throws {
    try folder.writeRun(sampleRun(cells: [Self.cell]))
    let first = try AtomicFile.read(folder.file("run.json"))
    try folder.writeRun(sampleRun(cells: [Self.cell]))
    #expect(try AtomicFile.read(folder.file("run.json")) == first)
  }

  @Test func everyKeyOfTheContractIsThereAndAbsentValuesAreNull() throws {
    try folder.writeRun(sampleRun(cells: [Self.cell]))
    let data = Data(try AtomicFile.read(folder.file("run.json")))
    let top = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    #expect(
      Set(top.keys) == [
        "schema", "id", "started", "finished", "status", "command", "version", "seed", "host", "cells", "comparisons",
        "metrics",
      ])
    #expect(top["finished"] is NSNull)
    let cell = try #require((top["cells"] as? [[String: Any]])?.first)
    #expect(Set(cell.keys).isSuperset(of: ["suite", "workload", "mode", "choices", "repetitions"]))
    let repetition = try #require((cell["repetitions"] as? [[String: Any]])?.first)
    #expect(
      Set(repetition.keys).isSuperset(of: ["index", "order", "status", "reason", "metrics", "exits", "histograms"]))
    #expect(repetition["reason"] is NSNull)
    let exits = try #require(repetition["exits"] as? [String: Any])
    #expect(Set(exits.keys).isSuperset(of: ["total", "userspace", "by_reason", "by_detail", "latency"]))
    let comparison = try #require((top["comparisons"] as? [[String: Any]])?.first)
    #expect(
      Set(comparison.keys) == [
        "suite", "workload", "mode", "metric", "unit", "better", "a", "b", "ratio", "ratio_low", "ratio_high", "p",
        "p_holm", "test", "mde", "verdict", "reason",
      ])
    let metric = try #require((top["metrics"] as? [[String: Any]])?.first)
    #expect(metric["floor_absolute"] is NSNull)
  }

  @Test func newerSchemaIsRefused() throws {
    try folder.write(Array(#"{"schema": 2, "novelty": true}"#.utf8), to: "run.json")
    #expect(throws: StoreError.newerSchema(path: folder.file("run.json"), found: 2, known: 1)) { try folder.readRun() }
  }

  @Test(arguments: [
    ("", "not valid JSON"), ("{\"schema\":1", "not valid JSON"), ("[]", "unexpected value at the top level"),
    ("{\"id\":\"x\"}", "no 'schema' in the top level"), ("{\"schema\":1,\"id\":7}", "unexpected value at id"),
  ]) func damagedFileSaysWhereItIsDamaged(text: String, detail: String) throws {
    try folder.write(Array(text.utf8), to: "run.json")
    #expect(throws: StoreError.damaged(path: folder.file("run.json"), detail: detail)) { try folder.readRun() }
  }

  @Test func infiniteMetricIsRefusedBeforeTheOldFileIsTouched() throws {
    let run = sampleRun(cells: [Self.cell])
    try folder.writeRun(run)
    var broken = run
    broken.cells[0].repetitions[0].metrics["throughput.ops"] = .infinity
    #expect(throws: StoreError.self) { try folder.writeRun(broken) }
    #expect(try folder.readRun() == run)
  }
}
