import Foundation
import Measurement
import Statistics

/// A calibration for a terminal.
public struct CalibrationText {
  private let record: CalibrationRecord
  private let showsAll: Bool

  /// The text of `record`; `showsAll` also shows metrics that no gate looks at.
  public init(_ record: CalibrationRecord, showsAll: Bool = false) {
    self.record = record
    self.showsAll = showsAll
  }

  /// How often the gate is wrong, how often it finds what is there, and what it can see, ending with a line end.
  public var text: String {
    let primaries = record.cells.count
    return """
      \(record.runs) runs of \(record.repetitions) boots of \(primaries) workloads, from \(record.run)

      \(alarms.text)\(slowdown)
      Minimum detectable effect: the smallest change for the worse that the gate (\(percent(record.alpha)) after Holm over \
      \(primaries)) calls in 80 % of comparisons, by boots a run.
      Apart: how far the medians of two runs made one after the other were apart at most, in 99 % of comparisons: a floor \
      for --threshold.

      \(effects.text)
      """
  }

  private var alarms: TextTable {
    var table = TextTable(
      columns: ["NOTHING CHANGED BETWEEN", "RELATIVE FLOOR", "CALLED", "SHARE", "95 % INTERVAL"], rightAligned: [2, 3])
    for alarms in record.falseAlarms {
      let called = alarms.called
      table.add([
        CalibrationWords.order(alarms.order), alarms.floorRelative.map(percent) ?? "as in compare",
        "\(called.count) of \(called.comparisons)", called.value.map(percent) ?? "–", interval(called),
      ])
    }
    return table
  }

  private var slowdown: String {
    guard let trial = record.slowdown else { return "" }
    let found = trial.found
    return "\n\(trial.workload) slowed by \(percent(trial.slowdown)): found in \(found.count) of \(found.comparisons) "
      + "comparisons (\(found.value.map(percent) ?? "–") \(interval(found)))\n"
  }

  private var effects: TextTable {
    let sizes = CalibrationTrials.sizes
    var table = TextTable(
      columns: ["WORKLOAD", "MODE", "METRIC", "MEDIAN"] + sizes.map { "n = \($0)" } + ["APART"],
      rightAligned: Set(3...(4 + sizes.count)))
    for cell in record.cells {
      for metric in cell.metrics where showsAll || metric.metric == cell.primary {
        let unit = MetricCatalog.metric(metric.metric)?.unit ?? "1"
        table.add(
          [cell.key.workload, cell.key.mode, metric.metric, ResultTable.quantity(metric.median, unit: unit)]
            + sizes.map { metric.mde["\($0)"].map(percent) ?? "never" } + [metric.floorRelative.map(percent) ?? ""])
      }
    }
    return table
  }

  private func percent(_ value: Double) -> String { ResultTable.number(100 * value) + " %" }

  private func interval(_ share: ShareRecord) -> String {
    String(format: "[%.1f–%.1f]", 100 * share.low, 100 * share.high)
  }
}

extension CalibrationRecord {
  /// The document of `calibrate --json`, schema 1.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
