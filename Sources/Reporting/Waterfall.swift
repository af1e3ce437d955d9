import Foundation
import Measurement

/// Which choice gains what: a waterfall and its table for every workload of an ablation.
struct CausesSection: Sendable {
  let waterfalls: [Waterfall]
  let unexplained: [Unexplained]
  let hasUnexplained: Bool

  /// A workload without an attribution.
  struct Unexplained: Sendable {
    let title: String
    let reason: String
  }

  /// Nil where the run was no ablation.
  init?(_ run: RunRecord) {
    guard let records = run.attribution, !records.isEmpty else { return nil }
    waterfalls = records.compactMap(Waterfall.init)
    unexplained = records.filter { $0.whole == nil }.map {
      Unexplained(title: WorkloadName($0.workload).shortTitle, reason: $0.reason ?? "nothing was measured")
    }
    hasUnexplained = !unexplained.isEmpty
  }
}

/// One workload's way from the first mode to the last, in factors that multiply to the whole.
struct Waterfall: Sendable {
  let title: String
  let anchor: String
  let caption: String
  let svg: Markup
  let rows: [Row]

  struct Row: Sendable {
    let label: String
    /// `ide-pio → virtio-blk`.
    let change: String?
    let first: GainView?
    let last: GainView?
    let gain: GainView
    /// `97.3 %` of the whole gain; nil where there is no gain that could be shared.
    let share: String?
    let isWhole: Bool
  }

  /// Nil where there is nothing to show.
  init?(_ record: AttributionRecord) {
    guard let whole = record.whole, let residual = record.residual else { return nil }
    let name = WorkloadName(record.workload)
    let label = (MetricCatalog.metric(record.metric)?.label ?? record.metric).lowercased()
    title = name.shortTitle
    anchor = record.workload
    caption = "\(label), \(record.n == 1 ? "1 boot" : "\(record.n) boots") of each mode"
    let bars = Self.bars(record, whole: whole, residual: residual)
    svg = Self.plot(bars, title: "\(name.shortTitle), from \(record.from) to \(record.to)")
    let isShared = whole.isCertain
    func row(_ bar: Bar, part: AttributionPart? = nil) -> Row {
      Row(
        label: bar.label, change: part.map { "\($0.before) → \($0.after)" },
        first: part.map { GainView($0.first) }, last: part.map { GainView($0.last) }, gain: bar.view,
        share: isShared ? Self.percent(bar.gain.logRatio / whole.logRatio) : nil, isWhole: bar.kind == .whole)
    }
    rows = zip(bars, record.parts).map { row($0, part: $1) } + bars.suffix(2).map { row($0) }
  }

  // MARK: The picture

  private struct Bar {
    enum Kind { case part, residual, whole }
    let label: String
    let kind: Kind
    let gain: GainRecord
    let view: GainView
    /// ln of the ratio to the first mode where the bar begins.
    let start: Double

    var end: Double { start + gain.logRatio }
    var style: String {
      switch kind {
      case .part: "fall \(view.style)"
      case .residual: "fall residual"
      case .whole: "fall whole"
      }
    }
  }

  /// The parts, each where the one before ended, the residual, and the whole from the start.
  private static func bars(_ record: AttributionRecord, whole: GainRecord, residual: GainRecord) -> [Bar] {
    var bars: [Bar] = []
    let metric = MetricCatalog.metric(record.metric)
    func add(_ label: String, _ kind: Bar.Kind, _ gain: GainRecord) {
      let start = kind == .whole ? 0 : bars.last?.end ?? 0
      let isCalled = kind == .part && gain.isCertain && abs(expm1(gain.logRatio)) >= metric?.floorRelative ?? 0
      let style = !isCalled ? "neutral" : (gain.logRatio > 0) == (record.better == .higher) ? "better" : "worse"
      bars.append(Bar(label: label, kind: kind, gain: gain, view: GainView(gain, style: style), start: start))
    }
    for part in record.parts { add(part.choice, .part, part.part) }
    add("only together", .residual, residual)
    add("\(record.from) → \(record.to)", .whole, whole)
    return bars
  }

  private static let rowHeight = 42.0
  private static let barHeight = 12.0

  private static func plot(_ bars: [Bar], title: String) -> Markup {
    let edges = bars.flatMap { bar in [bar.end, bar.start + (bar.gain.low ?? 0), bar.start + (bar.gain.high ?? 0)] }
    let axis = LogarithmicAxis(covering: edges.map(exp))
    let bottom = rowHeight * Double(bars.count) + 6
    let description = bars.map { "\($0.label): \($0.view.text) \($0.view.bounds)" }.joined(separator: "; ")
    var svg = SVG(height: bottom + 24, title: title, description: description)
    for tick in axis.ticks {
      let x = axis.position(of: tick)
      svg.line(x1: x, x2: x, y1: 0, y2: bottom, style: tick == 1 ? "reference" : "grid")
      svg.text(axis.label(tick), x: x, y: bottom + 17, style: "tick")
    }
    for (index, bar) in bars.enumerated() {
      let top = rowHeight * Double(index)
      let y = top + 29
      let (from, to) = (axis.position(of: exp(bar.start)), axis.position(of: exp(bar.end)))
      svg.text(bar.label, x: 0, y: top + 17, style: "label")
      svg.text(bar.view.text, x: 100, y: top + 17, style: "value")
      // Never thinner than can be seen.
      svg.rectangle(
        x: min(from, to), width: max(abs(to - from), 0.4), y: y - barHeight / 2, height: barHeight, style: bar.style,
        tooltip: "\(bar.label): \(bar.view.text) \(bar.view.bounds)")
      if bar.kind == .part { svg.line(x1: to, x2: to, y1: y, y2: y + rowHeight, style: "connector") }
      if let low = bar.gain.low, let high = bar.gain.high {
        let (left, right) = (axis.position(of: exp(bar.start + low)), axis.position(of: exp(bar.start + high)))
        svg.line(x1: left, x2: right, y1: y, y2: y, style: "span")
        for x in [left, right] { svg.line(x1: x, x2: x, y1: y - 3, y2: y + 3, style: "span") }
      }
    }
    return svg.markup
  }

  private static func percent(_ fraction: Double) -> String {
    // Rounded first: a residual of −0.0000001 is 0, not −0.
    let tenths = (fraction * 1000).rounded() / 10
    return (tenths < 0 ? "−" : "") + String(format: "%.1f", abs(tenths)) + Formatting.thinSpace + "%"
  }
}

/// A gain as a factor.
struct GainView: Sendable {
  /// `45.1×`.
  let text: String
  /// `[41.0–52.3]`.
  let bounds: String
  /// ln of the factor, exactly.
  let exact: String
  /// `better` or `worse` for a part that is certain and above the metric's floor.
  let style: String

  init(_ gain: GainRecord, style: String = "neutral") {
    self.style = style
    text = Formatting.ratio(exp(gain.logRatio))
    exact = CSV.number(gain.logRatio)
    guard let low = gain.low, let high = gain.high else {
      bounds = "[no finite 95 % interval]"
      return
    }
    bounds = "[\(Formatting.number(exp(low)))–\(Formatting.number(exp(high)))]"
  }
}

extension GainRecord {
  /// True where the interval is finite and does not hold 1×.
  fileprivate var isCertain: Bool {
    guard let low, let high else { return false }
    return low > 0 || high < 0
  }
}
