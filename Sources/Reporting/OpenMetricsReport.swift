import Foundation
import Measurement

/// `pvbench.prom`: the run's medians, intervals and ratios for the textfile collector of Prometheus' node exporter, in the text
/// form that both it and OpenMetrics 1.0 know (all families are gauges, and the last line is `# EOF`).
///
/// A metric is a family of its own, `pvbench_<metric>_<unit>`, with its cell and what it estimates (`median`, `ci_low`,
/// `ci_high`) as labels. What was not measured has no sample: missing is not zero.
public enum OpenMetricsReport {
  /// The file's bytes.
  public static func render(_ run: RunRecord) -> [UInt8] {
    let metrics = MetricTable(run)
    let cells = run.cells.map(CellSummary.init)
    var families = [runInfo(run), finished(run), repetitions(cells)].compactMap { $0 }
    for id in metrics.ordered(Set(cells.flatMap(\.metrics))) {
      families.append(family(id, metrics[id], cells))
    }
    families += [ratios(run), verdicts(run)]
    let text = families.filter { !$0.samples.isEmpty }.map(\.text).joined()
    return Array((text + "# EOF\n").utf8)
  }

  private struct Family {
    let name: String
    var unit: String?
    let help: String
    var samples: [(labels: [(String, String)], value: Double)] = []

    var text: String {
      var text = "# TYPE \(name) gauge\n"
      if let unit { text += "# UNIT \(name) \(unit)\n" }
      text += "# HELP \(name) \(OpenMetricsReport.escaped(help))\n"
      for sample in samples {
        let labels = sample.labels.map { "\($0.0)=\"\(OpenMetricsReport.escaped($0.1))\"" }.joined(separator: ",")
        text += "\(name){\(labels)} \(sample.value)\n"
      }
      return text
    }
  }

  private static func runInfo(_ run: RunRecord) -> Family {
    let vendor = run.host.kvm["vendor"].map(HostFacts.text) ?? "unknown"
    return Family(
      name: "pvbench_run_info", help: "The run that these figures are of",
      samples: [
        (
          [
            ("run", run.id), ("status", run.status.rawValue), ("version", run.version),
            ("fingerprint", run.host.fingerprint), ("kernel", run.host.kernel), ("kvm", vendor),
          ], 1
        )
      ])
  }

  /// Nil where the run did not finish.
  private static func finished(_ run: RunRecord) -> Family? {
    guard let text = run.finished, let date = try? Date(text, strategy: .iso8601) else { return nil }
    return Family(
      name: "pvbench_run_finished_timestamp_seconds", unit: "seconds", help: "When the run ended, since 1970 in UTC",
      samples: [([], date.timeIntervalSince1970)])
  }

  private static func repetitions(_ cells: [CellSummary]) -> Family {
    var family = Family(name: "pvbench_repetitions", help: "Guest boots of each cell by how they ended")
    for cell in cells {
      let counts = Dictionary(grouping: cell.cell.repetitions, by: \.status.rawValue).mapValues(\.count)
      for (status, count) in counts.sorted(by: { $0.key < $1.key }) {
        family.samples.append((labels(cell.cell) + [("status", status)], Double(count)))
      }
    }
    return family
  }

  private static func family(_ id: String, _ metric: Metric?, _ cells: [CellSummary]) -> Family {
    let (name, unit) = name(of: id, unit: metric?.unit ?? "")
    var family = Family(name: name, unit: unit, help: metric?.label ?? id)
    for cell in cells {
      let side = cell.side(id)
      for (estimate, value) in [("median", side.median), ("ci_low", side.low), ("ci_high", side.high)] {
        guard let value else { continue }
        family.samples.append((labels(cell.cell) + [("estimate", estimate)], value))
      }
    }
    return family
  }

  private static func ratios(_ run: RunRecord) -> Family {
    var family = Family(
      name: "pvbench_ratio", help: "Second mode over the first, Hodges-Lehmann estimate with its 95 % interval")
    for pair in run.comparisons {
      for (estimate, value) in [("ratio", pair.ratio), ("ci_low", pair.ratioLow), ("ci_high", pair.ratioHigh)] {
        guard let value else { continue }
        family.samples.append((labels(pair) + [("estimate", estimate)], value))
      }
    }
    return family
  }

  private static func verdicts(_ run: RunRecord) -> Family {
    Family(
      name: "pvbench_verdict", help: "1 for what the comparison says",
      samples: run.comparisons.map { (labels($0) + [("verdict", $0.verdict.rawValue)], 1) })
  }

  private static func labels(_ cell: CellRecord) -> [(String, String)] {
    [("suite", cell.suite), ("workload", cell.workload), ("mode", cell.mode)]
  }

  private static func labels(_ pair: ComparisonRecord) -> [(String, String)] {
    [("suite", pair.suite), ("workload", pair.workload), ("modes", pair.mode), ("metric", pair.metric)]
  }

  /// `latency.p99.9` in seconds is `pvbench_latency_p99_9_seconds`. A `_total` at the end is left out: it means a counter.
  static func name(of id: String, unit: String) -> (name: String, unit: String?) {
    var name = "pvbench_"
    for scalar in id.unicodeScalars {
      let isPlain = ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
      name.unicodeScalars.append(isPlain ? scalar : "_")
    }
    if name.hasSuffix("_total") { name.removeLast("_total".count) }
    let words: String? =
      switch unit {
      case "s": "seconds"
      case "B": "bytes"
      case "1/s": "per_second"
      case "B/s": "bytes_per_second"
      default: nil
      }
    guard let words else { return (name, nil) }
    for redundant in ["_" + words, "_bytes"] where name.hasSuffix(redundant) { name.removeLast(redundant.count) }
    return ("\(name)_\(words)", words)
  }

  /// Of a label's value and of help, which are escaped alike but for the quote (OpenMetrics 1.0, section 4.1).
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in TemplateContext.separable(text).unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}
