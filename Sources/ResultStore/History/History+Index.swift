import Foundation
import GRDB
import Measurement

extension History {
  /// Takes a run in, in place of what it knew of it before. All of it is there when this returns, or nothing where it throws.
  ///
  /// - Throws: `.notRepresentable` for a time that is none, and for metrics that `run` does not describe.
  public func index(_ run: IndexedRun) throws(HistoryError) {
    let started = try run.startedSeconds()
    try write { db in
      try Self.remove(run.id, from: db)
      let number = try Self.insert(run, started: started, into: db)
      // Once a run, not once a cell: most of the time would go into it.
      let metrics = try run.metrics.reduce(into: [:]) {
        $0[$1.id] = String(decoding: try Self.encoder.encode($1), as: UTF8.self)
      }
      for cell in run.cells where !cell.observations.isEmpty {
        let place = try Self.row(
          db,
          find: "SELECT id FROM cell WHERE fingerprint = ? AND suite = ? AND workload = ? AND mode = ? AND choices = ?",
          insert: "INSERT INTO cell (fingerprint, suite, workload, mode, choices) VALUES (?, ?, ?, ?, ?)",
          [run.fingerprint, cell.key.suite, cell.key.workload, cell.key.mode, Self.text(of: cell.choices)])
        let names = cell.observations.keys.sorted()
        let observations = names.compactMap { cell.observations[$0] }
        try db.cachedStatement(sql: "INSERT INTO sample (run, cell, layout, observations) VALUES (?, ?, ?, ?)").execute(
          arguments: [number, place, Samples.layout(names, observations), Samples.bytes(observations)])
        for (name, values) in zip(names, observations) {
          guard let description = metrics[name] else {
            throw HistoryError.notRepresentable("run \(run.id) observed \(name), and does not say what that is")
          }
          let series = try Self.series(of: name, description, in: place, db)
          try db.cachedStatement(sql: "INSERT INTO point (series, started, run, median) VALUES (?, ?, ?, ?)")
            .execute(arguments: [series, started, number, values.median])
        }
      }
    }
  }

  /// Forgets runs; their folders stay.
  public func remove(_ names: [String]) throws(HistoryError) {
    try write { db in for name in names { try Self.remove(name, from: db) } }
  }

  /// Writes a remark beside a run.
  ///
  /// - Throws: `.unknownRun`.
  public func annotate(_ name: String, _ note: String) throws(HistoryError) {
    try write { db in
      guard let run = try Int64.fetchOne(db, sql: "SELECT id FROM run WHERE name = ?", arguments: [name]) else {
        throw HistoryError.unknownRun(name)
      }
      try db.execute(sql: "INSERT INTO note (run, content) VALUES (?, ?)", arguments: [run, note])
    }
  }

  // MARK: Rows

  private static func remove(_ name: String, from db: Database) throws {
    guard let run = try Int64.fetchOne(db, sql: "SELECT id FROM run WHERE name = ?", arguments: [name]) else { return }
    // By series, for that is how points are ordered: no index by run doubles the size of the table.
    try db.execute(
      sql: """
        DELETE FROM point WHERE (series, started, run) IN (
          SELECT series.id, run.started, run.id FROM run JOIN sample ON sample.run = run.id
          JOIN series ON series.cell = sample.cell WHERE run.id = ?)
        """, arguments: [run])
    try db.execute(sql: "DELETE FROM run WHERE id = ?", arguments: [run])
  }

  private static func insert(_ run: IndexedRun, started: Double, into db: Database) throws -> Int64 {
    let configuration = try row(
      db, find: "SELECT id FROM configuration WHERE content = ?",
      insert: "INSERT INTO configuration (content) VALUES (?)",
      [String(decoding: try encoder.encode(run.configuration), as: UTF8.self)])
    try db.execute(
      sql: """
        INSERT INTO run (name, started, began, status, version, fingerprint, configuration) VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [
        run.id, started, run.started, run.status.rawValue, run.version, run.fingerprint, configuration,
      ])
    let number = db.lastInsertedRowID
    for note in run.notes {
      try db.execute(sql: "INSERT INTO note (run, content) VALUES (?, ?)", arguments: [number, note])
    }
    return number
  }

  /// The series of a metric; what the metric's row says now stands for all of its nights.
  private static func series(
    of metric: String, _ description: String, in cell: Int64, _ db: Database
  ) throws -> Int64 {
    let known = try Row.fetchOne(
      try db.cachedStatement(sql: "SELECT id, description FROM series WHERE cell = ? AND metric = ?"),
      arguments: [cell, metric])
    guard let known else {
      try db.cachedStatement(sql: "INSERT INTO series (cell, metric, description) VALUES (?, ?, ?)")
        .execute(arguments: [cell, metric, description])
      return db.lastInsertedRowID
    }
    let series: Int64 = known[0]
    if known[1] != description {
      try db.execute(sql: "UPDATE series SET description = ? WHERE id = ?", arguments: [description, series])
    }
    return series
  }

  private static func row(
    _ db: Database, find: String, insert: String, _ values: [String]
  ) throws -> Int64 {
    let arguments = StatementArguments(values)
    if let id = try Int64.fetchOne(try db.cachedStatement(sql: find), arguments: arguments) { return id }
    try db.cachedStatement(sql: insert).execute(arguments: arguments)
    return db.lastInsertedRowID
  }

  /// `disk=ide-pio,net=none`: equal choices are equal text.
  static func text(of choices: [String: String]) -> String {
    choices.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
  }

  /// Equal values are equal bytes.
  static var encoder: JSONEncoder {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return encoder
  }
}
