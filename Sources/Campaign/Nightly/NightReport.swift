import Foundation
import Measurement
import ResultStore

/// How a night ended.
public struct NightReport: Sendable {
  /// The run; nil where none could begin, or nothing of it be read.
  public var run: RunRecord?
  /// Its folder.
  public var folder: RunFolder?
  /// What stopped it, or kept anybody from looking at it.
  public var error: CampaignError?
  /// What the run itself exits with.
  var runCode: Int32 = 0
  /// What the history shows; nil where nobody could look.
  public var findings: NightFindings?
  /// What another build says of the suspects; nil where it was not asked.
  public var confirmation: Confirmation?

  /// Suspects that became worse, with what is known of them.
  private var worse: [Confirmation.Answer] {
    (findings?.suspects ?? []).filter { !$0.isImprovement }.map(answer)
  }

  func answer(to suspect: NightFindings.Suspect) -> Confirmation.Answer { confirmation?.answer(to: suspect) ?? .open }

  /// interface.md's: the run's own, where it is not 0; 1 where nobody could look at it; then, where a gate asks, 2 for a
  /// primary metric with a new change point for the worse or a confirmed suspect, 3 for a suspect of which nobody knows.
  public func exitCode(failOn gate: ComparedRuns.Gate?) -> Int32 {
    if let error { return error.exitCode }
    if runCode != 0 { return runCode }
    let isRegressed = findings?.changes.contains { !$0.isImprovement } == true || worse.contains(.confirmed)
    if gate != nil, isRegressed { return 2 }
    return gate == .inconclusive && worse.contains(.open) ? 3 : 0
  }
}

// MARK: For people

extension NightReport {
  /// More are only counted.
  private static let named = 3

  /// One paragraph, without a line feed.
  public var summary: String {
    guard let run else { return "pvbench nightly: \(error.map { "\($0)" } ?? "nothing was measured")." }
    var sentences = [
      "pvbench nightly on \(run.host.name): run \(run.id) is \(run.status.rawValue) (\(Self.boots(run)))."
    ]
    if let error { sentences.append("\(error).") }
    if let findings { sentences += words(findings) }
    if let folder { sentences.append("Report: \(folder.file("report.html"))") }
    return sentences.joined(separator: " ")
  }

  private static func boots(_ run: RunRecord) -> String {
    let statuses = run.cells.flatMap(\.repetitions).map(\.status)
    let counts = [(RepetitionStatus.failed, "failed"), (.invalid, "invalid"), (.skipped, "skipped")].compactMap {
      status, word in
      let count = statuses.count { $0 == status }
      return count == 0 ? nil : "\(count) \(word)"
    }
    return
      (["\(run.cells.count) \(run.cells.count == 1 ? "cell" : "cells"), \(statuses.count { $0 == .ok }) good boots"]
      + counts).joined(separator: ", ")
  }

  private func words(_ findings: NightFindings) -> [String] {
    guard let before = findings.nightBefore else {
      return ["It is the first night: there is nothing to hold it against."]
    }
    let (better, worse) = (findings.changes.filter(\.isImprovement), findings.changes.filter { !$0.isImprovement })
    var sentences = [
      "Of \(findings.series) series \(Self.list(worse, "became worse")), \(Self.list(better, "better"))."
    ]
    if !findings.exploratory.isEmpty {
      sentences.append("\(findings.exploratory.count) other metrics changed (see pvbench history regressions --all).")
    }
    if !findings.suspects.isEmpty {
      let names = findings.suspects.prefix(Self.named).map { suspect in
        "\(Self.name(suspect.series)) \(Self.change(suspect.before, suspect.value)), \(state(of: suspect))"
      }
      let rest = Self.rest(findings.suspects.count)
      sentences.append("Suspect tonight: \(names.joined(separator: "; "))\(rest).")
      if confirmation == nil { sentences.append("To be sure: \(proposal(findings.suspects)).") }
    }
    if !findings.configuration.isEmpty {
      sentences.append("Since the night of \(before): \(findings.configuration.joined(separator: ", ")).")
    }
    return sentences
  }

  /// `2 became worse (disk.randread.4k.qd1 full throughput.ops -12.3 % since 2026-11-20T03:00:00Z; …)`.
  private static func list(_ changes: [SeriesChange], _ words: String) -> String {
    guard !changes.isEmpty else { return "none \(words)" }
    let names = changes.prefix(named).map {
      "\(name($0.series)) \(change($0.point.before, $0.point.after)) since \($0.night.began)"
    }
    return "\(changes.count) \(words) (\(names.joined(separator: "; "))\(rest(changes.count)))"
  }

  private static func rest(_ count: Int) -> String { count > named ? "; and \(count - named) more" : "" }

  private static func name(_ series: Series) -> String {
    "\(series.cell.workload) \(series.cell.mode) \(series.metric.id)"
  }

  private static func change(_ before: Double, _ after: Double) -> String {
    before == 0 ? "from 0" : String(format: "%+.1f %%", 100 * (after / before - 1))
  }

  private func state(of suspect: NightFindings.Suspect) -> String {
    guard confirmation != nil else { return String(format: "usually up to %.1f %%", 100 * suspect.finding.fence) }
    return switch answer(to: suspect) {
    case .confirmed: "confirmed against the other build"
    case .refuted: "not confirmed against the other build"
    case .open: "which the other build could not decide"
    }
  }

  /// The command that asks another build.
  private func proposal(_ suspects: [NightFindings.Suspect]) -> String {
    let workloads = Set(suspects.map(\.series.cell.workload)).sorted().joined(separator: ",")
    return "pvbench run --runner builtin,previous --previous-runner OLD --workload \(workloads)"
  }
}

// MARK: For programs

extension NightReport {
  /// `{"schema": 1, "run": …, "status": …, "summary": …, "exit_code": …, "changes": […], "suspects": […]}`.
  public func json(failOn gate: ComparedRuns.Gate?) throws -> String {
    try HistoryJSON.text(Document(self, code: exitCode(failOn: gate)))
  }

  private struct Document: Encodable {
    let schema = 1
    let run: String?
    let status: RunStatus?
    let summary: String
    let exitCode: Int32
    let changes: [HistoryJSON.Change]
    let suspects: [Suspect]
    let configuration: [String]

    init(_ report: NightReport, code: Int32) {
      (run, status, summary, exitCode) = (report.run?.id, report.run?.status, report.summary, code)
      changes = (report.findings?.changes ?? []).map(HistoryJSON.Change.init)
      suspects = (report.findings?.suspects ?? []).map { Suspect($0, answer: report.answer(to: $0)) }
      configuration = report.findings?.configuration ?? []
    }

    enum CodingKeys: String, CodingKey {
      case schema, run, status, summary, changes, suspects, configuration
      case exitCode = "exit_code"
    }
  }

  private struct Suspect: Encodable {
    let series: HistoryJSON.Name
    let before: Double
    let value: Double
    let change: Double
    let fence: Double
    let improves: Bool
    let answer: Confirmation.Answer

    init(_ suspect: NightFindings.Suspect, answer: Confirmation.Answer) {
      series = HistoryJSON.Name(suspect.series)
      (before, value, improves) = (suspect.before, suspect.value, suspect.isImprovement)
      (change, fence) = (suspect.finding.change, suspect.finding.fence)
      self.answer = answer
    }
  }
}
