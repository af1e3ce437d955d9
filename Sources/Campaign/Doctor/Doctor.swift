import HostTopology

/// Is this host fit to measure? Looks, and changes settings only where that was asked for: `pvbench doctor`.
public struct Doctor: Sendable {
  /// What may be asked for beside looking.
  public enum Action: Sendable {
    /// Nothing.
    case look
    /// Change what can be changed.
    case apply
    /// Put back what was changed.
    case restore
  }

  private let root: HostRoot
  private let settings: HostSettings
  private let results: String

  /// A doctor for the host that `environment` means (`PVBENCH_HOST_ROOT`, `PVBENCH_KVM_PATH`).
  ///
  /// - Parameter results: the folder that runs are made in.
  public init(environment: [String: String], results: String) {
    root = HostRoot(environment: environment)
    settings = HostSettings(environment: environment)
    self.results = results
  }

  /// Looks at the host, does what was asked for, and reports what is so afterwards.
  public func examine(_ action: Action) throws(CampaignError) -> DoctorReport {
    guard action != .look else {
      let (recovered, pending) = settings.settled
      return DoctorReport(findings: findings, action: action, recovered: recovered, changed: nil, pending: pending)
    }
    let recovered = try settings.recover()
    let changed =
      action == .restore
      ? try settings.restore() : try settings.apply(findings.compactMap(\.remedy).flatMap(\.settings))
    return DoctorReport(
      findings: findings, action: action, recovered: recovered, changed: changed, pending: try settings.pending)
  }

  /// Puts back what a process that died had changed, as every run does before it begins; what there is to say of that, and of
  /// settings that are still changed, a line each.
  public func settle() -> [String] {
    let (recovered, pending) = settings.settled
    let report = DoctorReport(findings: [], action: .look, recovered: recovered, changed: nil, pending: pending)
    return report.notes + report.failures
  }

  private var findings: [Finding] { root.probe.findings(results: results) }
}
