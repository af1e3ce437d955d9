/// What pvbench's own instruments cost on one host: everything measured with them and without, interleaved (methodology,
/// section 7).
public struct LookingRecord: Codable, Sendable, Equatable {
  /// The schema this program writes.
  public static let schema = 1
  /// What the default instruments may cost: seconds a userspace exit, or a share of the metric.
  public static let limitSeconds = 50e-9
  /// See `limitSeconds`.
  public static let limitShare = 0.02

  /// Schema version.
  public var schema = Self.schema
  /// When it was measured, RFC 3339.
  public var measured: String
  /// pvbench's version.
  public var version: String
  /// The host's (`HostRecord.fingerprint`).
  public var fingerprint: String
  /// One row for each workload and instrument.
  public var rows: [Row]

  /// A record; see the properties.
  public init(measured: String, version: String, fingerprint: String, rows: [Row]) {
    self.measured = measured
    self.version = version
    self.fingerprint = fingerprint
    self.rows = rows
  }

  /// What an interval says of a limit.
  public enum Verdict: String, Codable, Sendable {
    /// The whole interval of one of the two costs is below its limit.
    case within
    /// Both intervals are above.
    case above
    /// Neither.
    case undecided
  }

  /// One instrument on one workload: paired guest boots with it (`on`) and without.
  public struct Row: Codable, Sendable, Equatable {
    /// `exits.pio.out`.
    public var workload: String
    /// `full`.
    public var mode: String
    /// `stamps`, `histograms`, …, or `all` for the default set against none.
    public var instrument: String
    /// The metric that was compared, a time of one operation in seconds.
    public var metric: String
    /// Pairs of boots.
    public var n: Int
    /// Median with the instrument.
    public var on: Double
    /// Median without it.
    public var off: Double
    /// With over without: Hodges–Lehmann estimate and its 95 % interval.
    public var ratio: Double
    /// See `ratio`; nil where n is too small for an interval.
    public var ratioLow: Double?
    /// See `ratio`.
    public var ratioHigh: Double?
    /// Seconds that it adds to each userspace exit, in the same way; nil where the workload has none.
    public var exitSeconds: Double?
    /// See `exitSeconds`.
    public var exitSecondsLow: Double?
    /// See `exitSeconds`.
    public var exitSecondsHigh: Double?

    /// A row; see the properties.
    public init(
      workload: String, mode: String, instrument: String, metric: String, n: Int, on: Double, off: Double,
      ratio: (value: Double, low: Double?, high: Double?), exitSeconds: (value: Double, low: Double?, high: Double?)?
    ) {
      self.workload = workload
      self.mode = mode
      self.instrument = instrument
      self.metric = metric
      self.n = n
      self.on = on
      self.off = off
      (self.ratio, ratioLow, ratioHigh) = ratio
      self.exitSeconds = exitSeconds?.value
      exitSecondsLow = exitSeconds?.low
      exitSecondsHigh = exitSeconds?.high
    }

    enum CodingKeys: String, CodingKey {
      case workload, mode, instrument, metric, n, on, off, ratio
      case ratioLow = "ratio_low"
      case ratioHigh = "ratio_high"
      case exitSeconds = "exit_seconds"
      case exitSecondsLow = "exit_seconds_low"
      case exitSecondsHigh = "exit_seconds_high"
    }

    /// What the intervals say of the limits.
    public var verdict: Verdict {
      let limit = 1 + LookingRecord.limitShare
      if ratioHigh.map({ $0 <= limit }) == true { return .within }
      if exitSecondsHigh.map({ $0 <= LookingRecord.limitSeconds }) == true { return .within }
      let isSlower = ratioLow.map { $0 > limit } ?? false
      let isDearer = exitSecondsLow.map { $0 > LookingRecord.limitSeconds } ?? (exitSeconds == nil)
      return isSlower && isDearer ? .above : .undecided
    }
  }
}
