import Foundation
import Measurement
import Statistics
import Testing

struct DetectableEffectTests {
  private static let latency = Metric(id: "latency.p50", unit: "s", better: .lower, floorRelative: 0.02, label: "")
  private static let throughput = Metric(
    id: "throughput.ops", unit: "1/s", better: .higher, floorRelative: 0.02, label: "")

  /// Standard normal numbers (Box & Muller, "A Note on the Generation of Random Normal Deviates", 1958).
  private static func normal(_ count: Int, _ generator: inout SeededGenerator) -> [Double] {
    (0..<count).map { _ in
      let radius = (-2 * log(Double.random(in: Double.leastNormalMagnitude..<1, using: &generator))).squareRoot()
      return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
    }
  }

  private static func pool(sigma: Double) -> [Double] {
    var generator = SeededGenerator(seed: 7)
    return normal(4000, &generator).map { sigma * $0 }
  }

  private static func effect(
    _ n: Int, tests: Int = 6, sigma: Double = 0.03, metric: Metric = latency, base: Double = 1e-3
  ) -> Double? {
    DetectableEffect(n: n, m: n, tests: tests, alpha: 0.05, resampling: Resampling())
      .relative(from: pool(sigma: sigma), pool(sigma: sigma), of: metric, base: base, draws: 1000)
  }

  /// The share of simulated comparisons, one of six with the effect, in which it is called.
  private static func power(_ n: Int, effect: Double, metric: Metric) -> Double {
    var generator = SeededGenerator(seed: 11)
    let factor = metric.better == .lower ? 1 + effect : 1 - effect
    let trials = 400
    let called = (0..<trials).count { _ in
      let a = normal(n, &generator).map { exp(0.03 * $0) }
      let b = normal(n, &generator).map { factor * exp(0.03 * $0) }
      let others = (0..<5).map { _ in Double.random(in: 0.3...1, using: &generator) }
      guard let p = MannWhitney.test(a, b)?.p, let ratio = HodgesLehmann.unpairedRatio(a, b) else { return false }
      return VerdictRule.verdict(
        Change(ratio: ratio.value, base: 1), of: metric, p: Holm.adjusted([p] + others)[0]
      ).verdict == .regressed
    }
    return Double(called) / Double(trials)
  }

  @Test(arguments: [6, 10]) func theEffectIsCalledInFourOfFiveSimulatedComparisons(n: Int) throws {
    let up = try #require(Self.effect(n))
    let down = try #require(Self.effect(n, metric: Self.throughput))
    #expect(abs(Self.power(n, effect: up, metric: Self.latency) - 0.8) < 0.06)
    #expect(abs(Self.power(n, effect: down, metric: Self.throughput) - 0.8) < 0.06)
  }

  @Test func moreBootsFindLess() throws {
    let effects = try [5, 10, 20].map { try #require(Self.effect($0)) }
    #expect(effects == effects.sorted(by: >))
    #expect(effects[2] < 0.6 * effects[0])
  }

  @Test func whatNeverVariesIsFoundJustBeyondItsFloor() throws {
    let still = DetectableEffect(n: 10, m: 10, tests: 1, alpha: 0.05, resampling: Resampling())
    let effect = try #require(still.relative(from: [0], [0], of: Self.latency, base: 1e-3))
    #expect(abs(effect - 0.02) < 1e-12)
  }

  @Test func anAbsoluteFloorCountsAgainstTheMedian() throws {
    var metric = Self.latency
    metric.floorAbsolute = 10e-6
    let still = DetectableEffect(n: 10, m: 10, tests: 1, alpha: 0.05, resampling: Resampling())
    #expect(abs(try #require(still.relative(from: [0], [0], of: metric, base: 20e-6)) - 0.5) < 1e-12)
  }

  @Test func tooFewBootsFindNothing() {
    #expect(Self.effect(3) == nil)
    #expect(Self.effect(5, tests: 7) == nil)
    #expect(Self.effect(5, tests: 6) != nil)
  }

  @Test func spreadIsAboutItsMedianAndAsWideAsWhereItComesFrom() throws {
    let spread = try #require(DetectableEffect.spread([1, 2, 4]))
    #expect(zip(spread, [-1, 0, 1]).allSatisfy { abs($0 - $1 * log(2) * 1.5.squareRoot()) < 1e-12 })
    #expect(DetectableEffect.spread([1]) == nil)
    #expect(DetectableEffect.spread([0, 1]) == nil)
  }
}
