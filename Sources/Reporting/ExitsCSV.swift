import Measurement

/// `exits.csv`: one row per repetition, exit reason and detail, of the measured window.
///
/// `run.json` names a detail `reason:place:direction` (`io:0x1f0:in`). Here `reason` is what stands before the first colon
/// (`io`) and `detail` the rest (`0x1f0:in`); `rdmsr:0x10` becomes `rdmsr`, `0x10`. Exits of a reason that no detail
/// accounts for are a row with an empty detail and no elements or bytes, so that the exits of all rows of a reason add up to
/// its `by_reason`. `time_seconds` is time in the handler.
///
/// A repetition that never measured is one row: its status as reason (`skipped`, `failed`, `invalid`), why as detail, and no
/// numbers. One that measured and saw no exit at all is one row with an empty reason and 0 exits.
public enum ExitsCSV {
  static let header = "run,suite,workload,mode,repetition,reason,detail,exits,elements,bytes,time_seconds"

  /// The file's bytes.
  public static func render(_ run: RunRecord) -> [UInt8] {
    var csv = CSV(header)
    for cell in run.cells {
      for repetition in cell.repetitions {
        let start = [run.id, cell.suite, cell.workload, cell.mode, "\(repetition.index)"]
        for row in rows(of: repetition) { csv.row(start + row) }
      }
    }
    return csv.bytes
  }

  private static func rows(of repetition: RepetitionRecord) -> [[String]] {
    let exits = repetition.exits
    var rows = exits.byDetail.sorted { $0.key < $1.key }.map { key, tally in
      let (reason, detail) = ExitName.split(key)
      return [reason, detail, "\(tally.exits)", "\(tally.elements)", "\(tally.bytes)", CSV.number(tally.seconds)]
    }
    for (reason, rest) in ExitName.remainders(exits) {
      let isWhole = rest == exits.byReason[reason]
      rows.append([reason, "", "\(rest)", "", "", CSV.number(isWhole ? exits.latency[reason]?.sum : nil)])
    }
    guard rows.isEmpty else { return rows }
    return repetition.status == .ok
      ? [["", "", "\(exits.total)", "", "", ""]]
      : [[repetition.status.rawValue, repetition.reason ?? "", "", "", "", ""]]
  }
}

/// How exit details are named.
enum ExitName {
  /// `io:0x1f0:in` → (`io`, `0x1f0:in`).
  static func split(_ key: String) -> (reason: String, detail: String) {
    guard let colon = key.firstIndex(of: ":") else { return (key, "") }
    return (String(key[..<colon]), String(key[key.index(after: colon)...]))
  }

  /// Exits by reason that no detail accounts for, reasons in order. A reason that was watched and never seen (0 exits) is
  /// among them; one that its details account for is not.
  static func remainders(_ exits: ExitCounts) -> [(reason: String, exits: UInt64)] {
    var detailed: [String: UInt64] = [:]
    for (key, tally) in exits.byDetail { detailed[split(key).reason, default: 0] &+= tally.exits }
    return exits.byReason.sorted { $0.key < $1.key }.compactMap { reason, count in
      guard let seen = detailed[reason] else { return (reason, count) }
      return count > seen ? (reason, count - seen) : nil
    }
  }
}
