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

  /// What was found.
  public let document: ComparisonDocument

  /// Compares the runs that a user names, by path or, inside `parent`, by id.
  ///
  /// - Throws: `CampaignError.usage` for a run that does not exist or is given twice, for runs without a cell in common, and
  ///   for runs of two hosts unless `allowsMismatch` (methodology, section 5).
  public init(
    _ first: String, _ second: String, in parent: String, allowsMismatch: Bool,
    thresholds: [String: FloorOverride] = [:], calibrations: CalibrationStore? = nil
  ) throws(CampaignError) {
    let a = try StoredRun.record(of: try StoredRun.find(first, in: parent))
    let b = try StoredRun.record(of: try StoredRun.find(second, in: parent))
    try self.init(a, b, allowsMismatch: allowsMismatch, thresholds: thresholds, calibrations: calibrations)
  }

  /// Compares the run `b` with `a`.
  ///
  /// - Parameters:
  ///   - thresholds: floors by metric in place of those of the runs (`Threshold`).
  ///   - calibrations: where to look for what is known of the gate on their host.
  /// - Throws: as above.
  public init(
    _ a: RunRecord, _ b: RunRecord, allowsMismatch: Bool, thresholds: [String: FloorOverride] = [:],
    calibrations: CalibrationStore? = nil
  ) throws(CampaignError) {
    guard a.id != b.id else { throw .usage("\(a.id) is given twice: a run agrees with itself") }
    guard a.host.fingerprint == b.host.fingerprint || allowsMismatch else { throw Self.mismatch(a, b) }
    guard !Set(a.cells.map(\.key)).isDisjoint(with: b.cells.map(\.key)) else {
      throw .usage("\(a.id) and \(b.id) have no workload in the same mode")
    }
    document = ComparisonDocument(a, b, thresholds: thresholds, calibration: try calibrations?.calibration(of: [a, b]))
  }

  /// One line: what differs of the hosts, or that only their fingerprints do.
  private static func mismatch(_ a: RunRecord, _ b: RunRecord) -> CampaignError {
    let hardware = HostDifference.hardware(a.host, b.host)
    let all = hardware.isEmpty ? HostDifference.all(a.host, b.host).filter { $0.fact == "fingerprint" } : hardware
    let words = all.map { $0.words("in A", "in B") }.joined(separator: "; ")
    return .usage(
      "\(a.id) and \(b.id) are of different hosts: \(words) (--allow-mismatch compares them all the same)")
  }

  /// interface.md's: 1 where either run failed or is invalid, 77 where nothing could be compared, 2 and 3 where a gate asks.
  public func exitCode(failOn gate: Gate?) -> Int32 {
    let verdicts = Set(document.primaries.map(\.verdict))
    if verdicts == [.notComparable] { return 77 }
    if [document.a, document.b].contains(where: { $0.status == .failed || $0.status == .invalid }) { return 1 }
    if gate != nil, verdicts.contains(.regressed) { return 2 }
    return gate == .inconclusive && verdicts.contains(.inconclusive) ? 3 : 0
  }

  /// The document of `compare --json`, schema 1 (interface.md).
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return (try? encoder.encode(document)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }
}
