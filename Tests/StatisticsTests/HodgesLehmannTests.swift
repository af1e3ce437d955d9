import Foundation
import Statistics
import Testing

struct HodgesLehmannTests {
  // numpy.median of all Walsh averages
  @Test func pairedEstimateIsTheMedianOfWalshAverages() throws {
    let estimate = try #require(HodgesLehmann.paired(maize))
    #expect(estimate.value == 25)
    #expect(abs(try #require(estimate.low) + 1.0 / 6) < 1e-9)
  }

  // numpy.median of all differences; 6 is the largest k with P(U ≤ k − 1) ≤ 0.025, by itertools.combinations.
  @Test func unpairedEstimateIsTheMedianOfDifferences() throws {
    let (a, b) = ([1.1, 2.3, 3.7, 4.2, 5.5, 6.1], [4.4, 5.9, 7.2, 8.8, 9.1, 10.3])
    let estimate = try #require(HodgesLehmann.unpaired(a, b))
    #expect(abs(estimate.value - 3.6) < 1e-12)
    #expect(abs(try #require(estimate.low) - 0.7) < 1e-12)
    #expect(abs(try #require(estimate.high) - 6.6) < 1e-12)
  }

  @Test func constantFactorIsFoundExactly() throws {
    let a = [10.0, 12, 11, 14, 13, 9, 10.5]
    let paired = try #require(HodgesLehmann.pairedRatio(a, a.map { $0 * 4 }))
    #expect(abs(paired.value - 4) < 1e-9)
    #expect(abs(try #require(paired.low) - 4) < 1e-9)
    #expect(abs(try #require(paired.high) - 4) < 1e-9)
    let unpaired = try #require(HodgesLehmann.unpairedRatio(a, a.map { $0 * 4 }))
    #expect(abs(unpaired.value - 4) < 1e-9)
  }

  @Test func ratiosNeedValuesAboveZero() {
    #expect(HodgesLehmann.pairedRatio([1, 0], [1, 1]) == nil)
    #expect(HodgesLehmann.pairedRatio([1, 1], [1, -1]) == nil)
    #expect(HodgesLehmann.unpairedRatio([1, 0], [1, 1]) == nil)
    #expect(HodgesLehmann.pairedRatio([1, 2], [1]) == nil)
    #expect(HodgesLehmann.pairedRatio([], []) == nil)
    #expect(HodgesLehmann.unpaired([], [1]) == nil)
  }

  @Test func tooFewObservationsHaveAnEstimateWithoutBounds() {
    #expect(HodgesLehmann.paired([1, 2, 3]) == Estimate(value: 2, low: nil, high: nil))
    #expect(HodgesLehmann.unpaired([1, 2, 3], [2, 3, 4]) == Estimate(value: 1, low: nil, high: nil))
    // 2 / C(8, 4) = 0.029: 4 against 4 is the fewest.
    #expect(HodgesLehmann.unpaired([1, 2, 3, 4], [2, 3, 4, 5])?.low == -2)
  }

  @Test(arguments: [6, 10, 16, 20, 24]) func intervalContainsTheEstimate(n: Int) throws {
    var generator = SeededGenerator(seed: UInt64(n))
    for scale in [0.1, 1, 30] {
      // Exponentials of a wide uniform: as lopsided as measurements get, and more.
      let a = (0..<n).map { _ in exp(scale * Double.random(in: 0...1, using: &generator)) }
      let b = (0..<n).map { _ in exp(scale * Double.random(in: 0...1, using: &generator)) }
      let differences = zip(a, b).map { $1 - $0 }
      for estimate in [
        try #require(HodgesLehmann.paired(differences)), try #require(HodgesLehmann.pairedRatio(a, b)),
        try #require(HodgesLehmann.unpaired(a, b)), try #require(HodgesLehmann.unpairedRatio(a, b)),
      ] {
        #expect(try #require(estimate.low) <= estimate.value)
        #expect(try #require(estimate.high) >= estimate.value)
      }
    }
  }

  @Test func lopsidedDataWidenTheIntervalToHoldTheEstimate() throws {
    let estimate = try #require(HodgesLehmann.paired((0..<22).map { pow(10, Double($0)) }))
    #expect(try #require(estimate.low) == estimate.value)
  }

  @Test func swappingTheSidesInvertsTheRatio() throws {
    var generator = SeededGenerator(seed: 8)
    let a = (0..<10).map { _ in Double.random(in: 1...3, using: &generator) }
    let b = (0..<10).map { _ in Double.random(in: 2...5, using: &generator) }
    for (forward, backward) in [
      (try #require(HodgesLehmann.pairedRatio(a, b)), try #require(HodgesLehmann.pairedRatio(b, a))),
      (try #require(HodgesLehmann.unpairedRatio(a, b)), try #require(HodgesLehmann.unpairedRatio(b, a))),
    ] {
      #expect(abs(forward.value * backward.value - 1) < 1e-9)
      #expect(abs(try #require(forward.low) * (try #require(backward.high)) - 1) < 1e-9)
    }
  }

  @Test(arguments: [8, 21]) func unpairedIntervalIsWhatTheTestDoesNotReject(n: Int) throws {
    var generator = SeededGenerator(seed: 9)
    let a = (0..<n).map { _ in Double.random(in: 0...2, using: &generator) }
    let b = (0..<n).map { _ in Double.random(in: 1...3, using: &generator) }
    let estimate = try #require(HodgesLehmann.unpaired(a, b))
    let low = try #require(estimate.low)
    #expect(try #require(MannWhitney.test(a, b.map { $0 - low - 1e-9 })).p > 0.05)
    #expect(try #require(MannWhitney.test(a, b.map { $0 - low + 1e-9 })).p <= 0.05)
  }

  @Test func pairedIntervalCoversTheCentreAsOftenAsPromised() {
    var generator = SeededGenerator(seed: 10)
    let covered = (0..<1000).count { _ in
      let interval = HodgesLehmann.paired((0..<8).map { _ in Double.random(in: -1...1, using: &generator) })
      return (interval?.low ?? 1) <= 0 && (interval?.high ?? -1) >= 0
    }
    // 0.9531 by design (c = 6 of 256 patterns a side); the standard deviation of 1,000 draws is 0.0067.
    #expect(Double(covered) / 1000 >= 0.935)
  }
}
