import Statistics
import Testing

struct ChangePointsTests {
  /// `levels` of 40 nights each, with uniform noise of ±1 %.
  private func nights(_ levels: [Double], seed: UInt64) -> [Double] {
    var generator = SeededGenerator(seed: seed)
    return levels.flatMap { level in
      (0..<40).map { _ in level * Double.random(in: 0.99...1.01, using: &generator) }
    }
  }

  @Test func everyStepIsFoundWhereItIs() {
    let points = ChangePoints().find(in: nights([100, 105, 99, 120], seed: 1))
    #expect(points.map(\.index) == [40, 80, 120])
    #expect(points.allSatisfy { $0.p < 0.001 })
    #expect(abs((points.first?.magnitude ?? 0) - 0.05) < 0.01)
  }

  @Test func stepsBelowTheFloorAreMergedAway() {
    let nights = nights([100, 105, 99, 120], seed: 1)
    #expect(ChangePoints(minimumMagnitude: 0.1).find(in: nights).map(\.index) == [120])
  }

  @Test(arguments: 1...20) func noiseAloneHasNoChangePointsAboveTheFloor(seed: Int) {
    let nights = nights([100, 100, 100, 100], seed: UInt64(seed))
    #expect(ChangePoints(minimumMagnitude: 0.02).find(in: nights) == [])
  }

  @Test func levelsWithoutAnyNoiseAreToldApart() {
    let steps = [Double](repeating: 3, count: 10) + [Double](repeating: 4, count: 10)
    #expect(ChangePoints().find(in: steps).map(\.index) == [10])
    #expect(ChangePoints().find(in: [Double](repeating: 3, count: 60)) == [])
  }

  /// Steps, drifts, ties and repeated values of every length, looked at night by night.
  @Test(arguments: 1...30) func theSearchThatGoesOnAgreesWithTheOneFromNothing(seed: Int) {
    var generator = SeededGenerator(seed: UInt64(seed))
    var level = 100.0
    let levels = (0..<6).map { _ in
      level *= [1, 1.05, 0.9, 1.2].randomElement(using: &generator) ?? 1
      return level
    }
    let noisy = nights(levels, seed: UInt64(seed))
    for series in [noisy, noisy.map { ($0 / 5).rounded() }] {
      let finder = ChangePoints(window: 20, minimumMagnitude: 0.02)
      var progress = ChangePoints.Progress()
      for count in 1...series.count {
        let nights = Array(series.prefix(count))
        let points = finder.find(in: nights, continuing: &progress)
        #expect(points == finder.find(in: nights))
      }
    }
  }

  @Test func onlyTheLastWindowIsLookedAtAgain() {
    var progress = ChangePoints.Progress()
    let series = nights([100, 105, 99, 120], seed: 1)
    _ = ChangePoints().find(in: series, continuing: &progress)
    #expect(progress.next > series.count - 50)
    #expect(Set([40, 80]).isSubset(of: progress.candidates))
  }

  @Test func shortSeriesHaveNone() {
    for series: [Double] in [[], [1], [1, 9], [2, 1, 9]] { #expect(ChangePoints().find(in: series) == []) }
  }
}
