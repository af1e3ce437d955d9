import Foundation
import Measurement

/// A point estimate with the bounds of its confidence interval; a bound is nil where no finite one exists at this n.
public struct Estimate: Sendable, Equatable {
  /// The estimate itself.
  public var value: Double
  /// Lower bound.
  public var low: Double?
  /// Upper bound.
  public var high: Double?

  /// An estimate; see the properties.
  public init(value: Double, low: Double?, high: Double?) {
    self.value = value
    self.low = low
    self.high = high
  }

  /// The estimate on another scale; `transform` must be increasing.
  public func mapped(_ transform: (Double) -> Double) -> Estimate {
    Estimate(value: transform(value), low: low.map(transform), high: high.map(transform))
  }
}

/// Quantiles and their distribution-free intervals by order statistics (David & Nagaraja, "Order Statistics", 3rd edition,
/// section 7.1): the number of observations below the true quantile is binomial, whatever their distribution.
public enum OrderStatistics {
  /// The middle value, or the mean of the two middle ones; nil without values.
  public static func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : median(sorted: values.sorted())
  }

  /// The median with its exact binomial interval, finite from 6 values on (methodology, section 4); nil without values.
  public static func medianEstimate(_ values: [Double], confidence: Double = 0.95) -> Estimate? {
    quantileEstimate(values, quantile: 0.5, confidence: confidence)
  }

  /// The 1-based ranks of the order statistics that bound the `quantile` of a population with at least `confidence`, half of
  /// the error on each side; nil where even the extreme observation does not. Both are finite for n ≥
  /// `Histogram.samplesNeeded(forQuantile:)`.
  public static func ranks(n: Int, quantile: Double, confidence: Double = 0.95) -> (low: Int?, high: Int?) {
    let tail = (1 - confidence) / 2
    // The lowest `below` observations are all above the quantile with probability P(Bin(n, q) < rank); from the top the
    // same with 1 − q.
    let fromBottom = deepestRank(n: n, success: quantile, tail: tail)
    let fromTop = deepestRank(n: n, success: 1 - quantile, tail: tail)
    return (fromBottom > 0 ? fromBottom : nil, fromTop > 0 ? n + 1 - fromTop : nil)
  }

  /// What reports show of one side of a comparison: n, median and its 95 % interval.
  public static func side(_ values: [Double]) -> SideRecord {
    let estimate = medianEstimate(values)
    return SideRecord(n: values.count, median: estimate?.value, low: estimate?.low, high: estimate?.high)
  }

  static func median(sorted: [Double]) -> Double {
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : sorted[middle - 1] / 2 + sorted[middle] / 2
  }

  /// The largest k with P(Bin(n, success) ≤ k − 1) ≤ `tail`.
  private static func deepestRank(n: Int, success: Double, tail: Double) -> Int {
    guard success > 0, success < 1 else { return 0 }
    // In logarithms, for 0.99^36,887 and its like would be lost to rounding.
    var logTerm = Double(n) * log(1 - success)
    let logOdds = log(success / (1 - success))
    var cumulative = 0.0
    for k in 0..<n {
      cumulative += exp(logTerm)
      guard cumulative <= tail else { return k }
      logTerm += log(Double(n - k) / Double(k + 1)) + logOdds
    }
    return n
  }
}
