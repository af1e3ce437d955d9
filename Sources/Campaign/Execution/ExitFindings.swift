import Measurement

/// What a run has found out about this host before its first repetition: which counts of exits can be believed here, and what an
/// exit costs. Part of the run, so that a resumed one goes on with the same prices.
struct ExitFindings: Codable, Equatable, Sendable {
  /// By source, `ExitSource` among them.
  var sources: [String: SourceFinding] = [:]
  /// By kind (`ExitKind`), and `traceCost`.
  var costs: [String: ExitCost] = [:]
  /// Why something is missing, one sentence each.
  var notes: [String] = []

  /// What recording tracepoints adds to an exit, among the costs of a run that does.
  static let traceCost = "trace"

  /// The same in words; nil where nothing is recorded.
  var traceRemark: String? {
    costs[Self.traceCost].map {
      let microseconds = ($0.median * 1e7).rounded() / 10
      return "recording tracepoints adds \(microseconds) µs to a userspace exit on this host"
    }
  }

  /// The sources whose counts were those of the loop: only these may contradict it.
  var exact: [ExitSource] { ExitSource.allCases.filter { sources[$0.rawValue]?.isExact == true } }

  /// What tracepoints have told, without those that do not count on this host: their zero is none.
  func believed(_ trace: TraceCounts?) -> TraceCounts? {
    trace.map { told in
      TraceCounts(
        events: told.events.filter { sources["trace:\($0.key)"]?.counts != false }, lostRecords: told.lostRecords)
    }
  }

  /// `host.kvm.exit_sources`.
  var record: JSONValue { .object(sources.mapValues(\.record)) }
}

/// What became of a known number of exits in one source's count.
struct SourceFinding: Codable, Equatable, Sendable {
  /// Exits that the guests have made.
  var expected: UInt64
  /// What the source had of them.
  var found: UInt64
  /// True where it can only be more: the source also counts what is no such exit.
  var isLowerBound = false

  /// True where every exit was counted once.
  var isExact: Bool { !isLowerBound && found > 0 && ReconciliationRecord.agree(expected, found) }

  /// True where nothing contradicts that it counts on this host.
  var counts: Bool { isLowerBound ? found > 0 && found >= expected - expected / 1000 : isExact }

  var record: JSONValue {
    .object([
      "counts": .bool(counts), "expected": .number(Double(expected)), "found": .number(Double(found)),
    ])
  }

  /// The same over another guest.
  mutating func add(_ other: SourceFinding) {
    expected += other.expected
    found += other.found
  }
}
