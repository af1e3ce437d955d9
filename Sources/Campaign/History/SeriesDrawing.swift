import Foundation
import ResultStore

/// A series on a terminal: a dot each night, or for the median of several where the terminal is narrower, and a mark below
/// each change point and each night of which there is something to say.
public struct SeriesDrawing: Sendable {
  private static let height = 12

  let series: Series
  let nights: [Night]
  let changes: [SeriesChange]
  let remarks: [NightRemark]

  /// A drawing of all `nights`, with those `changes` marked that are of this series.
  public init(_ series: Series, nights: [Night], changes: [SeriesChange], remarks: [NightRemark]) {
    self.series = series
    self.nights = nights
    self.remarks = remarks
    self.changes = changes.filter { $0.series == series }.sorted { $0.night.started < $1.night.started }
  }

  /// The drawing, no line of it wider than `columns` unless a name is.
  public func text(columns: Int, usesColor: Bool) -> String {
    let title =
      "\(series.cell.workload) \(series.cell.mode), \(series.metric.id) (\(series.metric.better.rawValue) is better)\n"
    guard let low = nights.map(\.value).min(), let high = nights.map(\.value).max() else { return title }
    let labels = (top: quantity(high), bottom: quantity(low))
    let margin = max(labels.top.count, labels.bottom.count)
    let bins = bins(width: max(10, columns - margin - 3))
    let rows = (0..<Self.height).map { row -> String in
      let label = row == 0 ? labels.top : row == Self.height - 1 ? labels.bottom : ""
      let cells = bins.map { place($0.value, low: low, high: high) == row ? "•" : " " }.joined()
      return String(repeating: " ", count: margin - label.count) + label + " ┤" + cells
    }
    let marks = String(repeating: " ", count: margin + 2) + bins.map { mark($0, usesColor) }.joined()
    let lines = rows + (changes.isEmpty && remarks.isEmpty ? [] : [marks])
    return title + lines.map { Self.trimmed($0) + "\n" }.joined() + axis(margin) + list
  }

  private typealias Bin = (nights: Range<Int>, value: Double)

  private func bins(width: Int) -> [Bin] {
    let count = min(width, nights.count)
    return (0..<count).map { bin in
      let range = bin * nights.count / count..<(bin + 1) * nights.count / count
      let sorted = nights[range].map(\.value).sorted()
      return (range, sorted[sorted.count / 2])
    }
  }

  /// The row of a value, counted from the top; the middle one where all values are equal.
  private func place(_ value: Double, low: Double, high: Double) -> Int {
    guard high > low else { return Self.height / 2 }
    return Int(((high - value) / (high - low) * Double(Self.height - 1)).rounded())
  }

  private func mark(_ bin: Bin, _ usesColor: Bool) -> String {
    let here = changes.filter { bin.nights.contains(nights.count - $0.age) }
    guard !here.isEmpty else { return remarks.contains { bin.nights.contains($0.index) } ? "△" : " " }
    guard usesColor else { return "▲" }
    return (here.allSatisfy(\.isImprovement) ? TerminalColor.green : .red).paint("▲")
  }

  private func axis(_ margin: Int) -> String {
    guard let first = nights.first, let last = nights.last else { return "" }
    return String(repeating: " ", count: margin + 2) + "\(first.began) to \(last.began), \(nights.count) nights\n"
  }

  /// Changes, and below them nights without one of which there is something to say.
  private var list: String {
    let told = Set(changes.map(\.night.run))
    let found = changes.map { change in
      let values = HistoryText.values(change)
      let notes = remarks.first { $0.night.run == change.night.run }?.notes ?? []
      return "▲ \(change.night.run): \(values[0]) → \(values[1]), \(values[2]), p \(values[3])\n"
        + Self.indented(change.configuration + notes)
    }
    let said = remarks.filter { !told.contains($0.night.run) }.map {
      "△ \($0.night.run)\n" + Self.indented($0.configuration + $0.notes)
    }
    return (found + said).joined()
  }

  private static func indented(_ lines: [String]) -> String { lines.map { "    \($0)\n" }.joined() }

  private func quantity(_ value: Double) -> String { ResultTable.quantity(value, unit: series.metric.unit) }

  private static func trimmed(_ line: String) -> String {
    var line = line
    while line.hasSuffix(" ") { line.removeLast() }
    return line
  }
}
