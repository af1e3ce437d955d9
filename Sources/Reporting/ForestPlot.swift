import Foundation
import Measurement

/// Throughput ratios with their intervals on one logarithmic axis, and the table of the same numbers.
struct ForestSection: Sendable {
  /// One, or one for each suite of a long run.
  let groups: [Group]

  struct Group: Sendable {
    let fold: SuiteFold
    let svg: Markup?
    let rows: [Row]
  }

  struct Row: Sendable {
    let title: String
    let anchor: String
    let modes: String
    let pair: PairView

    init(_ comparison: ComparisonRecord) {
      title = WorkloadName(comparison.workload).shortTitle
      anchor = comparison.workload
      modes = ForestSection.words(ModeName.pair(comparison.mode) ?? (comparison.mode, ""))
      pair = PairView(comparison)
    }
  }

  /// Nil where nothing was compared. The steps of an ablation are left to its waterfall.
  init?(_ run: RunRecord) {
    let steps = Set((run.attribution ?? []).flatMap(Self.steps))
    let comparisons = run.primaryComparisons.filter { !steps.contains([$0.workload, $0.mode]) }
    guard !comparisons.isEmpty else { return nil }
    let severalPairs = Set(comparisons.map(\.mode)).count > 1
    let suites = run.suites.filter { suite in comparisons.contains { $0.suite == suite } }
    let parts = run.isLong ? suites.map { suite in comparisons.filter { $0.suite == suite } } : [comparisons]
    groups = parts.map { part in
      Group(
        fold: SuiteFold(part[0].suite, of: run),
        svg: Self.plot(part.filter { $0.better == .higher }, namesPair: severalPairs), rows: part.map(Row.init))
    }
  }

  /// Every row, of all groups.
  var rows: [Row] { groups.flatMap(\.rows) }

  /// `paravirt over full`; a variant of a mode by what is different: `full with disk=ide-dma, pages=thp over full`.
  static func words(_ pair: (a: String, b: String)) -> String {
    let choices = pair.b.split(separator: "+").map(String.init)
    guard choices.count > 1 else { return "\(pair.b) over \(pair.a)" }
    return "\(choices[0]) with \(choices.dropFirst().joined(separator: ", ")) over \(pair.a)"
  }

  /// Workload and pair of modes of every step that an attribution explains.
  private static func steps(_ record: AttributionRecord) -> [[String]] {
    record.parts.flatMap { part in
      [
        [record.workload, "\(record.from):\(record.from)+\(part.choice)=\(part.after)"],
        [record.workload, "\(record.to):\(record.to)+\(part.choice)=\(part.before)"],
      ]
    }
  }

  private static let rowHeight = 46.0
  /// A line for the modes, where there are several pairs.
  private static let pairHeight = 16.0

  static func plot(_ comparisons: [ComparisonRecord], namesPair: Bool) -> Markup? {
    let drawn = comparisons.filter { ($0.ratio ?? 0) > 0 && ($0.ratio ?? 0).isFinite }
    guard !drawn.isEmpty else { return nil }
    let axis = LogarithmicAxis(covering: drawn.flatMap { [$0.ratio, $0.ratioLow, $0.ratioHigh].compactMap { $0 } })
    let height = rowHeight + (namesPair ? pairHeight : 0)
    let bottom = height * Double(drawn.count) + 6
    let description = drawn.map { comparison in
      "\(WorkloadName(comparison.workload).shortTitle): \(RatioView(comparison).map { "\($0.text) \($0.interval)" } ?? "")"
    }.joined(separator: "; ")
    var svg = SVG(height: bottom + 24, title: "Throughput ratios with 95 % intervals", description: description)
    for tick in axis.ticks {
      let x = axis.position(of: tick)
      svg.line(x1: x, x2: x, y1: 0, y2: bottom, style: tick == 1 ? "reference" : "grid")
      svg.text(axis.label(tick), x: x, y: bottom + 17, style: "tick")
    }
    for (index, comparison) in drawn.enumerated() {
      let top = height * Double(index)
      svg.text(WorkloadName(comparison.workload).shortTitle, x: 0, y: top + 17, style: "label")
      if namesPair, let pair = ModeName.pair(comparison.mode) {
        svg.text(words(pair), x: 0, y: top + 17 + pairHeight, style: "pair")
      }
      if let ratio = RatioView(comparison) {
        svg.text("\(ratio.text) \(ratio.bounds)", x: 100, y: top + 17, style: "value")
      }
      let style = VerdictView(comparison).style
      let y = top + height - 14
      if let low = comparison.ratioLow, let high = comparison.ratioHigh, low > 0, high.isFinite {
        let (left, right) = (axis.position(of: low), axis.position(of: high))
        svg.line(x1: left, x2: right, y1: y, y2: y, style: "whisker \(style)")
        for end in [left, right] { svg.line(x1: end, x2: end, y1: y - 5, y2: y + 5, style: "whisker \(style)") }
      }
      svg.dot(x: axis.position(of: comparison.ratio ?? 1), y: y, radius: 5, style: "point \(style)")
    }
    return svg.markup
  }
}

/// Ratios on a logarithmic scale that always contains 1, in percent of the width.
struct LogarithmicAxis {
  private let low: Double
  private let high: Double

  init(covering values: [Double]) {
    let logs = values.filter { $0 > 0 && $0.isFinite }.map(log10) + [0]
    let (smallest, largest) = (logs.min() ?? 0, logs.max() ?? 0)
    // Never less than a factor of two around 1, so that noise looks like noise.
    let margin = max((largest - smallest) * 0.04, 0.02)
    low = min(smallest - margin, -0.15)
    high = max(largest + margin, 0.3)
  }

  /// Between 4 and 96, so that a tick's label has room.
  func position(of value: Double) -> Double { 4 + 92 * (log10(value) - low) / (high - low) }

  /// 1, 2, 5, 10, … where they fit, else powers of ten.
  var ticks: [Double] {
    let exponents = Int(low.rounded(.down))...Int(high.rounded(.up))
    let decades = high - low
    let steps: [Double] = decades < 0.9 ? [1, 1.5, 2, 3, 5, 7] : decades < 2.6 ? [1, 2, 5] : [1]
    let stride = max(1, Int((decades / 8).rounded(.up)))
    return exponents.filter { $0 % stride == 0 }.flatMap { exponent in
      // Written as a decimal, 0.2 is 0.2 and not 2 × 0.1.
      steps.compactMap { Double("\($0)e\(exponent)") }
    }.filter { (low...high).contains(log10($0)) }
  }

  /// `0.5×`, `20×`.
  func label(_ tick: Double) -> String {
    let text = tick >= 1 && tick < 1e6 && tick == tick.rounded() ? "\(Int(tick))" : "\(tick)"
    return text + "×"
  }
}
