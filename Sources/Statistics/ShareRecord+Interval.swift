import Foundation
import Measurement

extension ShareRecord {
  /// `count` of `comparisons` with the exact interval of the share (Clopper & Pearson, "The Use of Confidence or Fiducial Limits
  /// Illustrated in the Case of the Binomial", 1934).
  public init(_ count: Int, of comparisons: Int, confidence: Double = 0.95) {
    let tail = (1 - confidence) / 2
    // The lower limit is the share with which as many or more would be this rare, the upper one the same for as many or fewer.
    let low = count == 0 ? 0 : Self.share { 1 - Self.atMost(count - 1, of: comparisons, share: $0) > tail }
    let high = count == comparisons ? 1 : Self.share { Self.atMost(count, of: comparisons, share: $0) < tail }
    self.init(comparisons: comparisons, count: count, low: low, high: high)
  }

  /// The share from which on `isReached` holds; by bisection.
  private static func share(_ isReached: (Double) -> Bool) -> Double {
    var (low, high) = (0.0, 1.0)
    while true {
      let middle = (low + high) / 2
      guard middle > low, middle < high else { return middle }
      if isReached(middle) { high = middle } else { low = middle }
    }
  }

  /// P(Bin(n, share) ≤ k).
  private static func atMost(_ k: Int, of n: Int, share: Double) -> Double {
    guard share > 0 else { return 1 }
    guard share < 1 else { return k >= n ? 1 : 0 }
    return (0...k).reduce(0) { sum, i in
      let ways = lgamma(Double(n + 1)) - lgamma(Double(i + 1)) - lgamma(Double(n - i + 1))
      return sum + exp(ways + Double(i) * log(share) + Double(n - i) * log1p(-share))
    }
  }
}
