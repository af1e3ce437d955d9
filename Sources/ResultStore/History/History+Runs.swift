import Foundation
import GRDB
import Measurement

/// A run as `history list` shows it.
public struct HistoryRun: Codable, Sendable, Equatable {
  /// Its id.
  public var id: String
  /// When it began, RFC 3339.
  public var started: String
  /// How it ended.
  public var status: String
  /// pvbench's version.
  public var version: String
  /// The host's.
  public var fingerprint: String
  /// Cells with observations.
  public var cells: Int
  /// Remarks, oldest first.
  public var notes: [String]
}

extension History {
  /// Every run, the oldest first.
  public func runs() throws(HistoryError) -> [HistoryRun] {
    let notes = try notes()
    return try read { db in
      try Row.fetchAll(
        db,
        sql: """
          SELECT name, began, status, version, fingerprint, (SELECT count(*) FROM sample WHERE run = run.id) AS cells
          FROM run ORDER BY started, id
          """
      ).map { row in
        HistoryRun(
          id: row["name"], started: row["began"], status: row["status"], version: row["version"],
          fingerprint: row["fingerprint"], cells: row["cells"], notes: notes[row["name"]] ?? [])
      }
    }
  }

  /// All that the history keeps of a run.
  ///
  /// - Throws: `.unknownRun`; `.damaged` where its observations cannot be read.
  public func run(_ name: String) throws(HistoryError) -> IndexedRun {
    try read { db in
      guard
        let row = try Row.fetchOne(
          db,
          sql: "SELECT run.*, content FROM run JOIN configuration ON configuration.id = configuration WHERE name = ?",
          arguments: [name])
      else { throw HistoryError.unknownRun(name) }
      let id: Int64 = row["id"]
      let (status, content): (String, String) = (row["status"], row["content"])
      guard let status = RunStatus(rawValue: status) else {
        throw HistoryError.damaged(path: path, detail: "run \(name) has the status '\(status)'")
      }
      return IndexedRun(
        id: name, started: row["began"], status: status, version: row["version"], fingerprint: row["fingerprint"],
        configuration: try JSONDecoder().decode([String: JSONValue].self, from: Data(content.utf8)),
        cells: try cells(of: id, db), metrics: try Self.metrics(of: id, db),
        notes: try String.fetchAll(db, sql: "SELECT content FROM note WHERE run = ? ORDER BY id", arguments: [id]))
    }
  }

  private func cells(of run: Int64, _ db: Database) throws -> [IndexedRun.Cell] {
    try Row.fetchAll(
      db,
      sql: """
        SELECT sample.id, suite, workload, mode, choices, layout, observations
        FROM sample JOIN cell ON cell.id = sample.cell WHERE run = ? ORDER BY sample.id
        """, arguments: [run]
    ).map { row in
      guard let observations = Samples.observations(row["layout"], row["observations"]) else {
        throw HistoryError.damaged(path: path, detail: "sample \(row["id"] as Int64) is not what its layout says")
      }
      let choices: String = row["choices"]
      return IndexedRun.Cell(
        key: CellKey(suite: row["suite"], workload: row["workload"], mode: row["mode"]),
        choices: choices.split(separator: ",").reduce(into: [:]) { result, choice in
          let parts = choice.split(separator: "=", maxSplits: 1).map(String.init)
          result[parts[0]] = parts.last
        }, observations: observations)
    }
  }

  private static func metrics(of run: Int64, _ db: Database) throws -> [Metric] {
    let rows = try String.fetchAll(
      db,
      sql: """
        SELECT DISTINCT description FROM sample JOIN series ON series.cell = sample.cell WHERE run = ? ORDER BY metric
        """, arguments: [run])
    return try rows.map { try JSONDecoder().decode(Metric.self, from: Data($0.utf8)) }
  }
}
