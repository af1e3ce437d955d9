extension OrderStatistics {
  /// A quantile by linear interpolation between order statistics (Hyndman & Fan, "Sample Quantiles in Statistical Packages",
  /// 1996, type 7), which is the median at 0.5; nil without values or for a `quantile` outside 0…1.
  public static func quantile(_ values: [Double], _ quantile: Double) -> Double? {
    values.isEmpty || !(0...1).contains(quantile) ? nil : interpolated(sorted: values.sorted(), quantile)
  }

  /// A quantile with its exact binomial interval; a bound is nil where no order statistic reaches the confidence (an upper
  /// bound of the 0.99 quantile needs 368 values). Nil without values or for a `quantile` outside 0…1.
  ///
  /// The values must be independent: boots, never the samples of one boot (methodology, section 2).
  public static func quantileEstimate(
    _ values: [Double], quantile: Double, confidence: Double = 0.95
  ) -> Estimate? {
    guard !values.isEmpty, (0...1).contains(quantile) else { return nil }
    let sorted = values.sorted()
    let bounds = ranks(n: sorted.count, quantile: quantile, confidence: confidence)
    return Estimate(
      value: interpolated(sorted: sorted, quantile), low: bounds.low.map { sorted[$0 - 1] },
      high: bounds.high.map { sorted[$0 - 1] })
  }

  private static func interpolated(sorted: [Double], _ quantile: Double) -> Double {
    let position = quantile * Double(sorted.count - 1)
    let below = Int(position)
    let above = min(below + 1, sorted.count - 1)
    let share = position - Double(below)
    // An observation itself, also beside one that is infinite.
    guard share > 0 else { return sorted[below] }
    return sorted[below] * (1 - share) + sorted[above] * share
  }
}
