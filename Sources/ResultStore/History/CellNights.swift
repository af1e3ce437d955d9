import Foundation
import GRDB

/// A run, as long as the history is open.
public struct RunNumber: Sendable, Equatable {
  let row: Int64
}

/// The nights of a series, the oldest first.
public struct SeriesValues: Sendable {
  /// A median each, in the metric's unit.
  public fileprivate(set) var medians: [Double] = []
  /// Their runs.
  public fileprivate(set) var runs: [RunNumber] = []
  /// When the newest began, in seconds since 1970.
  fileprivate(set) var last: Double?
}

/// The nights of a cell, the oldest first, with all of its metrics side by side.
struct CellNights {
  private typealias Columns = [String: Int]

  private let nights: [(run: RunNumber, started: Double, columns: Columns, medians: [Double])]

  init(of cell: Int64, _ db: Database) throws {
    let rows = try Row.fetchCursor(
      try db.cachedStatement(
        sql: "SELECT run, started, layout, medians FROM night WHERE cell = ? ORDER BY started, run"),
      arguments: [cell])
    var layouts: [Int64: Columns] = [:]
    var nights: [(RunNumber, Double, Columns, [Double])] = []
    while let row = try rows.next() {
      let layout: Int64 = row[2]
      let columns = try layouts[layout] ?? Self.columns(layout, db)
      layouts[layout] = columns
      nights.append((RunNumber(row: row[0]), row[1], columns, Samples.doubles(of: row[3])))
    }
    self.nights = nights
  }

  private static func columns(_ layout: Int64, _ db: Database) throws -> Columns {
    let content = try String.fetchOne(
      try db.cachedStatement(sql: "SELECT content FROM layout WHERE id = ?"), arguments: [layout])
    return (Samples.columns(content ?? "") ?? []).enumerated().reduce(into: [:]) { $0[$1.element.name] = $1.offset }
  }

  /// The nights that have this metric.
  func values(of metric: String) -> SeriesValues {
    nights.reduce(into: SeriesValues()) { values, night in
      guard let column = night.columns[metric], night.medians.indices.contains(column) else { return }
      values.medians.append(night.medians[column])
      values.runs.append(night.run)
      values.last = night.started
    }
  }
}
