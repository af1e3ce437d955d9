import Measurement

/// sysbench as a workload: its tests of processor and memory, and the text that it prints (sysbench 1.0, which has no warm-up
/// and no JSON).
enum SysbenchTool: LinuxTool {
  static let schema = KernelSchema(
    name: "sysbench", uses: [],
    parameters: [
      ParameterSchema(name: "test", kind: .word(["cpu", "memory"]), isRequired: true),
      ParameterSchema(
        name: "primes", kind: .count(3...1_000_000), isRequired: false, neededBy: (name: "test", value: "cpu")),
      ParameterSchema(
        name: "operation", kind: .word(["read", "write"]), isRequired: false,
        neededBy: (name: "test", value: "memory")),
      ParameterSchema(
        name: "access", kind: .word(["random", "sequential"]), isRequired: false,
        neededBy: (name: "test", value: "memory")),
      ParameterSchema(
        name: "block", kind: .size(1024...(64 << 20), multipleOf: 1024), isRequired: false,
        neededBy: (name: "test", value: "memory")),
    ], guest: .linux)

  static func arguments(_ cell: PlannedCell) -> [String] {
    let workload = cell.workload
    let isMemory = workload.parameter("test") == "memory"
    let own =
      isMemory
      ? [
        "--memory-block-size=\(workload.parameter("block") ?? "1024")", "--memory-total-size=1000T",
        "--memory-oper=\(workload.parameter("operation") ?? "write")",
        "--memory-access-mode=\(workload.parameter("access") == "random" ? "rnd" : "seq")",
      ] : ["--cpu-max-prime=\(workload.parameter("primes") ?? "10000")"]
    return ["sysbench", isMemory ? "memory" : "cpu"] + own
      + ["--threads=1", "--time=\(cell.toolSeconds)", "--histogram", "run"]
  }

  /// The figures of a test: events per second, their latency, and bytes where it moves any.
  static func metrics(_ console: String) throws(ToolOutputError) -> [String: Double] {
    let lines = console.split(separator: "\n")
    if let fatal = lines.first(where: { $0.hasPrefix("FATAL: ") }) { throw .failed(String(fatal.dropFirst(7))) }
    guard lines.contains(where: { $0.hasPrefix("General statistics:") }) else { throw .missing }
    guard let events = number(behind: "total number of events:", in: lines).flatMap({ UInt64(exactly: $0) }),
      let milliseconds = number(behind: "sum:", in: lines), events > 0
    else { throw .unreadable }
    var metrics = try throughput(lines)
    // Its mean has two digits behind the point of a millisecond; the sum has more to say.
    if milliseconds > 0 { metrics["latency.mean"] = milliseconds / 1e3 / Double(events) }
    let buckets = try histogram(lines, events: events)
    for (id, quantile) in [("latency.p50", 0.5), ("latency.p99", 0.99)] {
      metrics[id] = percentile(quantile, of: buckets)
    }
    return metrics
  }

  private static func throughput(_ lines: [Substring]) throws(ToolOutputError) -> [String: Double] {
    if let rate = number(behind: "events per second:", in: lines) { return ["throughput.ops": rate] }
    guard let rate = number(between: "(", and: " per second)", in: lines),
      let mebibytes = number(between: "(", and: " MiB/sec)", in: lines)
    else { throw .unreadable }
    return ["throughput.ops": rate, "throughput.bytes": mebibytes * 1_048_576]
  }

  private static func number(behind label: String, in lines: [Substring]) -> Double? {
    for line in lines {
      let text = line.drop { $0 == " " }
      if text.hasPrefix(label) { return finite(text.dropFirst(label.count).drop { $0 == " " }) }
    }
    return nil
  }

  private static func number(between start: Character, and end: String, in lines: [Substring]) -> Double? {
    guard let line = lines.first(where: { $0.hasSuffix(end) }), let place = line.lastIndex(of: start) else {
      return nil
    }
    return finite(line[line.index(after: place)...].dropLast(end.count).drop { $0 == " " })
  }

  private static func finite(_ text: Substring) -> Double? {
    Double(text).flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
  }

  /// How many events took as long as so many milliseconds: lines `0.546 |***** 34`, in order, which account for all events.
  private static func histogram(
    _ lines: [Substring], events: UInt64
  ) throws(ToolOutputError) -> [(milliseconds: Double, count: UInt64)] {
    guard let header = lines.firstIndex(where: { $0.hasPrefix("Latency histogram") }) else { throw .unreadable }
    var buckets: [(milliseconds: Double, count: UInt64)] = []
    var unaccounted = events
    for line in lines[(header + 1)...].dropFirst() {
      let halves = line.split(separator: "|", maxSplits: 1)
      guard halves.count == 2 else { break }
      guard let milliseconds = finite(halves[0].drop { $0 == " " }.prefix { $0 != " " }),
        let count = halves[1].split(separator: " ").last.flatMap({ UInt64($0) }), count <= unaccounted
      else { throw .unreadable }
      unaccounted -= count
      buckets.append((milliseconds, count))
    }
    guard unaccounted == 0 else { throw .unreadable }
    return buckets
  }

  /// Seconds that no more than this part of the events took longer than; nil where they are too few (methodology, section 2), or
  /// it lies in the first bucket, which has everything below a microsecond as well.
  private static func percentile(
    _ quantile: Double, of buckets: [(milliseconds: Double, count: UInt64)]
  ) -> Double? {
    let total = buckets.reduce(into: UInt64(0)) { $0 += $1.count }
    guard total >= UInt64(Histogram.samplesNeeded(forQuantile: quantile)) else { return nil }
    var seen: UInt64 = 0
    let bucket = buckets.first {
      seen += $0.count
      return Double(seen) >= quantile * Double(total)
    }
    return bucket.flatMap { $0.milliseconds > 0.001 ? $0.milliseconds / 1e3 : nil }
  }
}
