import Foundation

/// Shift estimates by Hodges and Lehmann ("Estimates of Location Based on Rank Tests", 1963) with the interval that inverts
/// the test which goes with them. Ratios are estimated as differences of logarithms and so need values above zero; where
/// zero is a possible value, ask for the difference (methodology, section 4).
public enum HodgesLehmann {
  /// The centre of paired differences: the median of their Walsh averages (of every two, and of each with itself), and the
  /// interval of `SignFlip.interval`. As that inverts a test of the sum, very lopsided data can put the estimate outside: the
  /// interval is then widened to hold it, which never lowers its confidence. Nil without differences; bounds are nil for 5
  /// pairs or fewer.
  public static func paired(_ differences: [Double], resampling: Resampling = Resampling()) -> Estimate? {
    guard !differences.isEmpty else { return nil }
    var averages: [Double] = []
    averages.reserveCapacity(differences.count * (differences.count + 1) / 2)
    for (index, first) in differences.enumerated() {
      for second in differences[index...] { averages.append(first / 2 + second / 2) }
    }
    let value = OrderStatistics.median(sorted: averages.sorted())
    let bounds = SignFlip.interval(differences, resampling: resampling)
    return Estimate(value: value, low: bounds.low.map { min($0, value) }, high: bounds.high.map { max($0, value) })
  }

  /// The ratio b/a of paired observations; nil where there are none, the counts differ or a value is not above zero.
  public static func pairedRatio(_ a: [Double], _ b: [Double], resampling: Resampling = Resampling()) -> Estimate? {
    guard a.count == b.count, (a + b).allSatisfy({ $0 > 0 }) else { return nil }
    return paired(zip(a, b).map { log($1) - log($0) }, resampling: resampling)?.mapped(exp)
  }

  /// The shift from `a` to `b`, independent sets: the median of all differences b − a, between the order statistics that
  /// invert the Mann–Whitney test without ties (ties make it conservative). Nil where a side is empty; bounds are nil where
  /// that test cannot reach 5 % (3 against 4 observations, say).
  public static func unpaired(_ a: [Double], _ b: [Double], resampling: Resampling = Resampling()) -> Estimate? {
    guard !a.isEmpty, !b.isEmpty else { return nil }
    let differences = a.flatMap { first in b.map { $0 - first } }.sorted()
    let depth = MannWhitney.intervalDepth(a.count, b.count, tail: 0.025, resampling: resampling)
    return Estimate(
      value: OrderStatistics.median(sorted: differences), low: depth > 0 ? differences[depth - 1] : nil,
      high: depth > 0 ? differences[differences.count - depth] : nil)
  }

  /// The ratio b/a of independent sets; nil where a side is empty or a value is not above zero.
  public static func unpairedRatio(_ a: [Double], _ b: [Double], resampling: Resampling = Resampling()) -> Estimate? {
    guard (a + b).allSatisfy({ $0 > 0 }) else { return nil }
    return unpaired(a.map { log($0) }, b.map { log($0) }, resampling: resampling)?.mapped(exp)
  }
}
