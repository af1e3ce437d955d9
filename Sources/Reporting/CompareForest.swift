import Foundation
import Measurement
import Statistics

/// The ratios of two runs with their intervals on one axis, each cell in a row. Where little has changed the axis is short: a few
/// per cent must be seen.
enum CompareForest {
  private static let rowHeight = 46.0

  /// Nil where no comparison has a ratio.
  static func plot(_ records: [ComparisonRecord]) -> Markup? {
    let drawn = records.filter { ($0.ratio ?? 0) > 0 && ($0.ratio ?? 0).isFinite }
    guard !drawn.isEmpty else { return nil }
    let axis = ChangeAxis(covering: drawn.flatMap { [$0.ratio, $0.ratioLow, $0.ratioHigh].compactMap(\.self) })
    let bottom = rowHeight * Double(drawn.count) + 6
    let description = drawn.map { "\($0.workload) \($0.mode): \(CompareWords($0).ratio)" }.joined(separator: "; ")
    var svg = SVG(height: bottom + 24, title: "Ratios B/A with 95 % intervals", description: description)
    for tick in axis.ticks {
      let x = axis.position(of: 1 + tick / 100)
      svg.line(x1: x, x2: x, y1: 0, y2: bottom, style: tick == 0 ? "reference" : "grid")
      svg.text(ChangeAxis.label(tick), x: x, y: bottom + 17, style: "tick")
    }
    for (index, record) in drawn.enumerated() { draw(record, top: rowHeight * Double(index), axis, &svg) }
    return svg.markup
  }

  private static func draw(_ record: ComparisonRecord, top: Double, _ axis: ChangeAxis, _ svg: inout SVG) {
    svg.text("\(record.workload) \(record.mode)", x: 0, y: top + 17, style: "label")
    svg.text(CompareWords(record).ratio, x: 100, y: top + 17, style: "value")
    let style = VerdictView(record).style
    let y = top + rowHeight - 14
    if let low = record.ratioLow, let high = record.ratioHigh, low > 0, high.isFinite {
      let (left, right) = (axis.position(of: low), axis.position(of: high))
      svg.line(x1: left, x2: right, y1: y, y2: y, style: "whisker \(style)")
      for end in [left, right] { svg.line(x1: end, x2: end, y1: y - 5, y2: y + 5, style: "whisker \(style)") }
    }
    svg.dot(x: axis.position(of: record.ratio ?? 1), y: y, radius: 5, style: "point \(style)")
  }
}

/// Ratios on a logarithmic scale around 1, labelled as changes, in percent of the width.
struct ChangeAxis {
  /// ln of the largest change either way: at least of 5 %, so that noise looks like noise, and at most a hundredfold.
  private let reach: Double

  init(covering ratios: [Double]) {
    let logarithms = ratios.filter { $0 > 0 && $0.isFinite }.map { abs(log($0)) }
    reach = min(max((logarithms.max() ?? 0) * 1.1, log(1.05)), log(100))
  }

  /// Between 4 and 96, so that a tick's label has room.
  func position(of ratio: Double) -> Double { 50 + 46 * min(max(log(max(ratio, 1e-9)) / reach, -1), 1) }

  /// What a label needs on a telephone, in percent of the width.
  static let room = 13.0

  /// Changes in per cent, none nearer to another than their labels are wide.
  var ticks: [Double] {
    let ups: [Double] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 900, 9900]
    let downs: [Double] = [-1, -2, -5, -10, -20, -30, -50, -70, -90, -99]
    return spaced(downs).reversed() + [0] + spaced(ups)
  }

  /// Those of `ticks`, which go outwards, that are within reach and apart.
  private func spaced(_ ticks: [Double]) -> [Double] {
    let reachable = ticks.filter { abs(log(1 + $0 / 100)) <= reach }
    // From the outermost one inwards: the ends say how far the axis reaches.
    return reachable.reversed().reduce(into: [Double]()) { kept, tick in
      let places = (kept + [0]).map { position(of: 1 + $0 / 100) }
      if places.allSatisfy({ abs($0 - position(of: 1 + tick / 100)) >= Self.room }) { kept.insert(tick, at: 0) }
    }
  }

  /// `+10 %`, `−5 %`, `same`.
  static func label(_ tick: Double) -> String {
    if tick == 0 { return "same" }
    return tick > 0 ? "+\(Int(tick)) %" : "−\(Int(-tick)) %"
  }
}
