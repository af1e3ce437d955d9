import Foundation
import Measurement

extension ComparisonRecord {
  /// Fills in the effect and the verdict from `p` and `pHolm`, which are there already.
  ///
  /// - Parameters:
  ///   - estimate: of log b − log a where `isRatio`, else of b − a.
  ///   - repetitionsNeeded: set where no data could have been significant with as few repetitions as there are.
  /// - Returns: the words that the verdict needs, a remark each.
  mutating func settle(
    _ estimate: Estimate, isRatio: Bool, of metric: Metric, alpha: Double, repetitionsNeeded: Int?
  ) -> [String] {
    guard let p = pHolm ?? p else { return [] }
    let base = a.median ?? 0
    var remarks: [String] = []
    let change: Change
    if isRatio {
      let ratio = estimate.mapped(exp)
      (self.ratio, ratioLow, ratioHigh) = (ratio.value, ratio.low, ratio.high)
      change = Change(ratio: ratio.value, base: base)
    } else {
      change = Change(difference: estimate.value, base: base)
      remarks.append(Self.words(for: estimate))
    }
    let called = VerdictRule.verdict(change, of: metric, p: p, alpha: alpha, repetitionsNeeded: repetitionsNeeded)
    verdict = called.verdict
    remarks += called.reason.map { [$0] } ?? []
    if pHolm == nil { remarks.append("exploratory") }
    return remarks
  }

  /// `difference -263.8 (95 % interval -264.1 to -263.5)`: what takes the ratio's place where zero is a possible value.
  private static func words(for difference: Estimate) -> String {
    func text(_ value: Double) -> String { String(format: "%.6g", value) }
    guard let low = difference.low, let high = difference.high else { return "difference \(text(difference.value))" }
    return "difference \(text(difference.value)) (95 % interval \(text(low)) to \(text(high)))"
  }
}
