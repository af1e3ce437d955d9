import Measurement
import Statistics
import Testing

struct OrderStatisticsTests {
  @Test func medianOfOddAndEvenCounts() {
    #expect(OrderStatistics.median([3, 1, 2]) == 2)
    #expect(OrderStatistics.median([4, 1, 3, 2]) == 2.5)
    #expect(OrderStatistics.median([7]) == 7)
    #expect(OrderStatistics.median([]) == nil)
  }

  // scipy.stats.binom: largest k with cdf(k − 1, n, q) ≤ 0.025, smallest with sf(k − 1, n, q) ≤ 0.025.
  @Test(
    arguments: [
      (5, 0.5, nil, nil), (6, 0.5, 1, 6), (10, 0.5, 2, 9), (20, 0.5, 6, 15), (25, 0.5, 8, 18), (100, 0.9, 84, 96),
      (367, 0.99, 359, nil), (368, 0.99, 360, 368), (1000, 0.99, 983, 997), (36_886, 0.9999, 36_878, nil),
      (36_887, 0.9999, 36_879, 36_887),
    ] as [(Int, Double, Int?, Int?)])
  func ranksAreThoseOfTheBinomial(n: Int, quantile: Double, low: Int?, high: Int?) {
    let ranks = OrderStatistics.ranks(n: n, quantile: quantile)
    #expect(ranks.low == low)
    #expect(ranks.high == high)
  }

  @Test func intervalIsFiniteFromSixValuesOn() {
    #expect(OrderStatistics.medianEstimate([5, 1, 4, 2, 3]) == Estimate(value: 3, low: nil, high: nil))
    #expect(OrderStatistics.medianEstimate([5, 1, 4, 2, 3, 6]) == Estimate(value: 3.5, low: 1, high: 6))
    #expect(OrderStatistics.medianEstimate([]) == nil)
  }

  @Test(arguments: [0.5, 0.99, 0.999, 0.9999]) func neededSamplesAreExactlyEnough(quantile: Double) {
    let needed = Histogram.samplesNeeded(forQuantile: quantile)
    #expect(OrderStatistics.ranks(n: needed, quantile: quantile).high != nil)
    #expect(OrderStatistics.ranks(n: needed - 1, quantile: quantile).high == nil)
  }

  @Test func quantilesNeedValuesAndAShareOfThem() {
    #expect(OrderStatistics.quantile([], 0.5) == nil)
    #expect(OrderStatistics.quantile([1, 2], 1.1) == nil)
    #expect(OrderStatistics.quantile([3, 1], .nan) == nil)
    #expect(OrderStatistics.quantile([3, 1], 0) == 1)
    #expect(OrderStatistics.quantile([3, 1], 1) == 3)
    #expect(OrderStatistics.quantileEstimate([], quantile: 0.5) == nil)
    #expect(OrderStatistics.quantileEstimate([3, 1], quantile: 1) == Estimate(value: 3, low: nil, high: nil))
  }

  @Test func degenerateQuantilesHaveNoInterval() {
    #expect(OrderStatistics.ranks(n: 100, quantile: 0).low == nil)
    #expect(OrderStatistics.ranks(n: 100, quantile: 1).high == nil)
    #expect(OrderStatistics.ranks(n: 0, quantile: 0.5).low == nil)
  }

  @Test(arguments: [6, 7, 10, 15]) func intervalCoversTheMedianAtLeastAsOftenAsPromised(n: Int) {
    var generator = SeededGenerator(seed: UInt64(n))
    let covered = (0..<2000).count { _ in
      // Cubes of a symmetric variable: heavy tails, true median 0.
      let draws = (0..<n).map { _ in Double.random(in: -1...1, using: &generator) }.map { $0 * $0 * $0 }
      let estimate = OrderStatistics.medianEstimate(draws)
      return (estimate?.low ?? 1) <= 0 && (estimate?.high ?? -1) >= 0
    }
    #expect(Double(covered) / 2000 >= 0.95)
  }

  @Test func sideHasTheMedianAndItsInterval() {
    #expect(OrderStatistics.side([1, 2, 3, 4, 5, 6]) == SideRecord(n: 6, median: 3.5, low: 1, high: 6))
    #expect(OrderStatistics.side([]) == SideRecord(n: 0, median: nil, low: nil, high: nil))
  }
}

struct SeededGeneratorTests {
  // The reference sequence of splitmix64 for this seed (Vigna, prng.di.unimi.it/splitmix64.c).
  @Test func sequenceIsTheReferenceOne() {
    var generator = SeededGenerator(seed: 1_234_567)
    let sequence = (0..<3).map { _ in generator.next() }
    #expect(sequence == [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423])
  }
}
