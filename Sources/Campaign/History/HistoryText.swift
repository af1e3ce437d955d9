import Foundation
import Measurement
import ResultStore

/// The history in words and tables.
public enum HistoryText {
  /// Runs with their remarks, a line each.
  public static func runs(_ runs: [HistoryRun]) -> String {
    var table = TextTable(columns: ["RUN", "STARTED", "STATUS", "PVBENCH", "CELLS", "NOTES"], rightAligned: [4])
    for run in runs {
      table.add([run.id, run.started, run.status, run.version, "\(run.cells)", run.notes.joined(separator: "; ")])
    }
    return table.text
  }

  /// Changes, a line each, and below it what was different about the host that night.
  public static func changes(_ changes: [SeriesChange]) -> String {
    var table = TextTable(
      columns: ["NIGHT", "WORKLOAD", "MODE", "METRIC", "BEFORE", "AFTER", "CHANGE", "P", ""], rightAligned: [4, 5, 6])
    for change in changes {
      table.add(
        [change.night.began, change.series.cell.workload, change.series.cell.mode, change.series.metric.id]
          + values(change) + [change.isImprovement ? "better" : "worse"])
    }
    let nights = changes.reduce(into: [(night: Night, lines: [String])]()) { nights, change in
      guard !change.configuration.isEmpty, nights.last?.night.run != change.night.run else { return }
      nights.append((change.night, change.configuration))
    }
    return table.text
      + nights.map { "\n\($0.night.run):\n" + $0.lines.map { "  \($0)\n" }.joined() }.joined()
  }

  /// Before, after, by how much, and p.
  static func values(_ change: SeriesChange) -> [String] {
    let (metric, point) = (change.series.metric, change.point)
    return [
      ResultTable.quantity(point.before, unit: metric.unit), ResultTable.quantity(point.after, unit: metric.unit),
      point.before == 0 ? "" : String(format: "%+.1f %%", 100 * (point.after / point.before - 1)),
      point.p < 0.0001 ? "< 0.0001" : String(format: "%.4f", point.p),
    ]
  }
}
