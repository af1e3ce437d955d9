import Foundation

/// Latencies on one logarithmic axis: for each workload a line a mode, from the median's symbol over the 99th percentile's tick
/// to the end at the 99.9th.
struct DotPlot {
  /// A mode of a workload, in seconds. What too few samples could not support is nil.
  struct Line {
    let label: String
    let series: Int
    let p50: Double
    let p99: Double?
    let p999: Double?

    /// Where the line ends.
    var end: Double { p999 ?? p99 ?? p50 }

    /// `37.2 µs – 61.0 µs`.
    var words: String {
      let start = Formatting.quantity(p50, unit: "s")
      return end == p50 ? start : "\(start) – \(Formatting.quantity(end, unit: "s"))"
    }
  }

  /// A workload.
  struct Group {
    let title: String
    let lines: [Line]
  }

  /// Room for the axis' labels.
  private static let top = 18.0
  private static let titleHeight = 18.0
  private static let lineHeight = 15.0
  private static let gap = 8.0
  private static let longestLabel = 10
  /// Percent of the width that the axis has; what is right of it belongs to the numbers.
  private static let axis = (left: 2.0, width: 58.0)

  private let low: Double
  private let high: Double

  /// The picture; nil where nothing is to be drawn.
  static func markup(_ groups: [Group], title: String) -> Markup? {
    let groups = groups.filter { !$0.lines.isEmpty }
    guard !groups.isEmpty else { return nil }
    return DotPlot(groups).draw(groups, title: title)
  }

  private init(_ groups: [Group]) {
    let logs = groups.flatMap(\.lines).flatMap { [$0.p50, $0.end] }.filter { $0 > 0 && $0.isFinite }.map(log10)
    // A factor of two at least, so that noise looks like noise.
    low = (logs.min() ?? -6) - 0.1
    high = max(logs.max() ?? -6, low + 0.2) + 0.1
  }

  private func draw(_ groups: [Group], title: String) -> Markup {
    let bottom = groups.reduce(Self.top) { $0 + Self.titleHeight + Double($1.lines.count) * Self.lineHeight + Self.gap }
    let description = groups.map { group in
      "\(group.title): \(group.lines.map { "\($0.label) \($0.words)" }.joined(separator: ", "))"
    }.joined(separator: "; ")
    var svg = SVG(height: bottom + 22, title: title, description: description)
    for tick in ticks {
      svg.line(x1: x(tick), x2: x(tick), y1: Self.top, y2: bottom, style: "grid")
      // At both ends: the picture may be longer than a screen.
      for y in [11, bottom + 17] {
        svg.text(Formatting.quantity(tick, unit: "s"), x: x(tick), y: y, style: "tick")
      }
    }
    var y = Self.top
    for group in groups {
      svg.text(group.title, x: 0, y: y + 14, style: "label")
      y += Self.titleHeight
      for line in group.lines {
        draw(line, y: y + Self.lineHeight / 2, into: &svg)
        y += Self.lineHeight
      }
      y += Self.gap
    }
    return svg.markup
  }

  private func draw(_ line: Line, y: Double, into svg: inout SVG) {
    let style = "curve series-\(line.series % 5)"
    svg.line(x1: x(line.p50), x2: x(line.end), y1: y, y2: y, style: style)
    for (tail, half) in [(line.p99, 3.0), (line.p999, 6.0)] {
      if let tail { svg.line(x1: x(tail), x2: x(tail), y1: y - half, y2: y + half, style: style) }
    }
    svg.symbol(
      Symbol.of(series: line.series), x: x(line.p50), y: y, style: style, tooltip: "\(line.label) \(line.words)")
    // Beside the numbers a long name would lie over the line where the screen is narrow; the symbol says it as well.
    let isLong = line.label.count > Self.longestLabel
    svg.text("\(line.label) \(line.words)", x: 100, y: y + 4, style: isLong ? "value broad" : "value")
    if isLong { svg.text(line.words, x: 100, y: y + 4, style: "value narrow") }
  }

  /// Powers of ten; between them 2 and 5 where there are few.
  private var ticks: [Double] {
    let steps = high - low < 2 ? [1, 2, 5] : [1]
    return (Int(low.rounded(.down))...Int(high.rounded(.up))).flatMap { exponent in
      steps.compactMap { Double("\($0)e\(exponent)") }
    }.filter { (low...high).contains(log10($0)) }
  }

  private func x(_ seconds: Double) -> Double {
    // What is not above zero has no place on this axis: it stands at its end.
    let value = seconds > 0 && seconds.isFinite ? log10(seconds) : low
    return Self.axis.left + Self.axis.width * (value - low) / (high - low)
  }
}
