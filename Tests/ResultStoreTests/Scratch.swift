import Foundation
import Measurement

@testable import ResultStore

/// A folder that lives as long as its owner.
final class Scratch {
  let path: String

  init() throws {
    let folder = URL.temporaryDirectory.appending(path: "pvbench-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func names(_ folder: String = "") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").sorted()
  }
}

/// A repetition's file with values that only exact numbers survive.
func sampleFile(workload: String, mode: String, index: Int, order: Int) -> RepetitionFile {
  RepetitionFile(
    cell: CellKey(suite: "disk", workload: workload, mode: mode), choices: ["disk": "ide-pio"],
    primary: "throughput.ops", warmupSeconds: 0.1,
    repetition: RepetitionRecord(
      index: index, order: order, status: .ok, metrics: ["throughput.ops": 0.1 + 0.2, "latency.p50": 1e-9],
      exits: ExitCounts(
        total: .max, byDetail: ["io:0x1f0:in": ExitTally(exits: 8, elements: 2048, bytes: 4096, seconds: 1 / 3)])))
}

func sampleRun(cells: [CellRecord] = []) -> RunRecord {
  RunRecord(
    id: "r", started: "2025-03-14T22:15:00Z", finished: nil, status: .partial, command: ["pvbench", "run"],
    version: "0.1.0", seed: .max,
    host: HostRecord(
      fingerprint: "f",
      configuration: ["governor": .null, "ratio": .number(0.1), "flag": .bool(true), "one": .number(1)],
      cpu: [:], kernel: "6.1", kvm: [:], numa: [], warnings: ["w"], name: "h"),
    cells: cells,
    comparisons: [
      ComparisonRecord(
        suite: "disk", workload: "w", mode: "full:paravirt", metric: "throughput.ops", unit: "1/s", better: .higher,
        a: SideRecord(n: 0, median: nil, low: nil, high: nil), b: SideRecord(n: 6, median: 1, low: 0.5, high: 2),
        ratio: 47.009_800_992_423_23, ratioLow: nil, ratioHigh: nil, p: nil, pHolm: nil, test: "sign-flip", mde: nil,
        verdict: .notComparable, reason: nil)
    ],
    metrics: MetricCatalog.all)
}
