import MachineLauncher
import Measurement

/// Turns what a runner said into a repetition's record. Only `ok` enters a statistic, so everything that casts doubt on a
/// repetition is found here.
enum RepetitionJudge {
  /// The record of one ended repetition; nil where the campaign was interrupted in it. `isOfHugePages` says that its row names
  /// transparent huge pages; `sources` count exits on this host, and must agree with the loop.
  static func record(
    _ outcome: RunnerOutcome, of step: PlannedStep, order: Int, isOfHugePages: Bool = false,
    sources: [ExitSource] = [.counter]
  ) -> RepetitionRecord? {
    switch outcome {
    case .interrupted: nil
    case .noKVM(let reason), .failed(let reason):
      RepetitionRecord(index: step.index, order: order, status: .failed, reason: reason)
    case .report(let report, _):
      record(report, of: step, order: order, isOfHugePages: isOfHugePages, sources: sources)
    }
  }

  private static func record(
    _ report: RunnerReport, of step: PlannedStep, order: Int, isOfHugePages: Bool, sources: [ExitSource]
  ) -> RepetitionRecord {
    var record = RepetitionRecord(
      index: step.index, order: order, status: report.status, reason: report.reason, metrics: report.metrics,
      exits: report.exits, histograms: report.histograms, notes: report.notes, kvmStats: report.kvmStats,
      trace: report.trace,
      reconciliation: report.lifetimeExits.byReason.isEmpty ? nil : report.evidence.reconciled(sources))
    if let name = nonFinite(in: report) {
      return RepetitionRecord(
        index: step.index, order: order, status: .failed, reason: "runner reported no finite number for \(name)",
        notes: report.notes)
    }
    let disagreement = Self.disagreement(record.reconciliation)
    if record.status == .ok,
      let reason = accountingError(report.metrics) ?? disagreement ?? placementError(report.metrics)
    {
      (record.status, record.reason) = (.invalid, reason)
    }
    if record.status == .ok, isOfHugePages, hasSmallPages(report.metrics) {
      (record.status, record.reason) = (.skipped, "the host gave pages of 4 KiB where it was asked for huge ones")
    }
    if record.status != .ok, record.reason == nil { record.reason = "no reason given" }
    // Missing is not zero: what a failed or skipped guest measured is no observation.
    if record.status == .failed || record.status == .skipped { record.metrics = [:] }
    return record
  }

  /// Accounting closure (methodology, section 3): exits seen by the loop against those that the kernel counted. The
  /// difference may be max(1 exit, 0.1 %).
  static func accountingError(_ metrics: [String: Double]) -> String? {
    guard let loop = metrics["exits.loop_total"], let kernel = metrics["exits.kernel_total"] else { return nil }
    guard abs(loop - kernel) > max(1, 0.001 * max(loop, kernel)) else { return nil }
    return "exit accounting does not close: the loop saw \(count(loop)), the kernel counted \(count(kernel))"
  }

  /// The same for every reason that others can see, too.
  static func disagreement(_ rows: [ReconciliationRecord]?) -> String? {
    for row in rows ?? [] {
      guard let source = row.disagreeing.first, let other = row.sources[source] else { continue }
      return "exit accounting does not close: the loop saw \(row.loop) exits (\(row.reason)), \(source) has \(other)"
    }
    return nil
  }

  /// A guest whose memory is not where it should be measures something else.
  static func placementError(_ metrics: [String: Double]) -> String? {
    guard let misplaced = metrics["memory.misplaced"], misplaced > 0 else { return nil }
    return "\(count(misplaced)) bytes of guest RAM are not on the NUMA nodes that it was bound to"
  }

  /// True where the host gave a guest less memory than it has touched by whole huge pages: they were none.
  static func hasSmallPages(_ metrics: [String: Double]) -> Bool {
    guard let rate = metrics["throughput.bytes"], let seconds = metrics["window.seconds"],
      let given = metrics["memory.guest_touched"]
    else { return false }
    return given < 0.9 * rate * seconds
  }

  private static func count(_ value: Double) -> String { UInt64(exactly: value).map(String.init) ?? "\(value)" }

  private static func nonFinite(in report: RunnerReport) -> String? {
    if let metric = report.metrics.filter({ !$0.value.isFinite }).keys.min() { return metric }
    if let detail = report.exits.byDetail.filter({ !$0.value.seconds.isFinite }).keys.min() { return detail }
    for (word, table) in [("handler", report.exits.latency), ("round trip", report.exits.roundTrip)] {
      let broken = table.filter { !($0.value.p50.isFinite && $0.value.p99.isFinite && $0.value.sum.isFinite) }
      if let reason = broken.keys.min() { return "the \(word) time of \(reason)" }
    }
    return nil
  }
}
