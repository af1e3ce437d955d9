import Foundation
import MachineLauncher
import Measurement

/// How a foreign guest's boot went: what `pvbench boot --json` prints (schema 1).
public struct BootRecord: Encodable, Sendable {
  /// A place that a boot comes to.
  struct Phase: Encodable, Equatable, Sendable {
    let id: String
    /// Seconds since the runner process was started; nil where the guest did not come there.
    let seconds: Double?
  }

  let schema = 1
  /// `ok`, `failed`, or `skipped` where this host cannot run the guest.
  let status: RepetitionStatus
  let reason: String?
  let phases: [Phase]
  let notes: [String]
  /// The console's last lines, where the guest failed.
  public let lastLines: [String]

  private enum CodingKeys: String, CodingKey {
    case schema, status, reason, phases, notes
    case lastLines = "last_lines"
  }

  /// The phases in their order, with what they are called.
  private static let phases = [
    ("boot.vmm_ready", "VMM ready"), ("boot.kernel_entry", "kernel entry"), ("boot.console", "first console byte"),
    ("boot.init", "init"), ("boot.marker", "user's marker"), ("boot.end", "end"),
  ]

  init(_ report: RunnerReport) {
    status = report.status
    reason = report.reason
    phases = Self.phases.map { id, _ in Phase(id: id, seconds: report.metrics[id]) }
    notes = report.notes
    lastLines = report.log
  }

  /// 0 the guest ended well, 1 it failed, 69 this host cannot run it.
  public var exitCode: Int32 {
    switch status {
    case .ok: 0
    case .skipped: 69
    case .failed, .invalid: 1
    }
  }

  /// Why the guest did not end well, in one line; nil where it did.
  public var failure: String? { status == .ok ? nil : reason ?? "the guest failed" }

  /// The machine form.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  /// The phases as a table, and what else is to be said; nothing where no guest was started.
  public var text: String {
    guard phases.contains(where: { $0.seconds != nil }) else { return "" }
    var table = TextTable(columns: ["PHASE", "SINCE PROCESS START"])
    table.add(["process start", "0 ms"])
    for (phase, (_, name)) in zip(phases, Self.phases) {
      table.add([name, phase.seconds.map { String(format: "%.1f ms", $0 * 1000) } ?? "not seen"])
    }
    return table.text + notes.map { $0 + "\n" }.joined()
  }
}
