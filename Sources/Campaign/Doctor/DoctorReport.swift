import Foundation
import HostTopology
import Measurement

/// What `pvbench doctor` found and did.
public struct DoctorReport: Sendable {
  let findings: [Finding]
  let action: Doctor.Action
  /// What an earlier process that died had left, put back now.
  let recovered: HostSettings.Outcome?
  let changed: HostSettings.Outcome?
  let pending: [SettingChange]

  /// 69 where no guest can run here, 1 where a setting could not be changed or put back.
  public var exitCode: Int32 {
    if findings.contains(where: \.isFatal) { return 69 }
    return failures.isEmpty ? 0 : 1
  }

  /// What went wrong, a line each.
  public var failures: [String] { (recovered?.failures ?? []) + (changed?.failures ?? []) }

  /// What was changed, put back or left alone, and what is still to be put back, a line each.
  public var notes: [String] {
    var notes = recovered.map { Self.lines($0, isBack: true, verb: "put back after a pvbench that was killed") } ?? []
    if let changed {
      let isBack = action == .restore
      notes += Self.lines(changed, isBack: isBack, verb: isBack ? "put back" : "set")
      if changed == HostSettings.Outcome() { notes.append("there is nothing to \(isBack ? "put back" : "set")") }
    }
    return notes + [Self.pending(pending.count)].compactMap(\.self)
  }

  /// One line where settings are not the host's own; nil where all are.
  private static func pending(_ count: Int) -> String? {
    guard count > 0 else { return nil }
    let settings = count == 1 ? "1 setting of this host is" : "\(count) settings of this host are"
    return "\(settings) as pvbench doctor --apply left them; put back: pvbench doctor --restore"
  }

  private static func lines(_ outcome: HostSettings.Outcome, isBack: Bool, verb: String) -> [String] {
    outcome.done.map { "\(verb): \($0.path) is \(isBack ? $0.old : $0.new)" }
      + outcome.leftAlone.map { "left alone, somebody else changed it: \($0.path)" }
  }

  /// The commands that would change what can be changed, as a shell script.
  public var script: String {
    findings.compactMap { finding in
      guard let remedy = finding.remedy else { return nil }
      let isOurs = remedy.settings.isEmpty ? "" : " [--apply does it]"
      return "# \(finding.id): \(finding.text) (\(finding.why))\(isOurs)\n\(remedy.line)\n"
    }.joined(separator: "\n")
  }

  /// The machine form, schema 1.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    let counts = Verdict.Status.allCases.map { status in
      (status.rawValue, JSONValue.number(Double(findings.count { $0.verdict.status == status })))
    }
    let document = JSONValue.object([
      "schema": .number(1), "checks": .array(findings.map(Self.json)),
      "summary": .object(Dictionary(uniqueKeysWithValues: counts)),
      "recovered": recovered.map(Self.json) ?? .null,
      action == .restore ? "restored" : "applied": changed.map(Self.json) ?? .null,
      "pending": .array(pending.map(Self.json)),
    ])
    return (try? encoder.encode(document)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private static func json(_ finding: Finding) -> JSONValue {
    var object: [String: JSONValue] = [
      "id": .string(finding.id), "status": .string(finding.verdict.status.rawValue), "found": .string(finding.text),
      "why": .string(finding.why), "fix": .null,
    ]
    if let remedy = finding.remedy {
      let settings = remedy.settings.map { JSONValue.object(["path": .string($0.path), "value": .string($0.value)]) }
      object["fix"] = .object(["command": .string(remedy.line), "settings": .array(settings)])
    }
    return .object(object)
  }

  private static func json(_ outcome: HostSettings.Outcome) -> JSONValue {
    .object([
      "done": .array(outcome.done.map(json)), "left_alone": .array(outcome.leftAlone.map(json)),
      "failures": .array(outcome.failures.map(JSONValue.string)),
    ])
  }

  private static func json(_ change: SettingChange) -> JSONValue {
    .object(["path": .string(change.path), "old": .string(change.old), "new": .string(change.new)])
  }
}
