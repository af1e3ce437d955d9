import Measurement
import Statistics
import Testing

struct VerdictRuleTests {
  static let throughput = Metric(id: "t", unit: "1/s", better: .higher, label: "t")
  static let latency = Metric(id: "l", unit: "s", better: .lower, floorAbsolute: 10e-6, label: "l")

  @Test func significantAndLargeIsCalledByPolarity() {
    let up = Change(ratio: 1.2, base: 1000)
    let down = Change(ratio: 0.8, base: 1000)
    #expect(VerdictRule.verdict(up, of: Self.throughput, p: 0.01).verdict == .improved)
    #expect(VerdictRule.verdict(down, of: Self.throughput, p: 0.01).verdict == .regressed)
    #expect(VerdictRule.verdict(up, of: Self.latency, p: 0.01).verdict == .regressed)
    #expect(VerdictRule.verdict(down, of: Self.latency, p: 0.01).verdict == .improved)
    #expect(VerdictRule.verdict(down, of: Self.latency, p: 0.05).verdict == .improved)
  }

  @Test func significantWithinEitherFloorIsNoChange() {
    #expect(
      VerdictRule.verdict(Change(ratio: 1.04, base: 1000), of: Self.throughput, p: 0.001).verdict == .noChangeFound)
    // 20 % of 40 µs are 8 µs, below the absolute floor of 10 µs.
    #expect(VerdictRule.verdict(Change(ratio: 1.2, base: 40e-6), of: Self.latency, p: 0.001).verdict == .noChangeFound)
    // 20 µs of 1 s are below the relative floor.
    let small = Change(difference: 20e-6, base: 1)
    #expect(VerdictRule.verdict(small, of: Self.latency, p: 0.001).verdict == .noChangeFound)
  }

  @Test func largeButNotSignificantIsInconclusive() {
    let called = VerdictRule.verdict(Change(ratio: 3, base: 1000), of: Self.throughput, p: 0.051)
    #expect(called.verdict == .inconclusive)
    #expect(called.reason == "large, but not significant")
  }

  @Test func smallAndNotSignificantIsNoChangeFound() {
    let called = VerdictRule.verdict(Change(ratio: 1.01, base: 1000), of: Self.throughput, p: 0.4)
    #expect(called.verdict == .noChangeFound)
    #expect(called.reason == nil)
  }

  @Test func testWithoutPowerSaysWhatItNeeds() {
    for ratio in [1.0, 3.0] {
      let called = VerdictRule.verdict(
        Change(ratio: ratio, base: 1000), of: Self.throughput, p: 0.25, repetitionsNeeded: 9)
      #expect(called.verdict == .inconclusive)
      #expect(called.reason == "needs at least 9 repetitions")
    }
  }

  @Test func appearingFromZeroIsALargeChange() {
    let metric = Metric(id: "exits.per_op", unit: "1", better: .lower, floorAbsolute: 0.1, label: "e")
    #expect(VerdictRule.verdict(Change(difference: 2, base: 0), of: metric, p: 0.001).verdict == .regressed)
    #expect(VerdictRule.verdict(Change(difference: 0, base: 0), of: metric, p: 1).verdict == .noChangeFound)
  }
}
