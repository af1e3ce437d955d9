import Measurement

/// fio as a workload: its command, and the JSON that it prints on the guest's console (fio 3, "JSON output").
enum FioTool: LinuxTool {
  static let schema = KernelSchema(
    name: "fio", uses: ["disk", "transport", "doorbell"],
    parameters: [
      ParameterSchema(name: "operation", kind: .word(["read", "write"]), isRequired: true),
      ParameterSchema(name: "access", kind: .word(["random", "sequential"]), isRequired: true),
      ParameterSchema(name: "block", kind: .size(512...(1 << 20), multipleOf: 512), isRequired: true),
      ParameterSchema(name: "depth", kind: .count(1...256), isRequired: true),
    ], guest: .linux)

  static let needsDisk = true

  /// What is written is read back and checked.
  static func arguments(_ cell: PlannedCell) -> [String] {
    let workload = cell.workload
    let operation = workload.parameter("operation") ?? "read"
    let isIDE = cell.choices["disk"]?.hasPrefix("ide") == true
    var arguments = [
      "fio", "--name=pvbench", "--filename=/dev/\(isIDE ? "sda" : "vda")",
      "--rw=\(workload.parameter("access") == "random" ? "rand" : "")\(operation)",
      "--bs=\(workload.parameter("block") ?? "4096")", "--iodepth=\(workload.parameter("depth") ?? "1")", "--size=4m",
      "--direct=1", "--ioengine=libaio", "--randseed=1", "--output-format=json",
    ]
    if operation == "write" {
      arguments += ["--verify=crc32c", "--do_verify=1", "--verify_fatal=1"]
    } else {
      arguments += ["--time_based", "--runtime=\(cell.toolSeconds)", "--ramp_time=\(cell.toolWarmupSeconds)"]
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

  /// The metrics of fio's first job: the side that it measured is that of the operation; a job that verifies reads again what it
  /// wrote.
  static func metrics(_ console: String) throws(ToolOutputError) -> [String: Double] {
    guard let job = try ToolOutput.object(Output.self, in: console).jobs.first else { throw .unreadable }
    guard job.error == 0 else { throw .failed("error \(job.error)") }
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
