/// What a test says.
public struct TestResult: Sendable, Equatable {
  /// Two-sided p.
  public var p: Double
  /// False where it was resampled.
  public var isExact: Bool

  /// A result; see the properties.
  public init(p: Double, isExact: Bool) {
    self.p = p
    self.isExact = isExact
  }
}

/// The two-sided Mann–Whitney U test for two independent sets of observations (Mann & Whitney, "On a Test of Whether One of
/// Two Random Variables Is Stochastically Larger than the Other", 1947): exact to 20 observations a side, by resampling
/// beyond.
///
/// With ties it is the permutation test of the midranks, twice the smaller tail with the observed value in it: conservative,
/// and the same as the exact test where there are none.
public enum MannWhitney {
  /// The name that results carry.
  public static let name = "Mann–Whitney U"
  /// Most observations a side for which every arrangement is counted.
  public static let exactLimit = 20

  /// Tests whether `a` and `b` come from one distribution; nil where a side is empty.
  public static func test(_ a: [Double], _ b: [Double], resampling: Resampling = Resampling()) -> TestResult? {
    guard !a.isEmpty, !b.isEmpty else { return nil }
    let ranks = doubledMidranks(a + b)
    let sums = (a: ranks[..<a.count].reduce(0, +), b: ranks[a.count...].reduce(0, +))
    // Either side will do. Taking the one with fewer observations, or the lower one, makes resamples the same when the
    // sides are swapped.
    let usesA = (a.count, sums.a) <= (b.count, sums.b)
    let (chosen, observed) = usesA ? (a.count, sums.a) : (b.count, sums.b)
    if isExact(a.count, b.count) {
      let ways = rankSumDistribution(of: ranks, choosing: chosen)
      let lower = ways[...observed].reduce(0, +)
      let upper = ways[observed...].reduce(0, +)
      return TestResult(p: min(1, 2 * min(lower, upper) / ways.reduce(0, +)), isExact: true)
    }
    let draws = resampledRankSums(of: ranks, choosing: chosen, resampling: resampling)
    let lower = draws.count { $0 <= observed }
    let upper = draws.count { $0 >= observed }
    return TestResult(p: min(1, 2 * resampling.pValue(extremes: min(lower, upper))), isExact: false)
  }

  /// U of `a`: how many of the pairs have the greater value in `a`, a tie counting half. Nil where a side is empty.
  public static func statistic(_ a: [Double], _ b: [Double]) -> Double? {
    guard !a.isEmpty, !b.isEmpty else { return nil }
    let rankSum = doubledMidranks(a + b)[..<a.count].reduce(0, +)
    return Double(rankSum - a.count * (a.count + 1)) / 2
  }

  /// The smallest p that the test can give: 0.0022 for 6 and 6, 0.00001 for 10 and 10.
  public static func smallestP(_ n: Int, _ m: Int, resampling: Resampling = Resampling()) -> Double {
    guard n > 0, m > 0 else { return 1 }
    guard isExact(n, m) else { return min(1, 2 * resampling.pValue(extremes: 0)) }
    // n + m over n, multiplied and divided in turn so that every step is a whole number.
    let arrangements = (1...n).reduce(1.0) { $0 * Double(m + $1) / Double($1) }
    return min(1, 2 / arrangements)
  }

  /// The largest k such that "U ≤ k − 1" has at most probability `tail` without ties: the k-th smallest and k-th largest of
  /// the n·m differences are then the bounds of the interval that inverts this test (Hollander, Wolfe & Chicken,
  /// "Nonparametric Statistical Methods", 3rd edition, section 4.3). 0 where not even the extreme ones are.
  static func intervalDepth(_ n: Int, _ m: Int, tail: Double, resampling: Resampling) -> Int {
    let ranks = (1...(n + m)).map { 2 * $0 }
    if isExact(n, m) {
      let smallest = n * (n + 1)  // the doubled rank sum at U = 0
      let ways = rankSumDistribution(of: ranks, choosing: n)
      let total = ways.reduce(0, +)
      var cumulative = 0.0
      for u in 0...(n * m) {
        cumulative += ways[smallest + 2 * u]
        if cumulative / total > tail { return u }
      }
      return n * m
    }
    // The same draws as the test's: U ≤ k − 1 is rejected while (count + 1) / (B + 1) ≤ tail. With equal
    // sides the test looks at the lower end only, otherwise at either: then the more cautious one counts.
    let fewer = min(n, m)
    let draws = resampledRankSums(of: ranks, choosing: fewer, resampling: resampling).sorted()
    let allowed = Int(tail * Double(resampling.count + 1)) - 1
    guard draws.indices.contains(allowed) else { return 0 }
    let fromBottom = draws[allowed] - fewer * (fewer + 1)
    let fromTop = 2 * n * m + fewer * (fewer + 1) - draws[draws.count - 1 - allowed]
    return (n == m ? fromBottom : min(fromBottom, fromTop)) / 2
  }

  private static func isExact(_ n: Int, _ m: Int) -> Bool { max(n, m) <= exactLimit }

  /// Twice the midrank of every value, so that ties stay whole numbers.
  static func doubledMidranks(_ values: [Double]) -> [Int] {
    let order = values.indices.sorted { values[$0] < values[$1] }
    var ranks = [Int](repeating: 0, count: values.count)
    var start = 0
    while start < order.count {
      var end = start + 1
      while end < order.count, values[order[end]] == values[order[start]] { end += 1 }
      for position in start..<end { ranks[order[position]] = start + 1 + end }
      start = end
    }
    return ranks
  }

  /// In how many ways `choosing` of the ranks add up to each sum. Counts stay below C(40, 20) < 2^53: exact in a Double.
  private static func rankSumDistribution(of ranks: [Int], choosing chosen: Int) -> [Double] {
    let highest = ranks.reduce(0, +)
    var ways = [[Double]](repeating: [Double](repeating: 0, count: highest + 1), count: chosen + 1)
    ways[0][0] = 1
    var reached = 0
    for rank in ranks {
      for size in stride(from: chosen, to: 0, by: -1) {
        for sum in 0...reached where ways[size - 1][sum] > 0 { ways[size][sum + rank] += ways[size - 1][sum] }
      }
      reached += rank
    }
    return ways[chosen]
  }

  private static func resampledRankSums(of ranks: [Int], choosing chosen: Int, resampling: Resampling) -> [Int] {
    var generator = SeededGenerator(seed: resampling.seed)
    var pool = ranks.sorted()  // so that the order of the observations does not matter
    return (0..<resampling.count).map { _ in
      // A partial Fisher–Yates shuffle: the first `chosen` are a fair draw, whatever order the pool was left in.
      for index in 0..<chosen { pool.swapAt(index, Int.random(in: index..<pool.count, using: &generator)) }
      return pool[..<chosen].reduce(0, +)
    }
  }
}
