import Measurement

/// Two runs, compared: what every form of `pvbench compare` shows, and the document of its `--json`, schema 1.
public struct ComparisonDocument: Encodable, Sendable, Equatable {
  /// A run that was compared.
  public struct Side: Encodable, Sendable, Equatable {
    /// The run's id.
    public let id: String
    /// When it began.
    public let started: String
    /// How it ended.
    public let status: RunStatus
    /// pvbench's version.
    public let version: String
    /// Seed of its schedules, images and access patterns.
    public let seed: UInt64
    /// Its host.
    public let fingerprint: String

    init(_ run: RunRecord) {
      (id, started, status, version, seed) = (run.id, run.started, run.status, run.version, run.seed)
      fingerprint = run.host.fingerprint
    }
  }

  /// How many primary metrics came to what, and how well the runs agree.
  public struct Summary: Encodable, Sendable, Equatable {
    /// Primary metrics by verdict.
    public let verdicts: [String: Int]
    /// The share of primary metrics whose ratio may be 1.
    public let agreement: Agreement
  }

  /// The first run.
  public let a: Side
  /// The second run.
  public let b: Side
  /// What was different about their hosts.
  public let differences: [HostDifference]
  /// Floors that the user set, by metric.
  public let thresholds: [String: FloorOverride]
  /// How often this gate is wrong on this host; nil where nobody knows.
  public let calibration: CalibrationNote?
  /// Every metric of every cell, in the order of `BetweenRuns.compare`.
  public let comparisons: [ComparisonRecord]
  /// The sum of it.
  public let summary: Summary

  /// Compares `b` with `a`.
  public init(
    _ a: RunRecord, _ b: RunRecord, thresholds: [String: FloorOverride] = [:],
    calibration: (record: CalibrationRecord, note: CalibrationNote)? = nil
  ) {
    (self.a, self.b) = (Side(a), Side(b))
    self.thresholds = thresholds
    differences = HostDifference.all(a.host, b.host)
    self.calibration = calibration?.note
    // What a calibration of another kernel says of effects is no longer so.
    let effects = calibration.flatMap { $0.note.stale.isEmpty ? EffectSource.calibration($0.record) : nil } ?? .spread
    comparisons = BetweenRuns.compare(a, b, thresholds: thresholds, effects: effects)
    summary = Summary(
      verdicts: Self.primaries(of: comparisons).reduce(into: [:]) { $0[$1.verdict.rawValue, default: 0] += 1 },
      agreement: Agreement(comparisons))
  }

  /// Comparisons that a gate looks at: one a cell.
  public var primaries: [ComparisonRecord] { Self.primaries(of: comparisons) }

  /// True where the gate was calibrated on this host as it is.
  public var isCalibrated: Bool { calibration?.stale.isEmpty == true }

  /// What cannot be compared is listed by its primary metric; what is corrected with Holm is one.
  private static func primaries(of comparisons: [ComparisonRecord]) -> [ComparisonRecord] {
    comparisons.filter { $0.pHolm != nil || $0.verdict == .notComparable }
  }

  enum CodingKeys: String, CodingKey {
    case schema, a, b, differences, thresholds, calibrated, calibration, comparisons, summary
  }

  /// Writes every key; without a calibration it is `null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(1, forKey: .schema)
    try container.encode(a, forKey: .a)
    try container.encode(b, forKey: .b)
    try container.encode(differences, forKey: .differences)
    try container.encode(thresholds, forKey: .thresholds)
    try container.encode(isCalibrated, forKey: .calibrated)
    try container.encode(calibration, forKey: .calibration)
    try container.encode(comparisons, forKey: .comparisons)
    try container.encode(summary, forKey: .summary)
  }
}
