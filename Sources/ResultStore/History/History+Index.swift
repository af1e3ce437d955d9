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
        try Self.describe(names, metrics, of: run.id, in: place, db)
        let observations = names.compactMap { cell.observations[$0] }
        let layout = try Self.row(
          db, find: "SELECT id FROM layout WHERE content = ?", insert: "INSERT INTO layout (content) VALUES (?)",
          [Samples.layout(names, observations)])
        try db.cachedStatement(sql: "INSERT INTO sample (run, cell, layout, observations) VALUES (?, ?, ?, ?)").execute(
          arguments: [number, place, layout, Samples.bytes(observations)])
        try db.cachedStatement(sql: "INSERT INTO night (cell, started, run, layout, medians) VALUES (?, ?, ?, ?, ?)")
          .execute(arguments: [place, started, number, layout, Samples.bytes(of: observations.map(\.median))])
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
    // By cell, for that is how nights are ordered: no index by run.
    try db.execute(
      sql: """
        DELETE FROM night WHERE (cell, started, run) IN (
          SELECT sample.cell, run.started, run.id FROM run JOIN sample ON sample.run = run.id WHERE run.id = ?)
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

  /// Makes the series of a cell that are new; what the metrics' rows say now stands for all of their nights.
  private static func describe(
    _ names: [String], _ metrics: [String: String], of run: String, in cell: Int64, _ db: Database
  ) throws {
    let rows = try Row.fetchAll(
      try db.cachedStatement(sql: "SELECT metric, description FROM series WHERE cell = ?"), arguments: [cell])
    let known = rows.reduce(into: [String: String]()) { $0[$1[0]] = $1[1] }
    for name in names {
      guard let description = metrics[name] else {
        throw HistoryError.notRepresentable("run \(run) observed \(name), and does not say what that is")
      }
      guard known[name] != description else { continue }
      try db.cachedStatement(
        sql: """
          INSERT INTO series (cell, metric, description) VALUES (?, ?, ?)
          ON CONFLICT (cell, metric) DO UPDATE SET description = excluded.description
          """
      ).execute(arguments: [cell, name, description])
    }
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
