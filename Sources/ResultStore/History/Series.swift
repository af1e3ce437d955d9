import Foundation
import GRDB
import Measurement

/// What is compared from night to night: a metric of a workload in a mode, made of the same choices, on one host (methodology,
/// section 5).
public struct Series: Sendable, Equatable {
  /// Its row.
  let id: Int64
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
          SELECT series.id, series.description, cell.* FROM series JOIN cell ON cell.id = series.cell
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
          SELECT series.id, series.description, cell.* FROM run JOIN sample ON sample.run = run.id
          JOIN cell ON cell.id = sample.cell JOIN series ON series.cell = cell.id
          WHERE run.name = ? AND run.id = (
            SELECT point.run FROM point WHERE point.series = series.id
            ORDER BY point.started DESC, point.run DESC LIMIT 1)
          ORDER BY cell.suite, cell.workload, cell.mode, series.metric
          """, arguments: [run]
      ).map(readSeries)
    }
  }

  private func readSeries(_ row: Row) throws -> Series {
    guard let series = Series(row) else {
      throw HistoryError.damaged(path: path, detail: "series \(row["id"] as Int64) has no readable metric")
    }
    return series
  }

  /// Its nights, the oldest first, or those at these places. A night that was missed is not there.
  public func nights(of series: Series, at places: Range<Int> = 0..<Int.max) throws(HistoryError) -> [Night] {
    try nights(of: series, "ORDER BY point.started, point.run", places)
  }

  /// Its newest nights, the oldest first.
  public func nights(of series: Series, last count: Int) throws(HistoryError) -> [Night] {
    try nights(of: series, "ORDER BY point.started DESC, point.run DESC", 0..<count).reversed()
  }

  private func nights(of series: Series, _ order: String, _ places: Range<Int>) throws(HistoryError) -> [Night] {
    try read { db in
      try Row.fetchAll(
        try db.cachedStatement(
          sql: """
            SELECT run.name, run.began, point.started, point.median, run.configuration || ' ' || run.version
            FROM point JOIN run ON run.id = point.run WHERE point.series = ? \(order) LIMIT ? OFFSET ?
            """), arguments: [series.id, places.count, places.lowerBound]
      ).map { Night(run: $0[0], began: $0[1], started: $0[2], value: $0[3], state: $0[4]) }
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

/// How far the search for change points has come in a series (`Statistics.ChangePoints.Progress`), so that one more night costs
/// one window and not all of them.
public struct SeriesProgress: Sendable, Equatable {
  /// Where the first window begins that was not full.
  public var next: Int
  /// Splits of the windows before it, ascending.
  public var candidates: [Int]

  /// Progress; see the properties.
  public init(next: Int, candidates: [Int]) {
    self.next = next
    self.candidates = candidates
  }
}

extension History {
  /// Series that are read, and whose progress is written, in one transaction: few enough not to keep others waiting.
  private static let chunk = 100

  /// Hands each series with its values, the oldest first, and what was known of it to `body`; keeps what `body` knows then,
  /// unless nothing can be written (it is only time that is lost). At no time are more values in memory than those of one
  /// series.
  ///
  /// - Returns: what `body` found, in the order of `series`.
  public func scan<Found>(
    _ series: [Series],
    _ body: (Series, _ values: [Double], SeriesProgress?) -> (found: Found, progress: SeriesProgress)
  ) throws(HistoryError) -> [Found] {
    var found: [Found] = []
    var keeps = isWritable
    for start in stride(from: 0, to: series.count, by: Self.chunk) {
      let chunk = series[start..<min(start + Self.chunk, series.count)]
      if keeps {
        do throws(HistoryError) {
          found += try write { db in try chunk.map { try Self.look(at: $0, keeping: true, db, body) } }
          continue
        } catch {
          // A full disk, or somebody's long transaction.
          keeps = false
        }
      }
      found += try read { db in try chunk.map { try Self.look(at: $0, keeping: false, db, body) } }
    }
    return found
  }

  private static func look<Found>(
    at series: Series, keeping: Bool, _ db: Database,
    _ body: (Series, _ values: [Double], SeriesProgress?) -> (found: Found, progress: SeriesProgress)
  ) throws -> Found {
    let (values, last, known) = try state(of: series, db)
    let (found, progress) = body(series, values, known)
    if keeping, let last, progress != known { try keep(progress, last: last, of: series, db) }
    return found
  }

  private static func state(of series: Series, _ db: Database) throws -> ([Double], Double?, SeriesProgress?) {
    let values = try Double.fetchAll(
      try db.cachedStatement(sql: "SELECT median FROM point WHERE series = ? ORDER BY started, run"),
      arguments: [series.id])
    let last = try Double.fetchOne(
      try db.cachedStatement(sql: "SELECT started FROM point WHERE series = ? ORDER BY started DESC LIMIT 1"),
      arguments: [series.id])
    let row = try Row.fetchOne(
      try db.cachedStatement(sql: "SELECT next, candidates FROM progress WHERE series = ?"), arguments: [series.id])
    let known = try row.map { row in
      SeriesProgress(next: row[0], candidates: try JSONDecoder().decode([Int].self, from: row[1]))
    }
    return (values, last, known)
  }

  private static func keep(_ progress: SeriesProgress, last: Double, of series: Series, _ db: Database) throws {
    try db.cachedStatement(
      sql: "INSERT OR REPLACE INTO progress (series, last, next, candidates) VALUES (?, ?, ?, ?)"
    ).execute(arguments: [series.id, last, progress.next, try encoder.encode(progress.candidates)])
  }
}
