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

  /// Runs whose observations cannot be read, or whose nights are not their medians.
  private static func unlikeSamples(_ db: Database) throws -> [String] {
    var faults: [String] = []
    let rows = try Row.fetchCursor(
      db,
      sql: """
        SELECT run.name, layout.content, sample.observations, night.layout = sample.layout, night.medians
        FROM sample JOIN run ON run.id = sample.run JOIN layout ON layout.id = sample.layout
        LEFT JOIN night ON night.cell = sample.cell AND night.started = run.started AND night.run = run.id
        ORDER BY sample.id
        """)
    while let row = try rows.next() {
      let name: String = row[0]
      guard let layout = Samples.columns(row[1]), let observations = Samples.observations(row[1], row[2]) else {
        faults.append("run \(name) has observations that are not what their layout says")
        continue
      }
      let (isOfLayout, medians): (Bool?, Data?) = (row[3], row[4])
      if isOfLayout != true || medians != Samples.bytes(of: layout.compactMap { observations[$0.name]?.median }) {
        faults.append("run \(name) has a night that is not the medians of its observations")
      }
    }
    return faults
  }

  /// Runs with nights of cells in which they observed nothing.
  private static func withoutSamples(_ db: Database) throws -> [String] {
    try String.fetchAll(
      db,
      sql: """
        SELECT DISTINCT run.name FROM night JOIN run ON run.id = night.run
        WHERE NOT EXISTS (SELECT 1 FROM sample WHERE sample.run = night.run AND sample.cell = night.cell)
        """
    ).map { "run \($0) has nights without observations" }
  }
}
