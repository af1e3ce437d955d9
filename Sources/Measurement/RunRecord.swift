/// A value of any JSON shape, for the parts of a run whose keys belong to the host (configuration, KVM parameters).
public enum JSONValue: Codable, Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Reads whatever is there.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([JSONValue].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// Writes the value itself.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value):
      if let whole = Int64(exactly: value) { try container.encode(whole) } else { try container.encode(value) }
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}

/// The machine that measured: `run.json`'s `host`.
public struct HostRecord: Codable, Sendable, Equatable {
  /// Hash of hardware and host that never changes with software (methodology, section 5): the key of a series.
  public var fingerprint: String
  /// Kernel, microcode, mitigations, module parameters, versions: recorded, never part of the key.
  public var configuration: [String: JSONValue]
  /// Model, vendor, family, topology, flags that matter.
  public var cpu: [String: JSONValue]
  /// `uname -r`.
  public var kernel: String
  /// `vendor` (kvm_amd, kvm_intel, kvm_pvm), API version, capabilities, parameters.
  public var kvm: [String: JSONValue]
  /// One object a NUMA node: id, CPUs, memory in bytes, distances.
  public var numa: [JSONValue]
  /// What makes this host less than fit to measure, one sentence each.
  public var warnings: [String]
  /// The host's name; left out of shared reports.
  public var name: String

  /// A host; see the properties.
  public init(
    fingerprint: String, configuration: [String: JSONValue], cpu: [String: JSONValue], kernel: String,
    kvm: [String: JSONValue], numa: [JSONValue], warnings: [String], name: String
  ) {
    self.fingerprint = fingerprint
    self.configuration = configuration
    self.cpu = cpu
    self.kernel = kernel
    self.kvm = kvm
    self.numa = numa
    self.warnings = warnings
    self.name = name
  }
}

/// How a repetition ended. Missing is not zero: only `ok` enters a statistic.
public enum RepetitionStatus: String, Codable, Sendable {
  case ok
  case failed
  case skipped
  case invalid
}

/// One guest boot: the unit of observation.
public struct RepetitionRecord: Codable, Sendable, Equatable {
  /// 0-based within its cell.
  public var index: Int
  /// Position in the whole run's schedule, 0-based.
  public var order: Int
  /// How it ended.
  public var status: RepetitionStatus
  /// Why, where `status` is not `ok`.
  public var reason: String?
  /// One value per metric id. Percentiles without enough samples are absent.
  public var metrics: [String: Double]
  /// Exits in the measured window.
  public var exits: ExitCounts
  /// HdrHistogram V2 (compressed form), base64, in nanoseconds, by name (`latency`).
  public var histograms: [String: String]
  /// Percentiles that this many samples cannot support, and other remarks (`latency.p99: insufficient samples (14 < 368)`).
  public var notes: [String]
  /// KVM's own counters in the window that were seen to move on this host.
  public var kvmStats: [String: UInt64]

  /// A repetition; see the properties.
  public init(
    index: Int, order: Int, status: RepetitionStatus, reason: String? = nil, metrics: [String: Double] = [:],
    exits: ExitCounts = ExitCounts(), histograms: [String: String] = [:], notes: [String] = [],
    kvmStats: [String: UInt64] = [:]
  ) {
    self.index = index
    self.order = order
    self.status = status
    self.reason = reason
    self.metrics = metrics
    self.exits = exits
    self.histograms = histograms
    self.notes = notes
    self.kvmStats = kvmStats
  }

  enum CodingKeys: String, CodingKey {
    case index, order, status, reason, metrics, exits, histograms, notes
    case kvmStats = "kvm_stats"
  }

  /// Writes every key; an absent reason is `null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(index, forKey: .index)
    try container.encode(order, forKey: .order)
    try container.encode(status, forKey: .status)
    try container.encode(reason, forKey: .reason)
    try container.encode(metrics, forKey: .metrics)
    try container.encode(exits, forKey: .exits)
    try container.encode(histograms, forKey: .histograms)
    try container.encode(notes, forKey: .notes)
    try container.encode(kvmStats, forKey: .kvmStats)
  }
}

/// What identifies a cell: a workload in one mode.
public struct CellKey: Codable, Sendable, Hashable {
  /// `disk`.
  public var suite: String
  /// `disk.randread.4k.qd1`.
  public var workload: String
  /// `full`, `paravirt`, or `full+disk=virtio-blk` where choices differ from the row; `full@qemu` under another runner.
  public var mode: String

  /// A key; see the properties.
  public init(suite: String, workload: String, mode: String) {
    self.suite = suite
    self.workload = workload
    self.mode = mode
  }
}

/// A workload in one mode, with its repetitions.
public struct CellRecord: Codable, Sendable, Equatable {
  /// `disk`.
  public var suite: String
  /// `disk.randread.4k.qd1`.
  public var workload: String
  /// See `CellKey.mode`.
  public var mode: String
  /// The program that ran the guests, `qemu`; nil for the builtin runner.
  public var runner: String?
  /// What the mode was made of: `disk` → `ide-pio`, …
  public var choices: [String: String]
  /// The workload's primary metric, the only one that a gate tests.
  public var primary: String
  /// Warm-up before each window, in seconds.
  public var warmupSeconds: Double
  /// The floors in which the workload differs from `metrics`, by metric; nil where it differs in none.
  public var floors: [String: FloorOverride]?
  /// Every repetition of the plan that has ended, by index.
  public var repetitions: [RepetitionRecord]

  /// A cell; see the properties.
  public init(
    suite: String, workload: String, mode: String, choices: [String: String], primary: String, warmupSeconds: Double,
    repetitions: [RepetitionRecord]
  ) {
    self.suite = suite
    self.workload = workload
    self.mode = mode
    runner = ModeLabel.parts(mode).runner
    self.choices = choices
    self.primary = primary
    self.warmupSeconds = warmupSeconds
    self.repetitions = repetitions
  }

  /// The cell's key.
  public var key: CellKey { CellKey(suite: suite, workload: workload, mode: mode) }

  enum CodingKeys: String, CodingKey {
    case suite, workload, mode, runner, choices, primary, floors, repetitions
    case warmupSeconds = "warmup_seconds"
  }
}

/// A side of a comparison: how many observations, their median and its exact binomial 95 % interval. The bounds are absent
/// where n is too small for a finite one (methodology, section 4).
public struct SideRecord: Codable, Sendable, Equatable {
  /// Observations (guest boots).
  public var n: Int
  /// Median in the metric's unit; nil without observations.
  public var median: Double?
  /// Lower end of the interval.
  public var low: Double?
  /// Upper end of the interval.
  public var high: Double?

  /// A side; see the properties.
  public init(n: Int, median: Double?, low: Double?, high: Double?) {
    self.n = n
    self.median = median
    self.low = low
    self.high = high
  }

  enum CodingKeys: String, CodingKey { case n, median, low, high }

  /// Writes every key; what is absent is `null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(n, forKey: .n)
    try container.encode(median, forKey: .median)
    try container.encode(low, forKey: .low)
    try container.encode(high, forKey: .high)
  }
}

/// What a comparison says.
public enum Verdict: String, Codable, Sendable {
  case improved
  case regressed
  case noChangeFound = "no_change_found"
  case inconclusive
  case notComparable = "not_comparable"
}

/// What a minimum detectable effect was found from.
public enum EffectBasis: String, Codable, Sendable {
  /// From this cell in the calibration of the host.
  case calibration
  /// From how far the boots of the two compared sets are apart.
  case spread
}

/// One metric of one cell, compared: an object of `compare --json` and of `run.json`'s `comparisons`. `ratio` is b over a;
/// within a run a is `full` and b is the paravirtual side.
public struct ComparisonRecord: Codable, Sendable, Equatable {
  /// `disk`.
  public var suite: String
  /// `disk.randread.4k.qd1`.
  public var workload: String
  /// Within a run `full:paravirt`; between runs the common mode.
  public var mode: String
  /// Metric id.
  public var metric: String
  /// The metric's unit.
  public var unit: String
  /// The metric's direction.
  public var better: Polarity
  /// First side.
  public var a: SideRecord
  /// Second side.
  public var b: SideRecord
  /// Hodges–Lehmann estimate of b/a; nil where zero is a possible value or a side is empty.
  public var ratio: Double?
  /// Lower end of its 95 % interval.
  public var ratioLow: Double?
  /// Upper end of its 95 % interval.
  public var ratioHigh: Double?
  /// Two-sided p of `test`.
  public var p: Double?
  /// p after Holm over the primary metrics; nil for exploratory metrics.
  public var pHolm: Double?
  /// `sign-flip (paired)` or `Mann–Whitney U`.
  public var test: String
  /// Minimum detectable effect at this n: the smallest relative change for the worse (0.05 is 5 %) that is called in 80 % of
  /// comparisons; nil where there is none, and within a run.
  public var mde: Double?
  /// What `mde` was found from.
  public var mdeBasis: EffectBasis?
  /// What it says.
  public var verdict: Verdict
  /// Why, in words, where the verdict needs them.
  public var reason: String?

  /// A comparison; see the properties.
  public init(
    suite: String, workload: String, mode: String, metric: String, unit: String, better: Polarity, a: SideRecord,
    b: SideRecord, ratio: Double?, ratioLow: Double?, ratioHigh: Double?, p: Double?, pHolm: Double?, test: String,
    mde: Double?, mdeBasis: EffectBasis? = nil, verdict: Verdict, reason: String?
  ) {
    self.suite = suite
    self.workload = workload
    self.mode = mode
    self.metric = metric
    self.unit = unit
    self.better = better
    self.a = a
    self.b = b
    self.ratio = ratio
    self.ratioLow = ratioLow
    self.ratioHigh = ratioHigh
    self.p = p
    self.pHolm = pHolm
    self.test = test
    self.mde = mde
    self.mdeBasis = mdeBasis
    self.verdict = verdict
    self.reason = reason
  }

  enum CodingKeys: String, CodingKey {
    case suite, workload, mode, metric, unit, better, a, b, ratio, p, test, mde, verdict, reason
    case ratioLow = "ratio_low"
    case ratioHigh = "ratio_high"
    case pHolm = "p_holm"
    case mdeBasis = "mde_basis"
  }

  /// Writes every key but an absent `mde_basis`; what else is absent is `null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(suite, forKey: .suite)
    try container.encode(workload, forKey: .workload)
    try container.encode(mode, forKey: .mode)
    try container.encode(metric, forKey: .metric)
    try container.encode(unit, forKey: .unit)
    try container.encode(better, forKey: .better)
    try container.encode(a, forKey: .a)
    try container.encode(b, forKey: .b)
    try container.encode(ratio, forKey: .ratio)
    try container.encode(ratioLow, forKey: .ratioLow)
    try container.encode(ratioHigh, forKey: .ratioHigh)
    try container.encode(p, forKey: .p)
    try container.encode(pHolm, forKey: .pHolm)
    try container.encode(test, forKey: .test)
    try container.encode(mde, forKey: .mde)
    try container.encodeIfPresent(mdeBasis, forKey: .mdeBasis)
    try container.encode(verdict, forKey: .verdict)
    try container.encode(reason, forKey: .reason)
  }
}

/// How a run ended.
public enum RunStatus: String, Codable, Sendable {
  case complete
  case partial
  case invalid
  case failed
}

/// A run: `run.json`, schema 1. Base units only: seconds, bytes, counts; times are RFC 3339.
public struct RunRecord: Codable, Sendable, Equatable {
  /// The schema this program writes.
  public static let schema = 1

  /// Schema version.
  public var schema: Int
  /// The folder's name: `<UTC yyyymmddThhmmssZ>-<host>-<4 hex>`.
  public var id: String
  /// When it began.
  public var started: String
  /// When it ended; nil while it runs.
  public var finished: String?
  /// How it ended.
  public var status: RunStatus
  /// The command line.
  public var command: [String]
  /// pvbench's version.
  public var version: String
  /// Seed of schedules, images and access patterns.
  public var seed: UInt64
  /// Where.
  public var host: HostRecord
  /// What was measured.
  public var cells: [CellRecord]
  /// Full against paravirtual, per cell and metric.
  public var comparisons: [ComparisonRecord]
  /// Descriptors of every metric that occurs.
  public var metrics: [Metric]
  /// Gains by their causes, after `--ablate`; nil in all other runs.
  public var attribution: [AttributionRecord]?
  /// How often the gate between two runs is wrong here, as it was known when this run ended; nil where nobody knew.
  public var calibration: CalibrationNote?
  /// What the instruments cost on this host; nil where nobody has measured that.
  public var looking: LookingRecord?

  /// A run; see the properties.
  public init(
    id: String, started: String, finished: String?, status: RunStatus, command: [String], version: String, seed: UInt64,
    host: HostRecord, cells: [CellRecord], comparisons: [ComparisonRecord], metrics: [Metric],
    attribution: [AttributionRecord]? = nil, calibration: CalibrationNote? = nil, looking: LookingRecord? = nil
  ) {
    self.looking = looking
    self.schema = Self.schema
    self.id = id
    self.started = started
    self.finished = finished
    self.status = status
    self.command = command
    self.version = version
    self.seed = seed
    self.host = host
    self.cells = cells
    self.comparisons = comparisons
    self.metrics = metrics
    self.attribution = attribution
    self.calibration = calibration
  }

  enum CodingKeys: String, CodingKey {
    case schema, id, started, finished, status, command, version, seed, host, cells, comparisons, metrics, attribution
    case calibration, looking
  }

  /// Writes every key but an absent `attribution`, `calibration` or `looking`; an unfinished run has `finished: null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(schema, forKey: .schema)
    try container.encode(id, forKey: .id)
    try container.encode(started, forKey: .started)
    try container.encode(finished, forKey: .finished)
    try container.encode(status, forKey: .status)
    try container.encode(command, forKey: .command)
    try container.encode(version, forKey: .version)
    try container.encode(seed, forKey: .seed)
    try container.encode(host, forKey: .host)
    try container.encode(cells, forKey: .cells)
    try container.encode(comparisons, forKey: .comparisons)
    try container.encode(metrics, forKey: .metrics)
    try container.encodeIfPresent(attribution, forKey: .attribution)
    try container.encodeIfPresent(calibration, forKey: .calibration)
    try container.encodeIfPresent(looking, forKey: .looking)
  }
}
