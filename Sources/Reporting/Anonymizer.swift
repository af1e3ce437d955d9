import Foundation
import Measurement

/// Takes out of a run what tells whose it is, so that a report of it may be shared.
///
/// Gone are: the host's name wherever it stands; paths (but for those that every Linux host has: `/proc`, `/sys`, `/dev`
/// without names of disks); IPv4, IPv6 and MAC addresses; UUIDs; and every value whose key speaks of a serial number, an asset
/// tag, a UUID, a machine id or a host name. Kept are figures, workloads, modes, processor, kernel and fingerprint (a hash).
public enum Anonymizer {
  /// `run` without them.
  ///
  /// - Throws: `ReportError.notRepresentable` where a number is infinite or not a number.
  public static func anonymized(_ run: RunRecord) throws(ReportError) -> RunRecord {
    var run = run
    let scrub = Scrub(host: run.host.name, paths: CommandLinePaths.all(run.command))
    run.id = RunIdentity.withoutHost(run.id)
    run.host.name = ""
    if !run.command.isEmpty { run.command[0] = "pvbench" }
    do {
      // As JSON, so that a field which is added tomorrow is looked at as well.
      let json = try JSONSerialization.jsonObject(with: Data(try RunJSON.render(run)))
      let clean = scrub.value(json, key: "")
      return try JSONDecoder().decode(RunRecord.self, from: JSONSerialization.data(withJSONObject: clean))
    } catch let error as ReportError {
      throw error
    } catch {
      throw .notRepresentable("run \(run.id) cannot be made anonymous: \(error)")
    }
  }

  /// Walks a JSON value.
  private struct Scrub {
    let host: String
    /// What the command line named.
    let paths: [String]

    /// Keys of pvbench's own words, in which a host's name must not be looked for: a host may be called `full`.
    private static let vocabulary: Set = [
      "suite", "workload", "mode", "runner", "metric", "unit", "better", "primary", "status", "verdict", "test",
      "choices",
    ]
    /// Objects that hold figures only.
    private static let figures: Set = ["metrics", "histograms", "exits", "kvm_stats"]
    private static let secretKeys = ["serial", "asset", "uuid", "machine_id", "hostname", "host_name"]

    func value(_ value: Any, key: String) -> Any {
      switch value {
      case is String where Self.secretKeys.contains(where: key.lowercased().contains): return "(left out)"
      case let text as String: return string(text, isWord: Self.vocabulary.contains(key))
      case let values as [Any]: return values.map { self.value($0, key: $0 is String ? key : "") }
      case let members as [String: Any] where !Self.figures.contains(key):
        let isWord = Self.vocabulary.contains(key)
        return Dictionary(
          members.map { (string($0.key, isWord: true), self.value($0.value, key: isWord ? key : $0.key)) },
          uniquingKeysWith: { first, _ in first })
      default: return value
      }
    }

    private func string(_ text: String, isWord: Bool) -> String {
      var text = text
      for path in paths where text.contains(path) { text.replace(path, with: "(path)") }
      for (pattern, word) in patterns { text.replace(pattern) { match in match.output.1 + word } }
      guard !isWord, host.count > 1 else { return text }
      return text.replacingOccurrences(of: host, with: "(host)", options: .caseInsensitive)
    }

    /// What is looked for, each behind what may stand before it, and what takes its place.
    private let patterns: [(Regex<(Substring, Substring)>, String)] = [
      (/(^|[\s"'=:,(\[])~?\/(?!(?:proc|sys|dev)\/(?!disk\/|mapper\/))[^\s"',)\]]+[^\s"',)\].:;]/, "(path)"),
      (/(^|[^0-9A-Za-z.])(?:\d{1,3}\.){3}\d{1,3}(?![0-9.])/, "(address)"),
      (/(^|[^0-9A-Za-z:])(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}(?![0-9A-Za-z:])/, "(address)"),
      (/(^|[^0-9A-Za-z:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![0-9A-Za-z:])/, "(address)"),
      (/(^|[^0-9A-Za-z:])(?:[0-9A-Fa-f]{1,4}:){1,6}(?::[0-9A-Fa-f]{1,4}){1,6}(?![0-9A-Za-z:])/, "(address)"),
      (/(^|[^0-9A-Za-z-])[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}(?![0-9A-Za-z-])/, "(uuid)"),
    ]
  }
}

/// What in a command line names a file.
enum CommandLinePaths {
  private static let options: Set = ["--out", "--disk", "--resume", "--config", "--kernel", "--initrd", "--templates"]

  /// Values of options that take a file, and whatever has a slash in it; longest first, so that none is replaced in part.
  static func all(_ command: [String]) -> [String] {
    var paths: Set<String> = []
    for (index, argument) in command.enumerated().dropFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1).map(String.init)
      let value = parts.last ?? ""
      let option = parts.count == 2 && argument.hasPrefix("--") ? parts[0] : command[index - 1]
      if value.contains("/") || (options.contains(option) && !value.hasPrefix("--")) { paths.insert(value) }
    }
    return paths.sorted { ($0.count, $1) > ($1.count, $0) }
  }
}

/// The parts of a run's id, `<UTC yyyymmddThhmmssZ>-<host>-<4 hex>`.
enum RunIdentity {
  /// The id without the host in its middle; `run` for what is no such id.
  static func withoutHost(_ id: String) -> String {
    guard let match = id.wholeMatch(of: /(\d{8}T\d{6}Z)-.*-([0-9a-f]{4})/) else { return "run" }
    return "\(match.1)-\(match.2)"
  }
}
