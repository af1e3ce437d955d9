/// The two-sided paired sign-flip permutation test (Fisher, "The Design of Experiments", 1935, chapter III): under the
/// hypothesis that the two sides of a pair are exchangeable, each difference could as well have had the other sign. The
/// statistic is the sum of the differences. Exact to 16 pairs (2^16 sign patterns), by resampling beyond.
public enum SignFlip {
  /// The name that results carry.
  public static let name = "sign-flip (paired)"
  /// Most pairs for which every sign pattern is tried.
  public static let exactLimit = 16

  /// Tests whether paired `differences` are symmetric about zero; nil without any.
  public static func test(_ differences: [Double], resampling: Resampling = Resampling()) -> TestResult? {
    guard !differences.isEmpty else { return nil }
    let total = differences.reduce(0, +)
    // Sums of the same numbers in another order differ by rounding: what is this close is a tie, which is conservative.
    let slack = 1e-12 * differences.reduce(0) { $0 + abs($1) }
    let isExact = differences.count <= exactLimit
    let flipped = flips(of: differences, resampling: resampling)
    let extremes = flipped.count { abs(total - 2 * $0.sum) >= abs(total) - slack }
    return isExact
      ? TestResult(p: Double(extremes) / Double(flipped.count), isExact: true)
      : TestResult(p: resampling.pValue(extremes: extremes), isExact: false)
  }

  /// The smallest p that the test can give: 0.031 for 6 pairs, 0.00195 for 10.
  public static func smallestP(_ n: Int, resampling: Resampling = Resampling()) -> Double {
    guard n > 0 else { return 1 }
    return n <= exactLimit ? 2 / Double(1 << n) : resampling.pValue(extremes: 0)
  }

  /// Fewest pairs with which `tests` tests under Holm at `alpha` can find anything at all.
  public static func pairsNeeded(forTests tests: Int, alpha: Double, resampling: Resampling = Resampling()) -> Int? {
    (1...(exactLimit + 1)).first { smallestP($0, resampling: resampling) * Double(tests) <= alpha }
  }

  /// The centres that the very test does not reject at `1 − confidence`: an interval whose ends are order statistics of the
  /// means of subsets of the differences (Hartigan, "Using Subsample Values as Typical Values", 1969). A pattern that flips
  /// the subset F is at least as extreme above a centre c as the data exactly where mean(F) ≤ c, so that
  /// counting subset means is inverting the test. Nil bounds where n (5 or fewer for 95 %) is too small.
  public static func interval(
    _ differences: [Double], confidence: Double = 0.95, resampling: Resampling = Resampling()
  ) -> (low: Double?, high: Double?) {
    let n = differences.count
    guard n > 0 else { return (nil, nil) }
    let total = differences.reduce(0, +)
    let patterns = flips(of: differences, resampling: resampling)
    // A pattern and its opposite are equally extreme, on either side of the centre. Enumeration has both already.
    var means: [Double] = []
    means.reserveCapacity(2 * patterns.count)
    var always = 0  // patterns that flip nothing or everything are as extreme as the data, whatever the centre
    for pattern in patterns {
      if pattern.size == 0 { always += 1 } else { means.append(pattern.sum / Double(pattern.size)) }
      if n > exactLimit {
        let rest = n - pattern.size
        if rest == 0 { always += 1 } else { means.append((total - pattern.sum) / Double(rest)) }
      }
    }
    means.sort()
    // How many patterns may be as extreme as the data where the test rejects. Enumerated, they come in pairs of opposites,
    // of which the list of means has one each.
    let alpha = 1 - confidence + 1e-12
    let rejected =
      n > exactLimit
      ? Int(alpha * Double(resampling.count + 1)) - 1 - always
      : Int(alpha * Double(patterns.count) / 2) - always
    guard rejected >= 0, rejected < means.count else { return (nil, nil) }
    return (means[rejected], means[means.count - 1 - rejected])
  }

  /// Sum and size of the flipped subset, for every subset or for the resampled ones.
  private static func flips(of differences: [Double], resampling: Resampling) -> [(sum: Double, size: Int)] {
    guard differences.count > exactLimit else {
      // Each difference doubles the list: everything so far without it, then with it.
      return differences.reduce([(sum: 0.0, size: 0)]) { subsets, difference in
        subsets + subsets.map { (sum: $0.sum + difference, size: $0.size + 1) }
      }
    }
    var generator = SeededGenerator(seed: resampling.seed)
    return (0..<resampling.count).map { _ in
      var subset = (sum: 0.0, size: 0)
      var bits: UInt64 = 0
      for (index, difference) in differences.enumerated() {
        if index % 64 == 0 { bits = generator.next() }
        if bits & 1 != 0 { subset = (subset.sum + difference, subset.size + 1) }
        bits >>= 1
      }
      return subset
    }
  }
}
