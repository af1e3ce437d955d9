import Foundation
import Measurement

/// Bandwidth or latency over the size of the working set, a line for each mode: where the caches end, and what lies beyond them.
struct CurvesSection: Sendable {
  let curves: [Curve]

  struct Curve: Sendable {
    let title: String
    let metric: String
    let svg: Markup
    /// The same with values on a linear axis.
    let linear: Markup
    let series: [Series]
    /// The picture's numbers, a row for each size.
    let rows: [Row]
  }

  /// A size, and its value in every mode; nil where it was not measured.
  struct Row: Sendable {
    let size: String
    let bytes: String
    let values: [Value]
  }

  struct Value: Sendable {
    let text: String?
    let exact: String
  }

  /// A mode, and how it is drawn.
  struct Series: Sendable {
    let label: String
    let key: Markup
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
    func plot(_ scale: CurvePlot.Scale) -> Markup {
      var plot = CurvePlot(sizes: sizes, values: drawn.map(\.value), metric: metric, scale: scale)
      for (index, mode) in modes.enumerated() {
        let line = drawn.filter { $0.mode == mode }.sorted { $0.bytes < $1.bytes }
        plot.add(line.map { ($0.bytes, $0.value) }, series: index, label: mode)
      }
      return plot.markup
    }
    return Curve(
      title: WorkloadName(cells[0].family).shortTitle, metric: metric.label, svg: plot(.logarithmic),
      linear: plot(.linear),
      series: modes.enumerated().map { Series(label: $1, key: Symbol.of(series: $0).key(style: "series-\($0 % 5)")) },
      rows: sizes.map { size in
        Row(
          size: Formatting.quantity(Double(size), unit: "B"), bytes: "\(size)",
          values: modes.map { mode in
            let value = drawn.first { $0.mode == mode && $0.bytes == size }?.value
            return Value(
              text: value.map { Formatting.quantity($0, unit: metric.unit) }, exact: CSV.number(value))
          })
      })
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

/// One picture: sizes from left to right by their logarithm, values from bottom to top by theirs or as they are.
private struct CurvePlot {
  /// How values are placed.
  enum Scale {
    case logarithmic
    case linear

    func place(_ value: Double) -> Double { self == .logarithmic ? log10(value) : value }
  }

  private var svg: SVG
  private let sizes: [UInt64]
  private let metric: Metric
  private let scale: Scale
  private let low: Double
  private let high: Double
  private static let height = 200.0
  /// Room for the labels of values, in percent.
  private static let left = 12.0

  init(sizes: [UInt64], values: [Double], metric: Metric, scale: Scale) {
    self.sizes = sizes
    self.metric = metric
    self.scale = scale
    let (least, most) = (values.min() ?? 1, values.max() ?? 1)
    // On a logarithmic axis half a factor of two around, so that noise looks like noise; a linear one begins at zero.
    low = scale == .linear ? 0 : log10(least) - 0.15
    high = scale == .linear ? most * 1.08 : log10(most) + 0.15
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

  /// A line through `points`, from the smallest size on, each with the mark of its series and its value as a tooltip.
  mutating func add(_ points: [(bytes: UInt64, value: Double)], series: Int, label: String) {
    let style = "curve series-\(series % 5)"
    for (from, to) in zip(points, points.dropFirst()) {
      svg.line(x1: x(from.bytes), x2: x(to.bytes), y1: y(from.value), y2: y(to.value), style: style)
    }
    for point in points {
      let size = Formatting.quantity(Double(point.bytes), unit: "B")
      svg.symbol(
        Symbol.of(series: series), x: x(point.bytes), y: y(point.value), style: style,
        tooltip: "\(label), \(size): \(Formatting.quantity(point.value, unit: metric.unit))")
    }
  }

  var markup: Markup { svg.markup }

  /// 1, 2, 5, 10, … as far as they are in the picture; about five steps from zero on a linear axis.
  private var ticks: [Double] {
    guard scale == .logarithmic else {
      let rough = high / 5
      let magnitude = pow(10, log10(rough).rounded(.down))
      let step = [1, 2, 5, 10].map { $0 * magnitude }.first { $0 >= rough } ?? rough
      return (0...Int(high / step)).map { Double($0) * step }
    }
    return (Int(low.rounded(.down))...Int(high.rounded(.up))).flatMap { exponent in
      [1, 2, 5].compactMap { Double("\($0)e\(exponent)") }
    }.filter { (low...high).contains(log10($0)) }
  }

  private func x(_ bytes: UInt64) -> Double {
    let (first, last) = (log2(Double(sizes.first ?? 1)), log2(Double(sizes.last ?? 2)))
    return Self.left + 4 + (92 - Self.left) * (log2(Double(bytes)) - first) / (last - first)
  }

  private func y(_ value: Double) -> Double { Self.height * (1 - (scale.place(value) - low) / (high - low)) }
}
