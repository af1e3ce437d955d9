import Measurement

/// What a runner says about its guest, line by line on its standard output: a word, then tab-separated fields. Unlike JSON
/// it needs no Foundation in the runner, and a person can read it.
public struct RunnerReport: Equatable, Sendable {
  /// How the repetition ended; `failed` until the runner says otherwise.
  public var status = RepetitionStatus.failed
  /// Why, where it is not `ok`.
  public var reason: String?
  /// Metrics by id, base units.
  public var metrics: [String: Double] = [:]
  /// Exits inside the window.
  public var exits = ExitCounts()
  /// Exits of the guest's whole life.
  public var lifetimeExits = LifetimeExits()
  /// KVM's own counters over the same time, those that moved.
  public var lifetimeStats: [String: UInt64] = [:]
  /// What KVM's tracepoints have told of the same; nil where nobody asked them.
  public var trace: TraceCounts?
  /// HdrHistogram V2 compressed base64 by name.
  public var histograms: [String: String] = [:]
  /// Samples recorded in each histogram.
  public var notes: [String] = []
  /// KVM's own counters: growth inside the window.
  public var kvmStats: [String: UInt64] = [:]
  /// Operations of every queue slot since boot, for the replay of the access pattern.
  public var slots: [UInt64] = []
  /// The guest's log lines.
  public var log: [String] = []
  /// True when the closing line was read: a report without it was cut off.
  public var isComplete = false

  /// An empty report.
  public init() {}

  /// The report of a guest that was not started, and why.
  public static func skipped(_ reason: String) -> RunnerReport {
    var report = RunnerReport()
    (report.status, report.reason) = (.skipped, reason)
    return report
  }

  /// The report's text, closing line included.
  public var text: String {
    var lines: [String] = []
    func line(_ fields: String...) { lines.append(fields.map(Self.escape).joined(separator: "\t")) }
    line("status", status.rawValue, reason ?? "")
    for (id, value) in metrics.sorted(by: { $0.key < $1.key }) { line("metric", id, "\(value)") }
    line("exits", "\(exits.total)", "\(exits.userspace)")
    for (reason, count) in exits.byReason.sorted(by: { $0.key < $1.key }) { line("reason", reason, "\(count)") }
    for (detail, tally) in exits.byDetail.sorted(by: { $0.key < $1.key }) {
      line("detail", detail, "\(tally.exits)", "\(tally.elements)", "\(tally.bytes)", "\(tally.seconds)")
    }
    for (word, table) in [("handler", exits.latency), ("roundtrip", exits.roundTrip)] {
      for (reason, summary) in table.sorted(by: { $0.key < $1.key }) {
        line(word, reason, "\(summary.count)", "\(summary.p50)", "\(summary.p99)", "\(summary.sum)")
      }
    }
    for (reason, count) in lifetimeExits.byReason.sorted(by: { $0.key < $1.key }) { line("life", reason, "\(count)") }
    for (place, count) in lifetimeExits.byPlace.sorted(by: { $0.key < $1.key }) { line("lifeplace", place, "\(count)") }
    for (name, value) in lifetimeStats.sorted(by: { $0.key < $1.key }) { line("lifestat", name, "\(value)") }
    if let trace {
      line("trace", "\(trace.lostRecords)")
      for (name, event) in trace.events.sorted(by: { $0.key < $1.key }) {
        line("traced", name, "\(event.count)", "\(event.lost)")
        for (key, count) in event.byKey.sorted(by: { $0.key < $1.key }) { line("tracedkey", name, key, "\(count)") }
      }
    }
    for (name, value) in histograms.sorted(by: { $0.key < $1.key }) { line("histogram", name, value) }
    for note in notes { line("note", note) }
    for (name, value) in kvmStats.sorted(by: { $0.key < $1.key }) { line("kvmstat", name, "\(value)") }
    if !slots.isEmpty { line("slots", slots.map(String.init).joined(separator: ",")) }
    for entry in log { line("log", entry) }
    line("end")
    return lines.joined(separator: "\n") + "\n"
  }

  /// Reads a report; lines that it does not know are ignored, so that an older supervisor reads a newer runner.
  public init(parsing text: String) {
    // By scalars: as characters, a carriage return and the newline behind it are one.
    for line in text.unicodeScalars.split(separator: "\n").map(Substring.init) {
      let fields = line.split(separator: "\t", omittingEmptySubsequences: false).map(Self.unescape)
      switch (fields[0], fields.count) {
      case ("status", 3):
        status = RepetitionStatus(rawValue: fields[1]) ?? .failed
        reason = fields[2].isEmpty ? nil : fields[2]
      case ("metric", 3): metrics[fields[1]] = Double(fields[2])
      case ("exits", 3):
        exits.total = UInt64(fields[1]) ?? 0
        exits.userspace = UInt64(fields[2]) ?? 0
      case ("reason", 3): exits.byReason[fields[1]] = UInt64(fields[2])
      case ("detail", 6):
        exits.byDetail[fields[1]] = ExitTally(
          exits: UInt64(fields[2]) ?? 0, elements: UInt64(fields[3]) ?? 0, bytes: UInt64(fields[4]) ?? 0,
          seconds: Double(fields[5]) ?? 0)
      case ("handler", 6): exits.latency[fields[1]] = Self.latency(fields)
      case ("roundtrip", 6): exits.roundTrip[fields[1]] = Self.latency(fields)
      case ("life", 3): lifetimeExits.byReason[fields[1]] = UInt64(fields[2])
      case ("lifeplace", 3): lifetimeExits.byPlace[fields[1]] = UInt64(fields[2])
      case ("lifestat", 3): lifetimeStats[fields[1]] = UInt64(fields[2])
      case ("trace", 2): trace = TraceCounts(lostRecords: UInt64(fields[1]) ?? 0)
      case ("traced", 4):
        trace?.events[fields[1]] = TraceCounts.Event(count: UInt64(fields[2]) ?? 0, lost: UInt64(fields[3]) ?? 0)
      case ("tracedkey", 4): trace?.events[fields[1]]?.byKey[fields[2]] = UInt64(fields[3])
      case ("histogram", 3): histograms[fields[1]] = fields[2]
      case ("note", 2): notes.append(fields[1])
      case ("kvmstat", 3): kvmStats[fields[1]] = UInt64(fields[2])
      case ("slots", 2): slots = fields[1].split(separator: ",").compactMap { UInt64($0) }
      case ("log", 2): log.append(fields[1])
      case ("end", 1): isComplete = true
      default: continue
      }
    }
  }

  /// Everything that counts the guest's exits.
  public var evidence: ExitEvidence {
    ExitEvidence(
      loop: lifetimeExits, counted: metrics["exits.kernel_total"].flatMap { UInt64(exactly: $0) },
      statistics: lifetimeStats, trace: trace)
  }

  private static func latency(_ fields: [String]) -> ExitLatency {
    ExitLatency(
      count: UInt64(fields[2]) ?? 0, p50: Double(fields[3]) ?? 0, p99: Double(fields[4]) ?? 0,
      sum: Double(fields[5]) ?? 0)
  }

  private static func escape(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\t": escaped += "\\t"
      case "\n": escaped += "\\n"
      case "\r": escaped += "\\r"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  private static func unescape(_ text: Substring) -> String {
    var plain = ""
    var isEscaped = false
    for scalar in text.unicodeScalars {
      if isEscaped {
        plain.unicodeScalars.append(scalar == "t" ? "\t" : scalar == "n" ? "\n" : scalar == "r" ? "\r" : scalar)
        isEscaped = false
      } else if scalar == "\\" {
        isEscaped = true
      } else {
        plain.unicodeScalars.append(scalar)
      }
    }
    return plain
  }
}
