import Foundation
import Measurement
import Statistics

/// A comparison of two runs in words and figures that all its forms for people share.
struct CompareWords {
  let record: ComparisonRecord

  init(_ record: ComparisonRecord) { self.record = record }

  /// `92.1 /s`; a dash where nothing was measured.
  static func median(_ side: SideRecord, unit: String) -> String {
    side.median.map { Formatting.quantity($0, unit: unit) } ?? Formatting.dash
  }

  /// `[91.0–93.2]`, in the median's unit; nil where no finite one exists.
  static func interval(_ side: SideRecord, unit: String) -> String? {
    guard let median = side.median, let low = side.low, let high = side.high else { return nil }
    return Formatting.interval(low, high, around: median, unit: unit)
  }

  /// `92.1 /s [91.0–93.2]`.
  static func side(_ side: SideRecord, unit: String) -> String {
    [median(side, unit: unit), interval(side, unit: unit)].compactMap(\.self).joined(separator: " ")
  }

  /// `0.900× [0.880–0.920]`; a dash where there is no ratio.
  var ratio: String { RatioView(record).map { "\($0.text) \($0.bounds)" } ?? Formatting.dash }

  /// `p = 0.031`; nil where nothing was tested.
  var p: String? { record.p.map(Formatting.p) }

  /// The same after Holm; nil for exploratory metrics.
  var holm: String? { record.pHolm.map(Formatting.p) }

  /// `6.2 %`; nil where there is none.
  var effect: String? { record.mde.map { Formatting.number(100 * $0) + "\u{A0}%" } }

  /// Where `effect` comes from.
  var basis: String? {
    record.mdeBasis.map { $0 == .calibration ? "from the calibration" : "from these boots" }
  }

  /// `no change found`.
  var verdict: String { Self.words(record.verdict) }

  static func words(_ verdict: Verdict) -> String { verdict.rawValue.replacingOccurrences(of: "_", with: " ") }

  /// `1 regressed, 5 no change found`, what matters most first.
  static func counts(_ document: ComparisonDocument) -> String {
    let order = [Verdict.regressed, .improved, .inconclusive, .noChangeFound, .notComparable]
    return order.compactMap { verdict in
      document.summary.verdicts[verdict.rawValue].map { "\($0) \(words(verdict))" }
    }.joined(separator: ", ")
  }

  /// `throughput.ops has to change by more than 2 %`, for each floor that the user set.
  static func thresholds(_ document: ComparisonDocument) -> [String] {
    document.thresholds.sorted { $0.key < $1.key }.map { id, floor in
      let unit = MetricCatalog.metric(id)?.unit ?? ""
      let parts = [
        floor.relative.map { Formatting.number(100 * $0) + " %" },
        floor.absolute.map { Formatting.quantity($0, unit: unit) },
      ]
      return "\(id) has to change by more than \(parts.compactMap(\.self).joined(separator: " and "))"
    }
  }
}
