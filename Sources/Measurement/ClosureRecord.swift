/// What one exit costs on this host, measured at the start of a run (guest to guest, into a handler that does nothing).
public struct ExitCost: Codable, Sendable, Equatable {
  /// Median in seconds.
  public var median: Double
  /// Mean in seconds.
  public var mean: Double

  /// A cost; see the properties.
  public init(median: Double, mean: Double) {
    self.median = median
    self.mean = mean
  }
}

/// What closure prices: kinds of exits, each with what it costs where it is measured.
public enum ExitKind: String, CaseIterable, Sendable, Comparable {
  case portIn = "io:in"
  /// What an exit takes more where it is a string instruction's, of any length.
  case portInString = "io:in:string"
  /// Each further element of a string instruction that came with the same exit.
  case portInElement = "io:in:element"
  case portOut = "io:out"
  case portOutElement = "io:out:element"
  case mmioIn = "mmio:in"
  case mmioOut = "mmio:out"
  case rdmsr
  case wrmsr
  /// HLT, and the irqfd that wakes the vCPU again: KVM handles it without an exit to userspace.
  case halt

  /// In the order of the cases.
  public static func < (a: ExitKind, b: ExitKind) -> Bool {
    (allCases.firstIndex(of: a) ?? 0) < (allCases.firstIndex(of: b) ?? 0)
  }
}

/// A difference between modes with its 95 % interval, in seconds an operation. The bounds are absent where n is too small.
public struct DifferenceRecord: Codable, Sendable, Equatable {
  /// Hodges–Lehmann estimate over pairs of repetitions.
  public var seconds: Double
  /// Lower end of its interval.
  public var low: Double?
  /// Upper end of its interval.
  public var high: Double?

  /// A difference; see the properties.
  public init(seconds: Double, low: Double?, high: Double?) {
    self.seconds = seconds
    self.low = low
    self.high = high
  }

  enum CodingKeys: String, CodingKey { case seconds, low, high }

  /// Writes every key; an absent bound is `null`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(seconds, forKey: .seconds)
    try container.encode(low, forKey: .low)
    try container.encode(high, forKey: .high)
  }
}

/// How much of the difference between two modes of a workload their exits explain (methodology, section 3): `run.json`'s
/// `closure`. Differences are `from` less `to`.
public struct ClosureRecord: Codable, Sendable, Equatable {
  /// One kind of exit.
  public struct Part: Codable, Sendable, Equatable {
    /// `ExitKind`.
    public var kind: String
    /// Exits (elements) an operation in the first mode, the mean of the repetitions.
    public var from: Double
    /// The same in the second.
    public var to: Double
    /// What one costs, in seconds; nil where that was not measured.
    public var cost: Double?

    /// A part; see the properties.
    public init(kind: String, from: Double, to: Double, cost: Double?) {
      self.kind = kind
      self.from = from
      self.to = to
      self.cost = cost
    }

    enum CodingKeys: String, CodingKey { case kind, from, to, cost }

    /// Writes every key; an absent cost is `null`.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(kind, forKey: .kind)
      try container.encode(from, forKey: .from)
      try container.encode(to, forKey: .to)
      try container.encode(cost, forKey: .cost)
    }
  }

  /// `disk`.
  public var suite: String
  /// `disk.randread.4k.qd1`.
  public var workload: String
  /// The mode with the emulation, `full`.
  public var from: String
  /// The mode that it is compared with, `paravirt`.
  public var to: String
  /// What an operation's time is: `latency.p50` where operations follow one another; otherwise
  /// `window.seconds/window.ops`, which has in it what neighbours took of the window.
  public var measure: String
  /// Pairs of repetitions.
  public var n: Int
  /// What an operation takes more in `from`.
  public var difference: DifferenceRecord
  /// What its exits take more, by their cost.
  public var explained: DifferenceRecord
  /// The rest: what exits do not explain.
  public var residual: DifferenceRecord
  /// By kind, those that occur.
  public var parts: [Part]
  /// Seconds an operation that exits in the first mode spend in the runner, where a device's work and its medium's are, the mean
  /// of the repetitions: most of what is left over is to be looked for there.
  public var handlersFrom: Double
  /// The same in the second mode: what its I/O threads do is not in it.
  public var handlersTo: Double

  /// A closure; see the properties.
  public init(
    suite: String, workload: String, from: String, to: String, measure: String, n: Int, difference: DifferenceRecord,
    explained: DifferenceRecord, residual: DifferenceRecord, parts: [Part], handlersFrom: Double, handlersTo: Double
  ) {
    self.suite = suite
    self.workload = workload
    self.from = from
    self.to = to
    self.measure = measure
    self.n = n
    self.difference = difference
    self.explained = explained
    self.residual = residual
    self.parts = parts
    self.handlersFrom = handlersFrom
    self.handlersTo = handlersTo
  }

  enum CodingKeys: String, CodingKey {
    case suite, workload, from, to, measure, n, difference, explained, residual, parts
    case handlersFrom = "handlers_from"
    case handlersTo = "handlers_to"
  }

  /// The residual as a part of the difference; nil where there is no difference.
  public var residualShare: Double? { difference.seconds == 0 ? nil : residual.seconds / difference.seconds }
}
