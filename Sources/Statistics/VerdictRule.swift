import Foundation
import Measurement

/// How much b differs from a.
public struct Change: Sendable, Equatable {
  /// (b − a) / a; infinite where a is zero and b is not.
  public var relative: Double
  /// b − a in the metric's unit.
  public var absolute: Double

  /// A change; see the properties.
  public init(relative: Double, absolute: Double) {
    self.relative = relative
    self.absolute = absolute
  }

  /// The change that a ratio b/a makes to `base`.
  public init(ratio: Double, base: Double) {
    self.init(relative: ratio - 1, absolute: base * (ratio - 1))
  }

  /// The change that a difference b − a makes to `base`.
  public init(difference: Double, base: Double) {
    self.init(relative: difference == 0 ? 0 : difference / abs(base), absolute: difference)
  }
}

/// When a change is called (methodology, section 4): it is significant and exceeds both floors of its metric. What is large
/// but not significant is inconclusive, never hidden; a test that could not have found anything says what it would need.
public enum VerdictRule {
  /// The verdict, and the words that it needs.
  ///
  /// - Parameters:
  ///   - p: what decides: after Holm for a primary metric, as it is for an exploratory one.
  ///   - repetitionsNeeded: set where no data could have been significant with as few repetitions as there are.
  public static func verdict(
    _ change: Change, of metric: Metric, p: Double, alpha: Double = 0.05, repetitionsNeeded: Int? = nil
  ) -> (verdict: Verdict, reason: String?) {
    let isLarge = abs(change.relative) > metric.floorRelative && abs(change.absolute) > metric.floorAbsolute ?? 0
    if p <= alpha {
      guard isLarge else { return (.noChangeFound, "significant, but within the metric's floors") }
      let isBetter = (change.absolute > 0) == (metric.better == .higher)
      return (isBetter ? .improved : .regressed, nil)
    }
    if let repetitionsNeeded { return (.inconclusive, "needs at least \(repetitionsNeeded) repetitions") }
    return isLarge ? (.inconclusive, "large, but not significant") : (.noChangeFound, nil)
  }
}
