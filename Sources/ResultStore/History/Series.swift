import Foundation
import GRDB
import Measurement

/// What is compared from night to night: a metric of a workload in a mode, made of the same choices, on one host (methodology,
/// section 5).
public struct Series: Sendable, Equatable {
  /// Its row.
  let id: Int64
  /// Its cell's row.
  let place: Int64
  /// The host's.
  public var fingerprint: String
  /// Suite, workload and mode.
  public var cell: CellKey
  /// What the mode was made of: `disk=ide-pio,net=none`.
  public var choices: String
  /// Unit, direction and floor, as the last run had them.
  public var metric: Metric

  fileprivate init?(_ row: Row) {
    let description: String = row["description"]
    guard let metric = try? JSONDecoder().decode(Metric.self, from: Data(description.utf8)) else { return nil }
    id = row["id"]
    place = row["cell"]
    fingerprint = row["fingerprint"]
    cell = CellKey(suite: row["suite"], workload: row["workload"], mode: row["mode"])
    choices = row["choices"]
    self.metric = metric
  }
}

/// One run of a series.
public struct Night: Sendable, Equatable {
  /// The run's id.
  public var run: String
  /// When it began, RFC 3339.
  public var began: String
  /// Seconds since 1970.
  public var started: Double
  /// The median, in the metric's unit.
  public var value: Double
  /// Nights on which it is the same had the same host configuration, and the same version of pvbench.
  public var state: String
}

extension History {
  /// Series in the order of their names; nil takes any.
  public func series(
    metric: String? = nil, workload: String? = nil, mode: String? = nil, fingerprint: String? = nil
  ) throws(HistoryError) -> [Series] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT series.id, series.cell, series.description, cell.* FROM series JOIN cell ON cell.id = series.cell
          WHERE (?1 IS NULL OR series.metric = ?1) AND (?2 IS NULL OR cell.workload = ?2)
            AND (?3 IS NULL OR cell.mode = ?3) AND (?4 IS NULL OR cell.fingerprint = ?4)
          ORDER BY cell.suite, cell.workload, cell.mode, series.metric, cell.fingerprint, cell.choices
          """, arguments: [metric, workload, mode, fingerprint]
      ).map(readSeries)
    }
  }

  /// Series whose newest night is this run.
  public func series(endingWith run: String) throws(HistoryError) -> [Series] {
    try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT series.id, series.cell, series.description, layout.content, cell.*
          FROM run JOIN sample ON sample.run = run.id JOIN layout ON layout.id = sample.layout
          JOIN cell ON cell.id = sample.cell JOIN series ON series.cell = cell.id
          WHERE run.name = ? AND run.id = (
            SELECT night.run FROM night WHERE night.cell = cell.id ORDER BY night.started DESC, night.run DESC LIMIT 1)
          ORDER BY cell.suite, cell.workload, cell.mode, series.metric
          """, arguments: [run]
      ).compactMap { row in
        let series = try readSeries(row)
        return Samples.columns(row["content"])?.contains { $0.name == series.metric.id } == true ? series : nil
      }
    }
  }

  private func readSeries(_ row: Row) throws -> Series {
    guard let series = Series(row) else {
      throw HistoryError.damaged(path: path, detail: "series \(row["id"] as Int64) has no readable metric")
    }
    return series
  }

  /// Its nights, the oldest first. A night that was missed is not there.
  public func nights(of series: Series) throws(HistoryError) -> [Night] {
    let values = try read { db in try CellNights(of: series.place, db).values(of: series.metric.id) }
    var nights: [Night] = []
    for (run, value) in zip(values.runs, values.medians) {
      if let night = try night(run, value: value) { nights.append(night) }
    }
    return nights
  }

  /// The night of a run whose median is `value`; nil where it was taken out.
  public func night(_ run: RunNumber, value: Double) throws(HistoryError) -> Night? {
    try read { db in
      try Row.fetchOne(
        try db.cachedStatement(
          sql: "SELECT name, began, started, configuration || ' ' || version FROM run WHERE id = ?"),
        arguments: [run.row]
      ).map { Night(run: $0[0], began: $0[1], started: $0[2], value: value, state: $0[3]) }
    }
  }

  /// Remarks by the id of their run, oldest first.
  public func notes() throws(HistoryError) -> [String: [String]] {
    try read { db in
      try Row.fetchAll(db, sql: "SELECT run.name, content FROM note JOIN run ON run.id = note.run ORDER BY note.id")
        .reduce(into: [:]) { $0[$1[0], default: []].append($1[1]) }
    }
  }

  /// The configuration of a run's host, and the version of pvbench.
  ///
  /// - Throws: `.unknownRun`.
  public func configuration(of run: String) throws(HistoryError) -> [String: JSONValue] {
    try read { db in
      guard
        let row = try Row.fetchOne(
          try db.cachedStatement(
            sql: """
              SELECT configuration.content, run.version FROM run JOIN configuration ON configuration.id = run.configuration
              WHERE run.name = ?
              """), arguments: [run])
      else { throw HistoryError.unknownRun(run) }
      let content: String = row[0]
      var facts = try JSONDecoder().decode([String: JSONValue].self, from: Data(content.utf8))
      facts["pvbench"] = .string(row[1])
      return facts
    }
  }
}
