import Foundation
import MachineLauncher
import Measurement

/// fio as a workload: its command, and the JSON that it prints on the guest's console (fio 3, "JSON output").
enum FioTool {
  /// The command for `cell`. What is written is read back and checked.
  static func arguments(_ cell: PlannedCell) -> [String] {
    let workload = cell.workload
    let operation = workload.parameter("operation") ?? "read"
    let isIDE = cell.choices["disk"]?.hasPrefix("ide") == true
    func seconds(_ nanoseconds: UInt64) -> UInt64 { max(1, (nanoseconds + 500_000_000) / 1_000_000_000) }
    var arguments = [
      "fio", "--name=pvbench", "--filename=/dev/\(isIDE ? "sda" : "vda")",
      "--rw=\(workload.parameter("access") == "random" ? "rand" : "")\(operation)",
      "--bs=\(workload.parameter("block") ?? "4096")", "--iodepth=\(workload.parameter("depth") ?? "1")", "--size=4m",
      "--direct=1", "--ioengine=libaio", "--randseed=1", "--output-format=json",
    ]
    if operation == "write" {
      arguments += ["--verify=crc32c", "--do_verify=1", "--verify_fatal=1"]
    } else {
      arguments += ["--time_based", "--runtime=\(seconds(cell.windowNanoseconds))"]
      arguments += ["--ramp_time=\(seconds(cell.warmupNanoseconds))"]
    }
    return arguments
  }

  private struct Output: Decodable {
    let jobs: [Job]
  }
  private struct Job: Decodable {
    let error: Int
    let read: Side
    let write: Side
  }
  private struct Side: Decodable {
    let operations: UInt64
    let operationsPerSecond: Double
    let bytesPerSecond: Double
    let latency: Latency

    enum CodingKeys: String, CodingKey {
      case operations = "total_ios"
      case operationsPerSecond = "iops"
      case bytesPerSecond = "bw_bytes"
      case latency = "clat_ns"
    }
  }
  /// Nanoseconds from an operation's submission to its completion.
  private struct Latency: Decodable {
    let mean: Double
    let count: UInt64
    let percentiles: [String: Double]?

    enum CodingKeys: String, CodingKey {
      case mean
      case count = "N"
      case percentiles = "percentile"
    }
  }

  /// `report` with fio's figures, or failed where fio says nothing that could be read.
  static func judged(_ report: RunnerReport, console: String) -> RunnerReport {
    guard report.status == .ok else { return report }
    var judged = report
    do { judged.metrics.merge(try metrics(console)) { $1 } } catch {
      judged.status = .failed
      judged.reason = "\(error)"
      judged.log = console.split(separator: "\n").suffix(20).map(String.init)
    }
    return judged
  }

  /// Why a console has no result.
  enum OutputError: Error, Equatable, CustomStringConvertible {
    case missing
    case unreadable
    case failed(Int)

    var description: String {
      switch self {
      case .missing: "fio printed no result on the guest's console"
      case .unreadable: "fio's result on the guest's console cannot be read"
      case .failed(let code): "fio failed in the guest, error \(code)"
      }
    }
  }

  /// The metrics of fio's first job on `console`: the side that it measured is that of the operation; a job that verifies reads
  /// again what it wrote.
  static func metrics(_ console: String) throws(OutputError) -> [String: Double] {
    let lines = console.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.firstIndex(of: "{"), let last = lines[first...].firstIndex(of: "}") else { throw .missing }
    let text = lines[first...last].joined(separator: "\n")
    guard let output = try? JSONDecoder().decode(Output.self, from: Data(text.utf8)), let job = output.jobs.first else {
      throw .unreadable
    }
    guard job.error == 0 else { throw .failed(job.error) }
    let side = job.write.operations > 0 ? job.write : job.read
    guard side.operations > 0 else { throw .unreadable }
    var metrics = [
      "throughput.ops": side.operationsPerSecond, "throughput.bytes": side.bytesPerSecond,
      "latency.mean": side.latency.mean / 1e9,
    ]
    for (id, key, quantile) in [("latency.p50", "50.000000", 0.5), ("latency.p99", "99.000000", 0.99)] {
      // A percentile needs samples enough (methodology, section 2).
      guard side.latency.count >= UInt64(Histogram.samplesNeeded(forQuantile: quantile)) else { continue }
      metrics[id] = side.latency.percentiles?[key].map { $0 / 1e9 }
    }
    return metrics
  }
}
