import Foundation
import Measurement

/// Bandwidth or latency over the size of the working set, a line for each mode: where the caches end, and what lies beyond them.
struct CurvesSection: Sendable {
  let curves: [Curve]

  struct Curve: Sendable {
    let title: String
    let metric: String
    let svg: Markup
    let series: [Series]
  }

  /// A mode, and how it is drawn.
  struct Series: Sendable {
    let label: String
    let style: String
  }

  /// Sizes that make a curve.
  private static let fewestSizes = 3

  /// Nil where no workload was measured at enough sizes.
  init?(_ run: RunRecord) {
    let points = run.cells.compactMap(SizedCell.init)
    let families = points.reduce(into: [String]()) { if !$0.contains($1.family) { $0.append($1.family) } }
    let table = MetricTable(run)
    curves = families.compactMap { family in Self.curve(points.filter { $0.family == family }, table) }
    guard !curves.isEmpty else { return nil }
  }

  private static func curve(_ cells: [SizedCell], _ table: MetricTable) -> Curve? {
    let id = cells.contains { $0.summary.metrics.contains("throughput.bytes") } ? "throughput.bytes" : "latency.p50"
    let drawn = cells.compactMap { cell in
      cell.summary.side(id).median.map { (mode: cell.summary.cell.mode, bytes: cell.bytes, value: $0) }
    }.filter { $0.value > 0 && $0.value.isFinite }
    let sizes = Set(drawn.map(\.bytes)).sorted()
    guard sizes.count >= fewestSizes, let metric = table[id] else { return nil }
    let modes = drawn.map(\.mode).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    var plot = CurvePlot(sizes: sizes, values: drawn.map(\.value), metric: metric)
    for (index, mode) in modes.enumerated() {
      let line = drawn.filter { $0.mode == mode }.sorted { $0.bytes < $1.bytes }
      plot.add(line.map { ($0.bytes, $0.value) }, style: "series-\(index % 5)")
    }
    return Curve(
      title: WorkloadName(cells[0].family).shortTitle, metric: metric.label, svg: plot.markup,
      series: modes.enumerated().map { Series(label: $1, style: "series-\($0 % 5)") })
  }
}

/// A cell whose workload ends in a size: `memory.chase.16k`.
private struct SizedCell {
  let family: String
  let bytes: UInt64
  let summary: CellSummary

  init?(_ cell: CellRecord) {
    guard let dot = cell.workload.lastIndex(of: "."), ["cpu", "memory"].contains(cell.suite),
      let unit = ["k": 10, "m": 20][cell.workload.last],
      let number = UInt64(cell.workload[cell.workload.index(after: dot)...].dropLast()), number < 1 << 20
    else { return nil }
    family = String(cell.workload[..<dot])
    bytes = number << UInt64(unit)
    summary = CellSummary(cell)
  }
}

/// One picture: sizes from left to right by their logarithm, values from bottom to top by theirs.
private struct CurvePlot {
  private var svg: SVG
  private let sizes: [UInt64]
  private let low: Double
  private let high: Double
  private static let height = 200.0
  /// Room for the labels of values, in percent.
  private static let left = 12.0

  init(sizes: [UInt64], values: [Double], metric: Metric) {
    self.sizes = sizes
    // Half a factor of two around, so that noise looks like noise.
    low = log10(values.min() ?? 1) - 0.15
    high = log10(values.max() ?? 1) + 0.15
    svg = SVG(
      height: Self.height + 24, title: "\(metric.label) over the size of the working set",
      description: "\(sizes.count) sizes, \(metric.unit)")
    for size in sizes {
      svg.line(x1: x(size), x2: x(size), y1: 0, y2: Self.height, style: "grid")
      svg.text(
        Formatting.quantity(Double(size), unit: "B"), x: x(size), y: Self.height + 17, style: "tick")
    }
    for tick in ticks {
      svg.line(x1: Self.left, x2: 100, y1: y(tick), y2: y(tick), style: "grid")
      svg.text(Formatting.quantity(tick, unit: metric.unit), x: 0, y: y(tick) + 4, style: "pair")
    }
  }

  /// A line through `points`, from the smallest size on.
  mutating func add(_ points: [(bytes: UInt64, value: Double)], style: String) {
    for (from, to) in zip(points, points.dropFirst()) {
      svg.line(x1: x(from.bytes), x2: x(to.bytes), y1: y(from.value), y2: y(to.value), style: "curve \(style)")
    }
    for point in points { svg.dot(x: x(point.bytes), y: y(point.value), radius: 3.5, style: "curve \(style)") }
  }

  var markup: Markup { svg.markup }

  /// 1, 2, 5, 10, … as far as they are in the picture.
  private var ticks: [Double] {
    (Int(low.rounded(.down))...Int(high.rounded(.up))).flatMap { exponent in
      [1, 2, 5].compactMap { Double("\($0)e\(exponent)") }
    }.filter { (low...high).contains(log10($0)) }
  }

  private func x(_ bytes: UInt64) -> Double {
    let (first, last) = (log2(Double(sizes.first ?? 1)), log2(Double(sizes.last ?? 2)))
    return Self.left + 4 + (92 - Self.left) * (log2(Double(bytes)) - first) / (last - first)
  }

  private func y(_ value: Double) -> Double { Self.height * (1 - (log10(value) - low) / (high - low)) }
}
