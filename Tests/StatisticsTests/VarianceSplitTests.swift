import Statistics
import Testing

struct VarianceSplitTests {
  /// 3 builds of 2 boots of 2 repetitions; only what `offset` gives differs.
  private func builds(_ offset: (_ build: Int, _ boot: Int, _ repetition: Int) -> Double) -> [[[Double]]] {
    (0..<3).map { build in (0..<2).map { boot in (0..<2).map { 10 + offset(build, boot, $0) } } }
  }

  @Test func varianceIsFoundAtTheLevelThatHasIt() throws {
    let builds = try #require(VarianceSplit(builds { build, _, _ in Double(build) }))
    #expect((builds.mean, builds.withinBoots, builds.betweenBoots, builds.betweenBuilds) == (11, 0, 0, 1))
    let boots = try #require(VarianceSplit(self.builds { _, boot, _ in Double(2 * boot) }))
    #expect((boots.withinBoots, boots.betweenBoots) == (0, 2))
    let repetitions = try #require(VarianceSplit(self.builds { _, _, repetition in Double(2 * repetition) }))
    #expect((repetitions.withinBoots, repetitions.halfWidth) == (2, 0))
  }

  // Kalibera & Jones: √(9 / 1 × 2 / 0.5) = 6 repetitions, √(16 / 9 × 0.5 / 0.5) = 1.33 boots.
  @Test func bestCountsWeighCostAgainstVariance() throws {
    var split = try #require(VarianceSplit(builds { build, _, _ in Double(build) }))
    (split.withinBoots, split.betweenBoots, split.betweenBuilds) = (2, 0.5, 0.5)
    #expect(split.bestCounts(repetition: 1, boot: 9, build: 16) == (6, 2))
    split.betweenBuilds = -0.1
    #expect(split.bestCounts(repetition: 1, boot: 9, build: 16) == (6, 2))
    split.betweenBoots = 0
    #expect(split.bestCounts(repetition: 1, boot: 9, build: 16) == (2, 1))
  }

  @Test func unevenOrSingleLevelsHaveNoSplit() {
    #expect(VarianceSplit([]) == nil)
    #expect(VarianceSplit([[[1, 2], [3, 4]]]) == nil)
    #expect(VarianceSplit([[[1, 2]], [[3, 4]]]) == nil)
    #expect(VarianceSplit([[[1], [2]], [[3], [4]]]) == nil)
    #expect(VarianceSplit([[[1, 2], [3]], [[4, 5], [6, 7]]]) == nil)
    #expect(VarianceSplit([[[1, 2], [3, 4]], [[4, 5]]]) == nil)
  }
}
