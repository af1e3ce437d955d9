/// Where the variance of a benchmark comes from: repetitions inside a boot, boots of a build, or builds (Kalibera & Jones,
/// "Rigorous Benchmarking in Reasonable Time", ISMM 2013, whose T₁², T₂² and T₃² these are).
///
/// Estimates of a variance between levels can be below zero where there is hardly any; they are given as they are, for to cut
/// them off would bias them.
public struct VarianceSplit: Sendable, Equatable {
  /// The mean of everything, in the unit of the observations.
  public var mean: Double
  /// Variance of repetitions inside a boot, in the square of that unit.
  public var withinBoots: Double
  /// Variance that boots of one build add.
  public var betweenBoots: Double
  /// Variance that builds add.
  public var betweenBuilds: Double
  /// Repetitions a boot, boots a build and builds.
  public var counts: (repetitions: Int, boots: Int, builds: Int)
  /// Half the width of the 95 % interval of the mean, by Student's t over the means of the builds.
  public var halfWidth: Double

  /// Splits `builds[build][boot][repetition]`; nil unless every boot has as many repetitions, every build as many boots, and
  /// there are two of each at least.
  public init?(_ builds: [[[Double]]]) {
    let boots = builds.flatMap { $0 }
    guard let repetitions = boots.first?.count, let bootCount = builds.first?.count, repetitions > 1, bootCount > 1,
      builds.count > 1, builds.allSatisfy({ $0.count == bootCount }), boots.allSatisfy({ $0.count == repetitions })
    else { return nil }
    let bootMeans = builds.map { $0.map(Self.mean) }
    let buildMeans = bootMeans.map(Self.mean)
    let spread = (
      repetitions: Self.mean(boots.map(Self.variance)), boots: Self.mean(bootMeans.map(Self.variance)),
      builds: Self.variance(buildMeans)
    )
    mean = Self.mean(buildMeans)
    withinBoots = spread.repetitions
    betweenBoots = spread.boots - spread.repetitions / Double(repetitions)
    betweenBuilds = spread.builds - spread.boots / Double(bootCount)
    counts = (repetitions, bootCount, builds.count)
    let quantile = StudentT.quantile(confidence: 0.95, degrees: Double(builds.count - 1))
    halfWidth = quantile * (spread.builds / Double(builds.count)).squareRoot()
  }

  /// Repetitions a boot and boots a build that give the narrowest interval for the time they take (as they have it); at
  /// least one each. A level that adds no variance needs no second one of what is above it: as many as there were are kept.
  ///
  /// - Parameters:
  ///   - repetition: seconds that one more repetition takes.
  ///   - boot: seconds that one more boot takes, without its repetitions.
  ///   - build: seconds that one more build takes, without its boots.
  public func bestCounts(repetition: Double, boot: Double, build: Double) -> (repetitions: Int, boots: Int) {
    func best(_ cost: Double, _ costAbove: Double, _ variance: Double, _ varianceAbove: Double, kept: Int) -> Int {
      guard variance > 0 else { return 1 }
      guard varianceAbove > 0 else { return kept }
      return max(1, Int((costAbove / cost * variance / varianceAbove).squareRoot().rounded(.up)))
    }
    return (
      best(repetition, boot, withinBoots, betweenBoots, kept: counts.repetitions),
      best(boot, build, betweenBoots, betweenBuilds, kept: counts.boots)
    )
  }

  /// Whether all numbers are the same.
  public static func == (a: VarianceSplit, b: VarianceSplit) -> Bool {
    a.mean == b.mean && a.withinBoots == b.withinBoots && a.betweenBoots == b.betweenBoots
      && a.betweenBuilds == b.betweenBuilds && a.counts == b.counts && a.halfWidth == b.halfWidth
  }

  private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

  private static func variance(_ values: [Double]) -> Double {
    let mean = mean(values)
    return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
  }
}
