import Foundation

/// Columns of text, as wide as they need to be.
public struct TextTable {
  private let columns: [String]
  private let rightAligned: Set<Int>
  private var rows: [[String]] = []

  /// A table with a heading; the numbers name the columns that align at the right.
  public init(columns: [String], rightAligned: Set<Int> = []) {
    self.columns = columns
    self.rightAligned = rightAligned
  }

  /// Adds a row; a missing cell is empty.
  public mutating func add(_ row: [String]) { rows.append(row) }

  /// The table, a line each row, without trailing blanks.
  public var text: String {
    let lines = [columns] + rows
    let widths = columns.indices.map { column in lines.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return lines.map { line in
      var text = ""
      for (column, cell) in line.enumerated() {
        let padding = String(repeating: " ", count: widths[column] - cell.count)
        text += (column == 0 ? "" : "  ") + (rightAligned.contains(column) ? padding + cell : cell + padding)
      }
      while text.hasSuffix(" ") { text.removeLast() }
      return text + "\n"
    }.joined()
  }

  /// A duration in few characters: `0.3 s`, `12 s`, `4 min 05 s`, `2 h 10 min`.
  public static func duration(_ seconds: Double) -> String {
    if seconds < 10 { return String(format: "%.1f s", seconds) }
    // A broken estimate must not become a broken program.
    let whole = Int(min(seconds.isFinite ? seconds : 0, 1e9).rounded())
    if whole < 60 { return "\(whole) s" }
    if whole < 3600 { return String(format: "%d min %02d s", whole / 60, whole % 60) }
    return String(format: "%d h %02d min", whole / 3600, whole / 60 % 60)
  }
}
