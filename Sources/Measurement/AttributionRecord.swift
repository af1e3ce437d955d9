/// A gain as the natural logarithm of a ratio, so that gains add up, with its 95 % interval. The bounds are absent where n is
/// too small for finite ones.
public struct GainRecord: Codable, Sendable, Equatable {
  /// ln(after / before), the mean over repetitions.
  public var logRatio: Double
  /// Lower end of its 95 % interval.
  public var low: Double?
  /// Upper end of its 95 % interval.
  public var high: Double?

  /// A gain; see the properties.
  public init(logRatio: Double, low: Double?, high: Double?) {
    self.logRatio = logRatio
    self.low = low
    self.high = high
  }

  enum CodingKeys: String, CodingKey {
    case logRatio = "log_ratio"
    case low = "log_ratio_low"
    case high = "log_ratio_high"
  }

  /// Writes every key; an absent bound is `null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(logRatio, forKey: .logRatio)
    try container.encode(low, forKey: .low)
    try container.encode(high, forKey: .high)
  }
}

/// What one choice has of a gain.
public struct AttributionPart: Codable, Sendable, Equatable {
  /// The subsystem, `disk`.
  public var choice: String
  /// Its value at the start, `ide-pio`.
  public var before: String
  /// Its value at the end, `virtio-blk`.
  public var after: String
  /// What turning it gains where it is the first to be turned.
  public var first: GainRecord
  /// What turning it gains where all others have been turned.
  public var last: GainRecord
  /// The mean of both: its part of the whole.
  public var part: GainRecord

  /// A part; see the properties.
  public init(
    choice: String, before: String, after: String, first: GainRecord, last: GainRecord, part: GainRecord
  ) {
    self.choice = choice
    self.before = before
    self.after = after
    self.first = first
    self.last = last
    self.part = part
  }
}

/// A workload's gain from one mode to another by its causes: `run.json`'s `attribution`, there after `--ablate`. The parts
/// and the residual add up to the whole.
public struct AttributionRecord: Codable, Sendable, Equatable {
  /// `disk`.
  public var suite: String
  /// `disk.randread.4k.qd1`.
  public var workload: String
  /// The workload's primary metric.
  public var metric: String
  /// The metric's direction: a gain below 0 is an improvement where it is `lower`.
  public var better: Polarity
  /// The mode at the start, `full`.
  public var from: String
  /// The mode at the end, `paravirt`.
  public var to: String
  /// Repetitions that are ok in every mode that takes part.
  public var n: Int
  /// From start to end; nil where it cannot be told.
  public var whole: GainRecord?
  /// By choice, the largest part first.
  public var parts: [AttributionPart]
  /// What the choices together have beyond their parts: interaction.
  public var residual: GainRecord?
  /// Why there are no parts, where there are none.
  public var reason: String?

  /// An attribution; see the properties.
  public init(
    suite: String, workload: String, metric: String, better: Polarity, from: String, to: String, n: Int,
    whole: GainRecord?, parts: [AttributionPart], residual: GainRecord?, reason: String?
  ) {
    self.suite = suite
    self.workload = workload
    self.metric = metric
    self.better = better
    self.from = from
    self.to = to
    self.n = n
    self.whole = whole
    self.parts = parts
    self.residual = residual
    self.reason = reason
  }

  enum CodingKeys: String, CodingKey {
    case suite, workload, metric, better, from, to, n, whole, parts, residual, reason
  }

  /// Writes every key; what is absent is `null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(suite, forKey: .suite)
    try container.encode(workload, forKey: .workload)
    try container.encode(metric, forKey: .metric)
    try container.encode(better, forKey: .better)
    try container.encode(from, forKey: .from)
    try container.encode(to, forKey: .to)
    try container.encode(n, forKey: .n)
    try container.encode(whole, forKey: .whole)
    try container.encode(parts, forKey: .parts)
    try container.encode(residual, forKey: .residual)
    try container.encode(reason, forKey: .reason)
  }
}
