import Measurement

/// How the latencies of one cell are spread, in seconds: the median over boots with its interval, as everywhere; the smallest,
/// the largest and the tails of all boots' samples together, for a boot has few samples of its tail.
struct Distribution: Sendable {
  /// A percentile, or why there is none.
  enum Percentile: Sendable, Equatable {
    case seconds(Double)
    case insufficient(samples: UInt64, needed: Int)

    /// The value; nil where there are too few samples for it.
    var seconds: Double? {
      guard case .seconds(let value) = self else { return nil }
      return value
    }
  }

  /// Samples of all boots.
  let samples: UInt64
  let minimum: Double?
  /// Over boots.
  let median: SideRecord
  let p99: Percentile
  let p999: Percentile
  let maximum: Double?

  /// Nil where the cell has no latencies.
  init?(_ summary: CellSummary) {
    guard let all = summary.merged("latency") else { return nil }
    samples = all.count
    // The histogram's buckets are as wide as three digits; the metric is the very number.
    minimum = summary.values("latency.min").min() ?? all.minimum.map(Self.seconds)
    median = summary.side("latency.p50")
    p99 = Self.percentile(0.99, of: all)
    p999 = Self.percentile(0.999, of: all)
    maximum = summary.values("latency.max").max() ?? all.maximum.map(Self.seconds)
  }

  private static func percentile(_ quantile: Double, of all: Histogram) -> Percentile {
    let needed = Histogram.samplesNeeded(forQuantile: quantile)
    guard all.count >= UInt64(needed), let value = all.percentile(quantile) else {
      return .insufficient(samples: all.count, needed: needed)
    }
    return .seconds(seconds(value))
  }

  private static func seconds(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) * 1e-9 }
}
