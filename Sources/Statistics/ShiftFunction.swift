import Measurement

/// How far apart two distributions are, quantile by quantile (Doksum, "Empirical Probability Plots and Statistical Inference for
/// Nonlinear Models in the Two-Sample Case", 1974): a shift of the tail alone, which no median shows, is seen as such.
public enum ShiftFunction {
  /// The shift at one quantile.
  public struct Point: Sendable, Equatable {
    /// 0.9 for the ninth decile.
    public var quantile: Double
    /// That quantile of each side's boots, merged; in the unit of the histograms.
    public var a: UInt64
    /// The same of the second side.
    public var b: UInt64
    /// b − a, estimated and with its 95 % interval over boots: the bounds are nil where there are too few of them.
    public var shift: Estimate
  }

  /// The nine deciles.
  public static let deciles = (1...9).map { Double($0) / 10 }

  /// The shift at each of `quantiles` between the boots of `a` and of `b`, a histogram a boot. Histograms are merged for what a
  /// side's quantile is; the shift and its interval come from one value a boot, by Hodges and Lehmann (methodology, section 2).
  /// Empty boots are left out. Empty where a side has no samples, or its counts add up to more than a histogram holds.
  public static func points(
    _ a: [Histogram], _ b: [Histogram], quantiles: [Double] = deciles, resampling: Resampling = Resampling()
  ) -> [Point] {
    guard let left = merged(a), let right = merged(b) else { return [] }
    return quantiles.compactMap { quantile in
      guard let first = left.percentile(quantile), let second = right.percentile(quantile),
        let shift = HodgesLehmann.unpaired(values(a, quantile), values(b, quantile), resampling: resampling)
      else { return nil }
      return Point(quantile: quantile, a: first, b: second, shift: shift)
    }
  }

  private static func values(_ boots: [Histogram], _ quantile: Double) -> [Double] {
    boots.compactMap { $0.percentile(quantile) }.map { Double($0) }
  }

  private static func merged(_ boots: [Histogram]) -> Histogram? {
    var sum = Histogram()
    for boot in boots {
      guard sum.merge(boot) else { return nil }
    }
    return sum
  }
}
