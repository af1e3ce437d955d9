import Foundation
import Measurement
import Statistics

/// What a run found in its workloads' primary metrics, with ratios, their 95 % intervals and verdicts.
public struct ResultTable {
  /// The table, with a line below it for each reason why something is missing.
  public let text: String

  /// More modes than these do not fit beside each other on a terminal.
  private static let widestRow = 3

  /// The table of a run: a line each workload, or a line each cell where there are many modes.
  public init(_ run: RunRecord) {
    let modes = run.cells.reduce(into: [String]()) { if !$0.contains($1.mode) { $0.append($1.mode) } }
    let table = modes.count > Self.widestRow ? Self.lineEachCell(run) : Self.lineEachWorkload(run, modes)
    let remarks = run.cells.flatMap(Self.remarks) + Self.interpreters(run)
    text = table.text + remarks.map { $0 + "\n" }.joined()
  }

  /// Every mode's median side by side, then the ratio of one pair of modes.
  private static func lineEachWorkload(_ run: RunRecord, _ modes: [String]) -> TextTable {
    // One pair stands for the run: paravirtual over full emulation, or the only one there is.
    let pairs = Set(run.comparisons.map(\.mode))
    let pair = pairs.contains("full:paravirt") ? "full:paravirt" : pairs.min()
    var table = TextTable(
      columns: ["WORKLOAD"] + modes + ["RATIO", "95 % INTERVAL", "VERDICT"],
      rightAligned: Set(1...(modes.count + 1)))
    for workload in run.cells.reduce(into: [String](), { if $0.last != $1.workload { $0.append($1.workload) } }) {
      let cells = run.cells.filter { $0.workload == workload }
      let medians = modes.map { mode in cells.first { $0.mode == mode }.map(Self.median) ?? "" }
      let comparison = run.comparisons.first {
        $0.workload == workload && $0.mode == pair && $0.metric == cells.first?.primary
      }
      table.add([workload] + medians + Self.columns(comparison))
    }
    return table
  }

  /// Each cell with its ratio to the mode, and to the same mode under another runner, that it is compared with.
  private static func lineEachCell(_ run: RunRecord) -> TextTable {
    var table = TextTable(
      columns: ["WORKLOAD", "MODE", "MEDIAN", "OVER", "RATIO", "95 % INTERVAL", "VERDICT"], rightAligned: [2, 4])
    for cell in run.cells {
      let comparisons = run.comparisons.filter {
        $0.workload == cell.workload && $0.metric == cell.primary && $0.mode.hasSuffix(":" + cell.mode)
      }
      func add(_ comparison: ComparisonRecord?) {
        let base = comparison.map { String($0.mode.dropLast(cell.mode.count + 1)) } ?? ""
        table.add([cell.workload, cell.mode, Self.median(cell), base] + Self.columns(comparison))
      }
      if comparisons.isEmpty { add(nil) } else { comparisons.forEach(add) }
    }
    return table
  }

  private static func median(_ cell: CellRecord) -> String {
    let values = cell.repetitions.filter { $0.status == .ok }.compactMap { $0.metrics[cell.primary] }
    guard let median = OrderStatistics.median(values) else { return cell.repetitions.first?.status.rawValue ?? "–" }
    return quantity(median, unit: MetricCatalog.metric(cell.primary)?.unit ?? "1")
  }

  static func columns(_ comparison: ComparisonRecord?) -> [String] {
    guard let comparison else { return ["", "", ""] }
    let ratio = comparison.ratio.map { number($0) + "×" } ?? "–"
    let interval = [comparison.ratioLow, comparison.ratioHigh].compactMap { $0.map(number) }.joined(separator: "–")
    let verdict = comparison.verdict.rawValue.replacingOccurrences(of: "_", with: " ")
    return [ratio, interval.isEmpty ? "" : "[\(interval)]", verdict]
  }

  /// Runners whose figures say nothing of the host's processor.
  private static func interpreters(_ run: RunRecord) -> [String] {
    Set(run.cells.compactMap(\.runner)).filter { !ModeLabel.measuresHardware($0) }.sorted()
      .map { "  \($0): an interpreter ran these guests; no measurement of hardware" }
  }

  /// Why repetitions of a cell are not ok, a line each cause. How many are invalid is part of the finding; the others' number is
  /// that of the cell.
  private static func remarks(_ cell: CellRecord) -> [String] {
    MissingRepetitions.groups(of: cell.repetitions).map { missing in
      let share = missing.status == .invalid ? " (\(missing.count) of \(cell.repetitions.count))" : ""
      return "  \(cell.workload) \(cell.mode): \(missing.status.rawValue)\(share): \(missing.reason)"
    }
  }

  static func quantity(_ value: Double?, unit: String) -> String {
    guard let value else { return "–" }
    let scale = scale(of: value, unit: unit)
    // `38.3 k/s`: the 1 of a rate is no part of a text.
    return "\(number(value / scale.factor)) \(scale.prefix)\(unit.hasPrefix("1") ? String(unit.dropFirst()) : unit)"
  }

  /// The prefix in which a value of this unit is shown, and what it stands for.
  static func scale(of value: Double, unit: String) -> (factor: Double, prefix: String) {
    let prefixes: [(factor: Double, prefix: String)] =
      unit == "s" ? [(1, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n")] : [(1e9, "G"), (1e6, "M"), (1e3, "k"), (1, "")]
    return prefixes.first { abs(value) >= $0.factor } ?? (1, "")
  }

  /// Three significant digits.
  static func number(_ value: Double) -> String {
    abs(value) >= 999.5 ? String(format: "%.0f", value) : String(format: "%.3g", value)
  }
}
