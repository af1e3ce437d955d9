import Measurement

/// The run that a new one is compared with when it is over: `pvbench run --against`.
public struct Against: Sendable {
  let record: RunRecord
  let allowsMismatch: Bool

  /// Reads the run that a user names, by path, by id in `parent` or as a baseline there.
  ///
  /// - Throws: `CampaignError.usage` where there is none.
  public init(_ name: String, in parent: String, allowsMismatch: Bool) throws(CampaignError) {
    record = try StoredRun.record(of: try StoredRun.find(name, in: parent))
    self.allowsMismatch = allowsMismatch
  }

  /// Whether the comparison will be possible, before hours are spent on it.
  ///
  /// - Throws: `CampaignError.usage` for another host's run, and for one without a cell in common with `plan`.
  func check(_ plan: Plan, on host: HostRecord) throws(CampaignError) {
    guard record.host.fingerprint == host.fingerprint || allowsMismatch else {
      throw .usage("\(record.id) is of another host (--allow-mismatch compares with it all the same)")
    }
    guard !Set(record.cells.map(\.key)).isDisjoint(with: plan.cells.map(\.key)) else {
      throw .usage("\(record.id) has none of these workloads in the same mode")
    }
  }

  /// What became of it: `run` is B. `calibrations` is where to look for what is known of the gate.
  public func compared(
    with run: RunRecord, calibrations: CalibrationStore? = nil
  ) throws(CampaignError) -> ComparedRuns {
    try ComparedRuns(record, run, allowsMismatch: allowsMismatch, calibrations: calibrations)
  }
}
