import Foundation
import GRDB

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
  /// Cells that are read, and the progress of whose series is written, in one transaction: few enough not to keep others
  /// waiting.
  private static let chunk = 25

  /// What a search finds in the nights of a series, and what is to be known of it then.
  public typealias Search<Found> = (Series, SeriesValues, SeriesProgress?) -> (found: Found, progress: SeriesProgress)

  /// Hands each series with its nights and what was known of it to `body`; keeps what `body` knows then, unless nothing can be
  /// written (it is only time that is lost). At no time are more values in memory than those of one cell.
  ///
  /// - Returns: what `body` found, in the order of `series`.
  public func scan<Found>(_ series: [Series], _ body: Search<Found>) throws(HistoryError) -> [Found] {
    var found: [Int: Found] = [:]
    var keeps = isWritable
    let cells = Dictionary(grouping: series.indices, by: { series[$0].place }).sorted { $0.key < $1.key }
    for start in stride(from: 0, to: cells.count, by: Self.chunk) {
      let chunk = cells[start..<min(start + Self.chunk, cells.count)]
      func look(_ db: Database, keeping: Bool) throws -> [Int: Found] {
        try chunk.reduce(into: [:]) { result, cell in
          let nights = try CellNights(of: cell.key, db)
          for index in cell.value {
            result[index] = try Self.look(at: series[index], nights, keeping: keeping, db, body)
          }
        }
      }
      if keeps {
        do throws(HistoryError) {
          found.merge(try write { db in try look(db, keeping: true) }) { $1 }
          continue
        } catch {
          // A full disk, or somebody's long transaction.
          keeps = false
        }
      }
      found.merge(try read { db in try look(db, keeping: false) }) { $1 }
    }
    return series.indices.compactMap { found[$0] }
  }

  private static func look<Found>(
    at series: Series, _ nights: CellNights, keeping: Bool, _ db: Database, _ body: Search<Found>
  ) throws -> Found {
    let values = nights.values(of: series.metric.id)
    let known = try Row.fetchOne(
      try db.cachedStatement(sql: "SELECT next, candidates FROM progress WHERE series = ?"), arguments: [series.id]
    ).map { row in
      SeriesProgress(next: row[0], candidates: try JSONDecoder().decode([Int].self, from: row[1]))
    }
    let (found, progress) = body(series, values, known)
    if keeping, let last = values.last, progress != known {
      try db.cachedStatement(
        sql: "INSERT OR REPLACE INTO progress (series, last, next, candidates) VALUES (?, ?, ?, ?)"
      ).execute(arguments: [series.id, last, progress.next, try encoder.encode(progress.candidates)])
    }
    return found
  }
}
