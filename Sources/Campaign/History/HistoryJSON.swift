import Foundation
import Measurement
import ResultStore

/// The machine forms of what `pvbench history` prints, schema 1.
public enum HistoryJSON {
  /// `{"schema": 1, "runs": […]}`.
  public static func runs(_ runs: [HistoryRun]) throws -> String { try text(Runs(runs: runs)) }

  /// `{"schema": 1, "changes": […]}`.
  public static func changes(_ changes: [SeriesChange]) throws -> String {
    try text(Changes(changes: changes.map(Change.init)))
  }

  /// `{"schema": 1, "series": […]}`, each with its nights, changes and remarks.
  public static func series(_ drawings: [SeriesDrawing]) throws -> String {
    try text(
      Drawings(
        series: drawings.map { drawing in
          Drawing(
            series: Name(drawing.series),
            nights: drawing.nights.map { Point(run: $0.run, started: $0.began, value: $0.value) },
            changes: drawing.changes.map(Change.init), remarks: drawing.remarks.map(Remark.init))
        }))
  }

  static func text(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return String(decoding: try encoder.encode(value), as: UTF8.self) + "\n"
  }

  private struct Runs: Encodable {
    let schema = 1
    let runs: [HistoryRun]
  }

  private struct Changes: Encodable {
    let schema = 1
    let changes: [Change]
  }

  private struct Drawings: Encodable {
    let schema = 1
    let series: [Drawing]
  }

  private struct Drawing: Encodable {
    let series: Name
    let nights: [Point]
    let changes: [Change]
    let remarks: [Remark]
  }

  private struct Remark: Encodable {
    let run: String
    let started: String
    let configuration: [String]
    let notes: [String]

    init(_ remark: NightRemark) {
      (run, started) = (remark.night.run, remark.night.began)
      (configuration, notes) = (remark.configuration, remark.notes)
    }
  }

  private struct Point: Encodable {
    let run: String
    let started: String
    let value: Double
  }

  struct Name: Encodable {
    let fingerprint: String
    let suite: String
    let workload: String
    let mode: String
    let choices: String
    let metric: String
    let unit: String
    let better: Polarity

    init(_ series: Series) {
      (fingerprint, choices) = (series.fingerprint, series.choices)
      (suite, workload, mode) = (series.cell.suite, series.cell.workload, series.cell.mode)
      (metric, unit, better) = (series.metric.id, series.metric.unit, series.metric.better)
    }
  }

  struct Change: Encodable {
    let series: Name
    let run: String
    let started: String
    let age: Int
    let before: Double
    let after: Double
    let p: Double
    let verdict: Verdict
    let configuration: [String]

    init(_ change: SeriesChange) {
      series = Name(change.series)
      (run, started, age) = (change.night.run, change.night.began, change.age)
      (before, after, p) = (change.point.before, change.point.after, change.point.p)
      verdict = change.isImprovement ? .improved : .regressed
      configuration = change.configuration
    }
  }
}
