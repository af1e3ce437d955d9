import Foundation
import Measurement

/// The minimum detectable effect of the gate between two runs: the smallest relative change for the worse that it calls with a
/// given power (Cohen, "Statistical Power Analysis for the Behavioral Sciences", 1988, asks for 80 %).
///
/// Found by resampling: two sets of boots are drawn from what the metric does when nothing changes, and the second is shifted on
/// the logarithmic scale. Mann–Whitney's test rejects from the very shift on that takes zero out of the interval which inverts it,
/// so that every draw has one smallest shift that is called, without a search; the power is a quantile of these.
public struct DetectableEffect: Sendable {
  /// The share of comparisons in which the effect is called.
  public static let power = 0.8
  /// Draws where nobody asks for more: the power of what they find is then known to 2.3 percentage points.
  public static let draws = 300

  private let n: Int
  private let m: Int
  private let depth: Int

  /// The effect for `n` boots against `m`, where Holm corrects `tests` of them at `alpha`: the one that has changed is then tried
  /// first, against alpha / tests.
  public init(n: Int, m: Int, tests: Int, alpha: Double, resampling: Resampling) {
    (self.n, self.m) = (n, m)
    let tail = alpha / Double(max(1, tests)) / 2
    depth = n > 0 && m > 0 ? MannWhitney.intervalDepth(n, m, tail: tail, resampling: resampling) : 0
  }

  /// The effect on `metric`, 0.05 for 5 %; nil where no change can be called with so few boots, or none that large can be.
  ///
  /// - Parameters:
  ///   - a: natural logarithms of what a boot of the first set may measure, about any centre that `b` has, too.
  ///   - b: the same of the second set.
  ///   - base: the first set's median in the metric's unit, for its absolute floor.
  public func relative(
    from a: [Double], _ b: [Double], of metric: Metric, base: Double, draws: Int = Self.draws, seed: UInt64 = 1
  ) -> Double? {
    guard depth > 0, !a.isEmpty, !b.isEmpty, base > 0, draws > 0 else { return nil }
    let floor = max(metric.floorRelative, (metric.floorAbsolute ?? 0) / base)
    let isWorseUpwards = metric.better == .lower
    guard isWorseUpwards || floor < 1 else { return nil }
    // Downwards everything is the same with the signs turned.
    let sign = isWorseUpwards ? 1.0 : -1.0
    let beyondFloor = isWorseUpwards ? log1p(floor) : -log1p(-floor)
    var generator = SeededGenerator(seed: seed)
    var shifts: [Double] = []
    shifts.reserveCapacity(draws)
    var differences = [Double](repeating: 0, count: n * m)
    for _ in 0..<draws {
      let first = (0..<n).map { _ in a[Int.random(in: a.indices, using: &generator)] }
      let second = (0..<m).map { _ in b[Int.random(in: b.indices, using: &generator)] }
      for (i, x) in first.enumerated() {
        for (j, y) in second.enumerated() { differences[i * m + j] = sign * (y - x) }
      }
      differences.sort()
      let significant = -differences[depth - 1]
      let large = beyondFloor - OrderStatistics.median(sorted: differences)
      shifts.append(max(0, significant, large))
    }
    shifts.sort()
    let shift = shifts[min(draws - 1, Int((Self.power * Double(draws)).rounded(.up)) - 1)]
    return isWorseUpwards ? expm1(shift) : -expm1(-shift)
  }

  /// What a boot of a set may measure, from the set itself: logarithms about its median, a little further apart than they are,
  /// because a sample is narrower than what it comes from (Davison & Hinkley, "Bootstrap Methods and their Application", 1997,
  /// section 2.3). Nil where a value is not above zero, or where there is one value only.
  public static func spread(_ values: [Double]) -> [Double]? {
    guard values.count > 1, values.allSatisfy({ $0 > 0 }) else { return nil }
    let logarithms = values.map { log($0) }
    let centre = OrderStatistics.median(sorted: logarithms.sorted())
    let widening = (Double(values.count) / Double(values.count - 1)).squareRoot()
    return logarithms.map { widening * ($0 - centre) }
  }
}
