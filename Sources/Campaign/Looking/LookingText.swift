import Foundation
import Measurement

extension LookingRecord {
  /// The record as a file and as `--json` has it.
  public var json: [UInt8] {
    get throws {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
    }
  }

  /// A line each workload and instrument.
  public var text: String {
    var table = TextTable(
      columns: [
        "WORKLOAD", "INSTRUMENT", "WITHOUT", "WITH", "RATIO", "95 % INTERVAL", "AN EXIT", "95 % INTERVAL", "LIMIT",
      ],
      rightAligned: [2, 3, 4, 6])
    for row in rows {
      table.add([
        "\(row.workload) \(row.mode)", row.instrument, ResultTable.quantity(row.off, unit: "s"),
        ResultTable.quantity(row.on, unit: "s"), Self.ratio(row.ratio),
        Self.interval(row.ratioLow, row.ratioHigh, Self.ratio), row.exitSeconds.map(Self.nanoseconds) ?? "",
        Self.interval(row.exitSecondsLow, row.exitSecondsHigh, Self.nanoseconds), row.verdict.rawValue,
      ])
    }
    let share = Int((Self.limitShare * 100).rounded())
    return table.text
      + "\nlimit: \(Int((Self.limitSeconds * 1e9).rounded())) ns a userspace exit, or \(share) % of \(rows.first?.metric ?? "")\n"
  }

  private static func ratio(_ value: Double) -> String { String(format: "%.4f", value) }
  private static func nanoseconds(_ value: Double) -> String { String(format: "%.0f ns", value * 1e9) }

  private static func interval(_ low: Double?, _ high: Double?, _ text: (Double) -> String) -> String {
    guard let low, let high else { return "" }
    return "[\(text(low)) to \(text(high))]"
  }
}
