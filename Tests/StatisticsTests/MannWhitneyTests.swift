import Statistics
import Testing

struct MannWhitneyTests {
  // scipy.stats.mannwhitneyu(a, b, method='exact')
  @Test func pAgreesWithScipyWithoutTies() throws {
    let textbook = try #require(MannWhitney.test([19, 22, 16, 29, 24], [20, 11, 17, 12]))
    #expect(abs(textbook.p - 0.1111111111111111) < 1e-12)
    #expect(textbook.isExact)
    let other = try #require(MannWhitney.test([1.1, 2.3, 3.7, 4.2, 5.5, 6.1], [4.4, 5.9, 7.2, 8.8, 9.1, 10.3]))
    #expect(abs(other.p - 0.015151515151515152) < 1e-12)
  }

  // scipy.stats.permutation_test of the midrank sum, permutation_type='independent', n_resamples=inf
  @Test func pAgreesWithScipyWithTies() throws {
    let result = try #require(MannWhitney.test([1, 2, 2, 3, 4, 4, 5], [2, 4, 4, 5, 5, 6]))
    #expect(abs(result.p - 0.14685314685314685) < 1e-12)
  }

  // Methodology, section 4.
  @Test func smallestPIsReachedByCompleteSeparation() throws {
    for n in [6, 10, 20] {
      let low = (0..<n).map(Double.init)
      let result = try #require(MannWhitney.test(low, low.map { $0 + 100 }))
      #expect(abs(result.p / MannWhitney.smallestP(n, n) - 1) < 1e-9)
    }
    #expect(abs(MannWhitney.smallestP(6, 6) - 0.0022) < 0.00005)
    #expect(abs(MannWhitney.smallestP(10, 10) - 0.00001) < 0.000001)
  }

  @Test func beyondTwentyASideItResamplesWithItsSeed() throws {
    let a = (0..<25).map { Double($0 * 7 % 25) }
    let b = a.map { $0 + 6.5 }
    let result = try #require(MannWhitney.test(a, b))
    #expect(!result.isExact)
    #expect(MannWhitney.test(a, b) == result)
    #expect(MannWhitney.test(b, a) == result)
    #expect(MannWhitney.test(a.reversed(), b) == result)
    // mannwhitneyu(a, b, method='exact'): 0.005495; 9,999 resamples have a standard deviation of 0.001.
    #expect(abs(result.p - 0.005495) < 0.004)
    let separated = try #require(MannWhitney.test(a, a.map { $0 + 100 }))
    #expect(separated.p == MannWhitney.smallestP(25, 25))
    #expect(separated.p == 0.0002)
  }

  @Test func equalSidesAreNotDifferent() throws {
    #expect(try #require(MannWhitney.test([3, 3, 3, 3, 3, 3], [3, 3, 3, 3, 3, 3])).p == 1)
    #expect(try #require(MannWhitney.test([1, 2, 3], [1, 2, 3])).p == 1)
  }

  @Test func emptySidesHaveNoResult() {
    #expect(MannWhitney.test([], [1]) == nil)
    #expect(MannWhitney.test([1], []) == nil)
    #expect(MannWhitney.statistic([], [1]) == nil)
    #expect(MannWhitney.smallestP(0, 5) == 1)
  }

  @Test func swappingTheSidesOrTheirOrderChangesNothing() throws {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<50 {
      // Few different values, so that most sets have ties.
      let a = (0..<7).map { _ in Double(Int.random(in: 0...9, using: &generator)) }
      let b = (0..<9).map { _ in Double(Int.random(in: 2...11, using: &generator)) }
      let p = try #require(MannWhitney.test(a, b)).p
      #expect(try #require(MannWhitney.test(b, a)).p == p)
      #expect(try #require(MannWhitney.test(a.reversed(), b.map { $0 })).p == p)
      #expect(p >= MannWhitney.smallestP(7, 9))
      #expect(p <= 1)
    }
  }

  @Test func falsePositivesStayBelowTheLevel() {
    var generator = SeededGenerator(seed: 4)
    let positives = (0..<1000).count { _ in
      let a = (0..<6).map { _ in Double.random(in: 0...1, using: &generator) }
      let b = (0..<6).map { _ in Double.random(in: 0...1, using: &generator) }
      return (MannWhitney.test(a, b)?.p ?? 0) <= 0.05
    }
    // The exact level at n = 6 is 0.0411; 1,000 draws have a standard deviation of 0.0063.
    #expect(positives <= 60)
    #expect(positives >= 20)
  }
}
