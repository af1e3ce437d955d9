import Glibc
import PVWire

/// An HDR histogram (Gil Tene, HdrHistogram) of nanoseconds in the bucket layout that guest, runner and supervisor share:
/// 3 significant digits from 1 ns to 10 s. Histograms are merged, percentiles never averaged (methodology, section 2).
///
/// Counters are kept up to the highest bucket in use, so a histogram of short latencies is small.
public struct Histogram: Sendable, Equatable {
  /// Values recorded.
  public private(set) var count: UInt64 = 0
  /// One counter a bucket, up to the highest one that is not zero.
  private var counters: [UInt64] = []

  /// An empty histogram.
  public init() {}

  /// Counts one value in nanoseconds; values above `HistogramLayout.highest` count as that.
  public mutating func record(_ value: UInt64) {
    // An age of the universe of nanoseconds fits in the count: only `add` with a hostile count can be refused.
    _ = add(bucket: HistogramLayout.bucket(of: value), count: 1)
  }

  /// Adds `count` values to one bucket. Returns false, and changes nothing, where there is no such bucket or the total
  /// would not fit in 63 bits: the numbers come from a guest or a file.
  public mutating func add(bucket: Int, count more: UInt64) -> Bool {
    guard bucket >= 0, bucket < HistogramLayout.count else { return false }
    let (total, overflow) = count.addingReportingOverflow(more)
    guard !overflow, total <= UInt64(Int64.max) else { return false }
    guard more > 0 else { return true }
    if bucket >= counters.count {
      counters.append(contentsOf: repeatElement(0, count: bucket + 1 - counters.count))
    }
    counters[bucket] += more
    count = total
    return true
  }

  /// Adds everything that `other` counted. Returns false, and changes nothing, where the total would not fit in 63 bits.
  @discardableResult
  public mutating func merge(_ other: Histogram) -> Bool {
    let (total, overflow) = count.addingReportingOverflow(other.count)
    guard !overflow, total <= UInt64(Int64.max) else { return false }
    if other.counters.count > counters.count {
      counters.append(contentsOf: repeatElement(0, count: other.counters.count - counters.count))
    }
    for (bucket, more) in other.counters.enumerated() { counters[bucket] += more }
    count = total
    return true
  }

  /// The buckets that counted something, in ascending order.
  public var nonZero: [(bucket: Int, count: UInt64)] {
    counters.enumerated().lazy.filter { $0.element > 0 }.map { (bucket: $0.offset, count: $0.element) }
  }

  /// Lowest nanoseconds that the lowest used bucket stands for; nil while empty.
  public var minimum: UInt64? {
    counters.firstIndex { $0 > 0 }.map { HistogramLayout.lowest(of: $0) }
  }

  /// Highest nanoseconds that the highest used bucket stands for; nil while empty.
  public var maximum: UInt64? {
    counters.isEmpty ? nil : Self.highestEquivalent(of: counters.count - 1)
  }

  /// Sum in nanoseconds, each value taken as the middle of its bucket, as HdrHistogram does.
  public var sum: Double {
    nonZero.reduce(0) { sum, entry in
      let middle = HistogramLayout.lowest(of: entry.bucket) + HistogramLayout.width(of: entry.bucket) / 2
      return sum + Double(middle) * Double(entry.count)
    }
  }

  /// Mean in nanoseconds, each value taken as the middle of its bucket; nil while empty.
  public var mean: Double? { count == 0 ? nil : sum / Double(count) }

  /// The nanoseconds that a fraction `quantile` (0.99 for p99, clamped to 0…1) of all values does not exceed: the highest
  /// value of its bucket, as HdrHistogram's `getValueAtPercentile` answers. Nil while empty.
  ///
  /// Ask `samplesNeeded(forQuantile:)` before showing it.
  public func percentile(_ quantile: Double) -> UInt64? {
    guard count > 0 else { return nil }
    // One step down, so that 0.999 × 1000 does not round up to rank 1000 (HdrHistogram does the same).
    let rank = max(1, (min(max(quantile, 0), 1).nextDown * Double(count)).rounded(.up))
    var seen: UInt64 = 0
    for (bucket, counter) in counters.enumerated() {
      seen += counter
      if counter > 0, Double(seen) >= rank { return Self.highestEquivalent(of: bucket) }
    }
    return maximum
  }

  /// Fewest samples with which the quantile has a finite two-sided 95 % interval by order statistics: the smallest n with
  /// max(q, 1 − q)^n ≤ 0.025, for only then do the extreme samples bound it (methodology, section 2; David & Nagaraja,
  /// "Order Statistics", section 7.1). 6 for the median, 368 for p99, 3,688 for p99.9, 36,887 for p99.99; no number of
  /// samples is enough for 0 and 1 (`Int.max`).
  public static func samplesNeeded(forQuantile quantile: Double) -> Int {
    let farther = max(quantile, 1 - quantile)
    guard farther < 1 else { return .max }
    return Int((log(0.025) / log(farther)).rounded(.up))
  }

  private static func highestEquivalent(of bucket: Int) -> UInt64 {
    HistogramLayout.lowest(of: bucket) + HistogramLayout.width(of: bucket) - 1
  }
}
