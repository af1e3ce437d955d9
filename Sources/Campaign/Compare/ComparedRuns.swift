import Foundation
import Measurement
import Statistics

/// Two stored runs, compared: what `pvbench compare` prints, and what it exits with.
public struct ComparedRuns: Sendable {
  /// What `--fail-on` takes.
  public enum Gate: String, Sendable, CaseIterable {
    /// A primary metric that became worse.
    case regression
    /// That, or one of which nobody knows.
    case inconclusive
  }

  let a: RunRecord
  let b: RunRecord
  let comparisons: [ComparisonRecord]

  /// Compares the runs that a user names, by path or, inside `parent`, by id.
  ///
  /// - Throws: `CampaignError.usage` for a run that does not exist or is given twice, for runs without a cell in common, and
  ///   for runs of two hosts unless `allowsMismatch` (methodology, section 5).
  public init(_ first: String, _ second: String, in parent: String, allowsMismatch: Bool) throws(CampaignError) {
    let a = try StoredRun.record(of: try StoredRun.find(first, in: parent))
    let b = try StoredRun.record(of: try StoredRun.find(second, in: parent))
    try self.init(a, b, allowsMismatch: allowsMismatch)
  }

  init(_ a: RunRecord, _ b: RunRecord, allowsMismatch: Bool) throws(CampaignError) {
    (self.a, self.b) = (a, b)
    guard a.id != b.id else { throw .usage("\(a.id) is given twice: a run agrees with itself") }
    guard a.host.fingerprint == b.host.fingerprint || allowsMismatch else {
      throw .usage(
        "\(a.id) and \(b.id) are of different hosts (\(Self.cpu(a)), \(Self.cpu(b))); --allow-mismatch compares them all the same"
      )
    }
    guard !Set(a.cells.map(\.key)).isDisjoint(with: b.cells.map(\.key)) else {
      throw .usage("\(a.id) and \(b.id) have no workload in the same mode")
    }
    comparisons = BetweenRuns.compare(a, b)
  }

  private static func cpu(_ run: RunRecord) -> String {
    guard case .string(let name)? = run.host.cpu["model_name"] ?? run.host.cpu["model"] else { return "unknown CPU" }
    return name
  }

  /// Comparisons that a gate looks at: one a cell.
  private var primaries: [ComparisonRecord] {
    let primary = Dictionary((a.cells + b.cells).map { ($0.key, $0.primary) }, uniquingKeysWith: { first, _ in first })
    return comparisons.filter {
      primary[CellKey(suite: $0.suite, workload: $0.workload, mode: $0.mode)] == $0.metric
    }
  }

  /// interface.md's: 1 where either run failed or is invalid, 77 where nothing could be compared, 2 and 3 where a gate asks.
  public func exitCode(failOn gate: Gate?) -> Int32 {
    let verdicts = Set(primaries.map(\.verdict))
    if verdicts == [.notComparable] { return 77 }
    if [a, b].contains(where: { $0.status == .failed || $0.status == .invalid }) { return 1 }
    if gate != nil, verdicts.contains(.regressed) { return 2 }
    return gate == .inconclusive && verdicts.contains(.inconclusive) ? 3 : 0
  }
}

// MARK: For people

extension ComparedRuns {
  /// A line each cell with its primary metric, then what cannot be compared and why, and what it comes to.
  public var text: String {
    var table = TextTable(
      columns: ["WORKLOAD", "MODE", "METRIC", "A", "B", "B/A", "95 % INTERVAL", "P", "AFTER HOLM", "VERDICT"],
      rightAligned: [3, 4, 5, 7, 8])
    for record in primaries where record.verdict != .notComparable {
      table.add(
        [
          record.workload, record.mode, record.metric, ResultTable.quantity(record.a.median, unit: record.unit),
          ResultTable.quantity(record.b.median, unit: record.unit),
        ] + ResultTable.columns(record).prefix(2) + [Self.p(record.p), Self.p(record.pHolm), Self.verdict(record)])
    }
    let missing = primaries.filter { $0.verdict == .notComparable }
      .map { "  \($0.workload) \($0.mode): not comparable: \($0.reason ?? "no reason given")\n" }
    return ([header, table.text] + missing + ["\n", summary]).joined()
  }

  private static func p(_ value: Double?) -> String {
    value.map { $0 < 0.0001 ? "< 0.0001" : String(format: "%.4f", $0) } ?? ""
  }

  /// `inconclusive (needs at least 8 repetitions)`.
  private static func verdict(_ record: ComparisonRecord) -> String {
    record.verdict.rawValue.replacingOccurrences(of: "_", with: " ") + (record.reason.map { " (\($0))" } ?? "")
  }

  /// Both runs, and what was different about their hosts.
  private var header: String {
    func line(_ name: String, _ run: RunRecord) -> String {
      "\(name): \(run.id), \(run.status.rawValue), pvbench \(run.version), seed \(run.seed)\n"
    }
    return line("A", a) + line("B", b)
      + differences.map { "   \($0.key): \($0.a) in A, \($0.b) in B\n" }.joined() + "\n"
  }

  private var summary: String {
    let counts = primaries.reduce(into: [:]) { $0[$1.verdict, default: 0] += 1 }
    let words = [Verdict.improved, .regressed, .noChangeFound, .inconclusive, .notComparable].compactMap { verdict in
      counts[verdict].map { "\($0) \(verdict.rawValue.replacingOccurrences(of: "_", with: " "))" }
    }
    let agreement = Agreement(comparisons)
    var lines = ["\(primaries.count) primary metrics: \(words.joined(separator: ", "))"]
    if let halfWidth = agreement.medianHalfWidth {
      let share = 100 * Double(agreement.holdingOne) / Double(agreement.intervals)
      lines.append(
        String(
          format: "the interval of the ratio holds 1 for %d of %d (%.1f %%); median half-width %.1f %%",
          agreement.holdingOne, agreement.intervals, share, 100 * halfWidth))
    }
    lines.append("nobody has calibrated this gate: how often it is wrong on this host is unknown")
    return lines.map { $0 + "\n" }.joined()
  }

  /// Facts of the hosts that are not the same, by name.
  private var differences: [(key: String, a: String, b: String)] {
    let (left, right) = (Self.facts(a.host), Self.facts(b.host))
    return Set(left.keys).union(right.keys).sorted().compactMap { key in
      left[key] == right[key] ? nil : (key, left[key] ?? "unknown", right[key] ?? "unknown")
    }
  }

  private static func facts(_ host: HostRecord) -> [String: String] {
    var facts = ["fingerprint": host.fingerprint, "kernel": host.kernel]
    for (group, values) in [("cpu", host.cpu), ("kvm", host.kvm), ("configuration", host.configuration)] {
      for (key, value) in values { facts["\(group) \(key)"] = Self.text(value) }
    }
    return facts
  }

  private static func text(_ value: JSONValue) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(value)).map { String(decoding: $0, as: UTF8.self) } ?? "unknown"
  }
}

// MARK: For programs

extension ComparedRuns {
  /// The document of `compare --json`, schema 1 (interface.md).
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return (try? encoder.encode(Document(self))).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private struct Document: Encodable {
    let schema = 1
    let a: Side
    let b: Side
    let calibrated = false
    let comparisons: [ComparisonRecord]
    let summary: Summary

    init(_ runs: ComparedRuns) {
      (a, b) = (Side(runs.a), Side(runs.b))
      comparisons = runs.comparisons
      summary = Summary(
        verdicts: runs.primaries.reduce(into: [:]) { $0[$1.verdict.rawValue, default: 0] += 1 },
        agreement: Agreement(runs.comparisons))
    }
  }

  private struct Side: Encodable {
    let id: String
    let started: String
    let status: RunStatus
    let version: String
    let fingerprint: String

    init(_ run: RunRecord) {
      (id, started, status, version) = (run.id, run.started, run.status, run.version)
      fingerprint = run.host.fingerprint
    }
  }

  private struct Summary: Encodable {
    let verdicts: [String: Int]
    let agreement: Agreement
  }
}
