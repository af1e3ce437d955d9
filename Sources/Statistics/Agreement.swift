import Measurement

/// How well two runs of the same thing agree: the share of primary metrics whose ratio may be 1, and how closely that is known.
/// Of two runs of one host with nothing changed between them, about 95 % should hold 1.
public struct Agreement: Sendable, Equatable, Codable {
  /// Primary metrics whose ratio has a finite 95 % interval.
  public var intervals: Int
  /// Those of them that hold 1.
  public var holdingOne: Int
  /// Median of (high − low) / 2 over those intervals: 0.1 is 10 % of the first run's value. Nil without any.
  public var medianHalfWidth: Double?

  /// The agreement of the primary metrics among `comparisons`.
  public init(_ comparisons: [ComparisonRecord]) {
    let bounds = comparisons.filter { $0.pHolm != nil }.compactMap { record in
      record.ratioLow.flatMap { low in record.ratioHigh.map { (low: low, high: $0) } }
    }
    intervals = bounds.count
    holdingOne = bounds.count { $0.low <= 1 && $0.high >= 1 }
    medianHalfWidth = OrderStatistics.median(bounds.map { ($0.high - $0.low) / 2 })
  }

  enum CodingKeys: String, CodingKey {
    case intervals
    case holdingOne = "holding_one"
    case medianHalfWidth = "median_half_width"
  }

  /// Writes every key; an absent half-width is `null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(intervals, forKey: .intervals)
    try container.encode(holdingOne, forKey: .holdingOne)
    try container.encode(medianHalfWidth, forKey: .medianHalfWidth)
  }
}
