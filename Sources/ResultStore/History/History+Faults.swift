import Foundation
import GRDB

extension History {
  /// What is wrong with the database, a line each; empty where all is well. Reads all of it.
  public func faults() throws(HistoryError) -> [String] {
    try read { db in
      let integrity = try String.fetchAll(db, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
      let references = try Row.fetchAll(db, sql: "PRAGMA foreign_key_check").map { row in
        "a row of table \(row[0] as String) refers to a row of \(row[2] as String) that is not there"
      }
      return integrity + references + (try Self.unlikeSamples(db)) + (try Self.withoutSamples(db))
    }
  }

  /// Runs whose observations cannot be read, or are not the nights of their series.
  private static func unlikeSamples(_ db: Database) throws -> [String] {
    var faults: [String] = []
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT run.name, sample.layout, sample.observations, sample.cell, run.started, run.id
        FROM sample JOIN run ON run.id = sample.run ORDER BY sample.id
        """)
    let points = try db.cachedStatement(
      sql: """
        SELECT series.metric, point.median FROM series JOIN point ON point.series = series.id
        WHERE series.cell = ? AND point.started = ? AND point.run = ?
        """)
    while let row = try rows.next() {
      let name: String = row[0]
      guard let observations = Samples.observations(row[1], row[2]) else {
        faults.append("run \(name) has observations that are not what their layout says")
        continue
      }
      let (cell, started, run): (Int64, Double, Int64) = (row[3], row[4], row[5])
      let nights = try Row.fetchAll(points, arguments: [cell, started, run]).reduce(into: [String: Double]()) {
        $0[$1[0]] = $1[1]
      }
      if nights != observations.mapValues(\.median) {
        faults.append("run \(name) has nights that are not the medians of its observations")
      }
    }
    return faults
  }

  /// Runs with nights of cells in which they observed nothing.
  private static func withoutSamples(_ db: Database) throws -> [String] {
    try String.fetchAll(
      db,
      sql: """
        SELECT DISTINCT run.name FROM point JOIN run ON run.id = point.run JOIN series ON series.id = point.series
        WHERE NOT EXISTS (SELECT 1 FROM sample WHERE sample.run = point.run AND sample.cell = series.cell)
        """
    ).map { "run \($0) has nights without observations" }
  }
}
