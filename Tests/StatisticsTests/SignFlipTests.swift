import Statistics
import Testing

/// Height differences of crossed and self-fertilised maize in eighths of an inch (Darwin 1876; the example of Fisher,
/// "The Design of Experiments", chapter III).
let maize: [Double] = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]

struct SignFlipTests {
  // Fisher's own count: 1,726 of 32,768 arrangements; scipy.stats.permutation_test, permutation_type='samples', agrees.
  @Test func pAgreesWithFisher() throws {
    let result = try #require(SignFlip.test(maize))
    #expect(result == TestResult(p: 1726.0 / 32768, isExact: true))
    #expect(try #require(SignFlip.test(Array(maize[..<8]))).p == 0.3359375)
  }

  // Methodology, section 4.
  @Test func smallestPIsReachedWhereAllSignsAgree() throws {
    for n in [6, 10, 16] {
      let result = try #require(SignFlip.test((1...n).map(Double.init)))
      #expect(result.p == SignFlip.smallestP(n))
    }
    #expect(SignFlip.smallestP(6) == 0.03125)
    #expect(SignFlip.smallestP(10) == 0.001953125)
    #expect(SignFlip.smallestP(17) == 0.0001)
    #expect(SignFlip.smallestP(0) == 1)
  }

  @Test func beyondSixteenPairsItResamplesWithItsSeed() throws {
    let data = maize + [5, -3, 12]
    let result = try #require(SignFlip.test(data))
    #expect(!result.isExact)
    #expect(SignFlip.test(data) == result)
    // numpy over all 2^18 patterns: 0.042686; 9,999 resamples have a standard deviation of 0.002.
    #expect(abs(result.p - 0.042686) < 0.008)
    #expect(try #require(SignFlip.test([Double](repeating: 1, count: 40))).p == 0.0001)
  }

  @Test func nothingButZerosIsNoDifference() {
    #expect(SignFlip.test([0, 0, 0, 0, 0, 0])?.p == 1)
    #expect(SignFlip.test([]) == nil)
  }

  @Test func roundingDoesNotBreakTies() {
    // Every pattern with two plus and two minus signs sums to zero, if it were not for rounding.
    #expect(SignFlip.test([0.1, 0.1, 0.1, -0.1])?.p == SignFlip.test([1, 1, 1, -1])?.p)
  }

  @Test func fewestPairsForAFamilyOfTests() {
    #expect(SignFlip.pairsNeeded(forTests: 1, alpha: 0.05) == 6)
    #expect(SignFlip.pairsNeeded(forTests: 10, alpha: 0.05) == 9)
    #expect(SignFlip.pairsNeeded(forTests: 25, alpha: 0.05) == 10)
    #expect(SignFlip.pairsNeeded(forTests: 26, alpha: 0.05) == 11)
    #expect(SignFlip.pairsNeeded(forTests: 1_000_000, alpha: 0.05) == nil)
  }

  // Subset means by itertools.combinations: the ⌊0.05 · 2^14⌋-th from either end.
  @Test func intervalIsMadeOfSubsetMeans() throws {
    let interval = SignFlip.interval(maize)
    #expect(abs(try #require(interval.low) + 1.0 / 6) < 1e-9)
    #expect(abs(try #require(interval.high) - 41) < 1e-9)
  }

  @Test func intervalIsExactlyWhatTheTestDoesNotReject() throws {
    var generator = SeededGenerator(seed: 5)
    for n in [6, 9, 12, 18] {
      let data = (0..<n).map { _ in Double.random(in: -1...3, using: &generator) }
      let interval = SignFlip.interval(data)
      let (low, high) = (try #require(interval.low), try #require(interval.high))
      for (inside, outside) in [(low + 1e-7, low - 1e-7), (high - 1e-7, high + 1e-7)] {
        #expect(try #require(SignFlip.test(data.map { $0 - inside })).p > 0.05)
        #expect(try #require(SignFlip.test(data.map { $0 - outside })).p <= 0.05)
      }
    }
  }

  @Test func fivePairsHaveNoFiniteInterval() {
    #expect(SignFlip.interval([1, 2, 3, 4, 5]).low == nil)
    #expect(SignFlip.interval([1, 2, 3, 4, 5]).high == nil)
    #expect(SignFlip.interval([1, 2, 3, 4, 5, 6]).low == 1)
    #expect(SignFlip.interval([1, 2, 3, 4, 5, 6]).high == 6)
    #expect(SignFlip.interval([]).low == nil)
  }
}
