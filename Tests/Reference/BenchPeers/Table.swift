import Foundation
import Statistics

/// A bar with what was found.
struct Finding {
  let duel: Duel
  let bar: Bar
  let ours: [Double]
  let theirs: [Double]
  let failure: String?

  init(_ duel: Duel, _ bar: Bar, _ outcome: Outcome) {
    self.duel = duel
    self.bar = bar
    (ours, theirs) = outcome.values(bar.metric)
    failure = outcome.failures.first
  }

  /// Ours to theirs: the Hodges–Lehmann estimate of paired rounds with its 95 % interval.
  var ratio: Estimate? { HodgesLehmann.pairedRatio(theirs, ours) }

  /// Whether the bar is met; nil where too little was measured to say.
  var isMet: Bool? {
    guard let ratio, let low = ratio.low, let high = ratio.high else { return nil }
    return switch bar.limit {
    case .atMost(let limit): high <= limit
    case .atLeast(let limit): low >= limit
    case .within(let range): range.contains(low) && range.contains(high)
    case .aboutAtMost(let limit): ratio.value <= limit
    case .notSlower: high >= 1
    case .none: nil
    }
  }

  var verdict: String {
    if let isMet { return isMet ? "met" : "not met" }
    if ratio != nil, case .none = bar.limit { return "" }
    return "not measured" + (failure.map { " (\($0))" } ?? "")
  }

  var limit: String {
    switch bar.limit {
    case .atMost(let limit): "interval at most \(limit)"
    case .atLeast(let limit): "interval at least \(limit)"
    case .within(let range): "interval within \(range.lowerBound) to \(range.upperBound)"
    case .aboutAtMost(let limit): "estimate at most \(limit)"
    case .notSlower: "interval reaches 1"
    case .none: ""
    }
  }
}

/// The findings as people and programs read them.
enum Table {
  static func markdown(_ findings: [Finding]) -> String {
    var lines = [
      "| What | Figure | n | pvbench-vm | Peer | Ratio (95 % interval) | Bar | |", "|---|---|--:|--:|--:|--:|---|---|",
    ]
    for finding in findings {
      let bar = finding.bar
      let ratio = finding.ratio.map { "\(text($0.value)) (\(text($0.low))–\(text($0.high)))" } ?? "–"
      let cells = [
        finding.duel.name, "\(bar.metric), \(bar.unit)", "\(finding.ours.count)", median(finding.ours, bar),
        "\(median(finding.theirs, bar)) (\(finding.duel.peer.rawValue))", ratio, finding.limit, finding.verdict,
      ]
      lines.append("| " + cells.joined(separator: " | ") + " |")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Base units; an empty field is a figure that there is not.
  static func csv(_ findings: [Finding]) -> String {
    var lines = ["what,metric,peer,n,ours_median,peer_median,ratio,ratio_low,ratio_high,bar,verdict"]
    for finding in findings {
      let numbers = [
        OrderStatistics.median(finding.ours), OrderStatistics.median(finding.theirs), finding.ratio?.value,
        finding.ratio?.low, finding.ratio?.high,
      ]
      let fields =
        [quoted(finding.duel.name), finding.bar.metric, finding.duel.peer.rawValue, "\(finding.ours.count)"]
        + numbers.map { $0.map { "\($0)" } ?? "" } + [finding.limit, quoted(finding.verdict)]
      lines.append(fields.joined(separator: ","))
    }
    return lines.joined(separator: "\r\n") + "\r\n"
  }

  private static func median(_ values: [Double], _ bar: Bar) -> String {
    text(OrderStatistics.median(values).map { $0 * bar.scale })
  }

  private static func text(_ value: Double?) -> String { value.map { String(format: "%.4g", $0) } ?? "–" }

  private static func quoted(_ field: String) -> String {
    "\"" + field.replacingOccurrences(of: "\"", with: "\"\"") + "\""
  }
}
