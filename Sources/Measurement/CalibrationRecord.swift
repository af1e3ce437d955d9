/// How a calibration dealt its boots to runs.
public enum CalibrationOrder: String, Codable, Sendable, CaseIterable {
  /// In turn, so that all runs lasted as long as the calibration: what runs that alternate are like.
  case interleaved
  /// The first ones to the first run and so on: what runs are like that were made one after the other.
  case sequential
}

/// A share of comparisons with its exact binomial 95 % interval (which takes them for independent; each run is in several).
public struct ShareRecord: Codable, Sendable, Equatable {
  /// Comparisons that were made.
  public var comparisons: Int
  /// Those of them that were counted.
  public var count: Int
  /// Lower end of the interval of the share.
  public var low: Double
  /// Upper end.
  public var high: Double

  /// A share; see the properties.
  public init(comparisons: Int, count: Int, low: Double, high: Double) {
    self.comparisons = comparisons
    self.count = count
    self.low = low
    self.high = high
  }

  /// The share itself, 0 to 1; nil of no comparisons.
  public var value: Double? { comparisons > 0 ? Double(count) / Double(comparisons) : nil }
}

/// Comparisons of things that are the same, of which a gate called some.
public struct FalseAlarms: Codable, Sendable, Equatable {
  /// How boots were dealt to runs.
  public var order: CalibrationOrder
  /// The relative floor of every metric in this trial; nil where each had the floors that `compare` uses.
  public var floorRelative: Double?
  /// Comparisons in which any change was called.
  public var called: ShareRecord

  /// A trial; see the properties.
  public init(order: CalibrationOrder, floorRelative: Double?, called: ShareRecord) {
    self.order = order
    self.floorRelative = floorRelative
    self.called = called
  }

  enum CodingKeys: String, CodingKey {
    case order, called
    case floorRelative = "floor_relative"
  }
}

/// Comparisons with a workload that the runner slowed down on purpose.
public struct SlowdownTrial: Codable, Sendable, Equatable {
  /// `exits.pio.out`.
  public var workload: String
  /// By how much, relative: 0.1.
  public var slowdown: Double
  /// Comparisons in which that workload was called regressed.
  public var found: ShareRecord

  /// A trial; see the properties.
  public init(workload: String, slowdown: Double, found: ShareRecord) {
    self.workload = workload
    self.slowdown = slowdown
    self.found = found
  }
}

/// A metric of a calibrated cell.
public struct CalibratedMetric: Codable, Sendable, Equatable {
  /// Metric id.
  public var metric: String
  /// Boots that had a value.
  public var n: Int
  /// Their median in the metric's unit.
  public var median: Double
  /// Quantiles 0 %, 2 %, … 100 % of the natural logarithm of value / median: what this metric does when nothing changes.
  public var spread: [Double]
  /// The smallest relative change for the worse that the gate calls in 80 % of comparisons, by repetitions a run (5, 10, 20);
  /// one that it can never call is absent.
  public var mde: [String: Double]
  /// A relative floor that 99 % of the comparisons of sequential runs stay below.
  public var floorRelative: Double?

  /// A metric; see the properties.
  public init(
    metric: String, n: Int, median: Double, spread: [Double], mde: [String: Double], floorRelative: Double?
  ) {
    self.metric = metric
    self.n = n
    self.median = median
    self.spread = spread
    self.mde = mde
    self.floorRelative = floorRelative
  }

  enum CodingKeys: String, CodingKey {
    case metric, n, median, spread, mde
    case floorRelative = "floor_relative"
  }
}

/// A cell of a calibration.
public struct CalibratedCell: Codable, Sendable, Equatable {
  /// Which.
  public var key: CellKey
  /// Its primary metric.
  public var primary: String
  /// Every metric whose values were all above zero.
  public var metrics: [CalibratedMetric]

  /// A cell; see the properties.
  public init(key: CellKey, primary: String, metrics: [CalibratedMetric]) {
    self.key = key
    self.primary = primary
    self.metrics = metrics
  }
}

/// What a gate does on a host where nothing changes: the file that `pvbench calibrate` leaves for every later comparison, and its
/// `--json`. Schema 1.
public struct CalibrationRecord: Codable, Sendable, Equatable {
  /// The schema this program writes.
  public static let schema = 1

  /// Schema version.
  public var schema = Self.schema
  /// The run whose boots were dealt out.
  public var run: String
  /// When it began.
  public var started: String
  /// pvbench's version.
  public var version: String
  /// Seed of pairings and resampling.
  public var seed: UInt64
  /// The host it is about.
  public var fingerprint: String
  /// The host's software and settings then: with others it is stale.
  public var configuration: [String: JSONValue]
  /// The gate's level after Holm.
  public var alpha: Double
  /// Runs that the boots were dealt to.
  public var runs: Int
  /// Boots of each cell a run.
  public var repetitions: Int
  /// How often the gate cried wolf, by order and floor.
  public var falseAlarms: [FalseAlarms]
  /// How often it found what was there; nil where nothing was slowed.
  public var slowdown: SlowdownTrial?
  /// What each cell's metrics do.
  public var cells: [CalibratedCell]

  /// A calibration; see the properties.
  public init(
    run: String, started: String, version: String, seed: UInt64, fingerprint: String,
    configuration: [String: JSONValue], alpha: Double, runs: Int, repetitions: Int, falseAlarms: [FalseAlarms],
    slowdown: SlowdownTrial?, cells: [CalibratedCell]
  ) {
    self.run = run
    self.started = started
    self.version = version
    self.seed = seed
    self.fingerprint = fingerprint
    self.configuration = configuration
    self.alpha = alpha
    self.runs = runs
    self.repetitions = repetitions
    self.falseAlarms = falseAlarms
    self.slowdown = slowdown
    self.cells = cells
  }

  enum CodingKeys: String, CodingKey {
    case schema, run, started, version, seed, fingerprint, configuration, alpha, runs, repetitions, slowdown, cells
    case falseAlarms = "false_alarms"
  }

  /// What it knows of a cell's metric; nil where it knows nothing.
  public func metric(_ id: String, of key: CellKey) -> CalibratedMetric? {
    cells.first { $0.key == key }?.metrics.first { $0.metric == id }
  }
}

/// A calibration in few words, for a run or a comparison that it is about.
public struct CalibrationNote: Codable, Sendable, Equatable {
  /// The run that calibrated.
  public var run: String
  /// When it began.
  public var started: String
  /// The gate's level.
  public var alpha: Double
  /// How often the gate cried wolf, with the floors that `compare` uses.
  public var falseAlarms: [FalseAlarms]
  /// What has changed since, a clause each (`kernel_release: 6.1 then, 6.6 now`); with any of it the calibration is stale.
  public var stale: [String]

  /// A note on `record`, of which `stale` is no longer so.
  public init(_ record: CalibrationRecord, stale: [String]) {
    run = record.run
    started = record.started
    alpha = record.alpha
    falseAlarms = record.falseAlarms.filter { $0.floorRelative == nil }
    self.stale = stale
  }

  enum CodingKeys: String, CodingKey {
    case run, started, alpha, stale
    case falseAlarms = "false_alarms"
  }
}
