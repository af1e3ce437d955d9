import Foundation
import Measurement
import Statistics

/// A comparison for a terminal: a line each cell, or two where one does not hold it, then what cannot be compared and why, and
/// what it comes to.
public struct ComparisonText {
  private let document: ComparisonDocument
  private let columns: Int
  private let usesColor: Bool
  private let showsAll: Bool

  /// The text of `document`.
  ///
  /// - Parameters:
  ///   - columns: characters of a line.
  ///   - showsAll: also the exploratory metrics.
  public init(_ document: ComparisonDocument, columns: Int = 80, usesColor: Bool = false, showsAll: Bool = false) {
    self.document = document
    self.columns = columns
    self.usesColor = usesColor
    self.showsAll = showsAll
  }

  /// Everything, ending with a line end.
  public var text: String {
    let missing = document.primaries.filter { $0.verdict == .notComparable }.map {
      "\($0.workload) \($0.mode): not comparable: \($0.reason ?? "no reason given")"
    }
    return ([header, table] + missing.map { wrapped("  " + $0, indent: 4) } + ["\n", summary]).joined()
  }

  /// Both runs, and what was different about their hosts.
  private var header: String {
    func line(_ name: String, _ run: ComparisonDocument.Side) -> String {
      wrapped("\(name): \(run.id), \(run.status.rawValue), pvbench \(run.version), seed \(run.seed)", indent: 3)
    }
    let floors = document.thresholds.sorted { $0.key < $1.key }.map {
      "   threshold \($0.key): \(Self.words($0.value))"
    }
    let differences = document.differences.map { "   " + $0.words("in A", "in B") }
    return line("A", document.a) + line("B", document.b)
      + (differences + floors).map { wrapped($0, indent: 5) }.joined() + "\n"
  }

  private static func words(_ floor: FloorOverride) -> String {
    [floor.relative.map { percent($0) }, floor.absolute.map { String(format: "%g in its unit", $0) }]
      .compactMap(\.self).joined(separator: " and ")
  }

  // MARK: The table

  private var records: [ComparisonRecord] {
    (showsAll ? document.comparisons : document.primaries).filter { $0.verdict != .notComparable }
  }

  /// All in a line where that fits; otherwise sides, p and what can be detected are in a line of their own.
  private var table: String {
    let wide = lines(ofWide: records)
    guard (wide.map(\.count).max() ?? 0) > columns else { return wide.map(colored).joined() }
    return narrow
  }

  private func lines(ofWide records: [ComparisonRecord]) -> [String] {
    var table = TextTable(
      columns: ["WORKLOAD", "MODE", "METRIC", "A", "B", "B/A", "95 % INTERVAL", "P", "AFTER HOLM", "MDE", "VERDICT"],
      rightAligned: [5, 7, 8, 9])
    for record in records {
      table.add(
        [
          record.workload, record.mode, record.metric, Self.side(record.a, record.unit),
          Self.side(record.b, record.unit),
        ]
          + ResultTable.columns(record).prefix(2) + [
            record.p.map(Self.p) ?? "", record.pHolm.map(Self.p) ?? "", Self.effect(record), Self.verdict(record),
          ])
    }
    return table.text.split(separator: "\n").map(String.init)
  }

  private var narrow: String {
    var table = TextTable(columns: ["WORKLOAD", "MODE", "B/A", "95 % INTERVAL", "VERDICT"], rightAligned: [2])
    for record in records {
      table.add([record.workload, record.mode] + ResultTable.columns(record))
    }
    let rows = table.text.split(separator: "\n").map(String.init)
    return rows[0] + "\n"
      + zip(rows.dropFirst(), records).map { colored($0) + wrapped("  " + Self.detail($1), indent: 4) }.joined()
  }

  /// What the narrow table has no columns for.
  private static func detail(_ record: ComparisonRecord) -> String {
    let parts: [String?] = [
      "\(record.metric): A \(side(record.a, record.unit)), B \(side(record.b, record.unit))",
      record.p.map { "p \($0 < 0.0001 ? p($0) : "= " + p($0))" + (record.pHolm.map { ", Holm \(p($0))" } ?? "") },
      record.mde == nil ? nil : "MDE \(effect(record))",
      record.reason,
    ]
    return parts.compactMap(\.self).joined(separator: "; ")
  }

  /// `92.1 /s [91.0–93.2]`, the interval in the median's unit.
  private static func side(_ side: SideRecord, _ unit: String) -> String {
    let median = ResultTable.quantity(side.median, unit: unit)
    guard let low = side.low, let high = side.high, let value = side.median else { return median }
    let factor = ResultTable.scale(of: value, unit: unit).factor
    return "\(median) [\(ResultTable.number(low / factor))–\(ResultTable.number(high / factor))]"
  }

  /// `6.2 %`, with a star where it comes from a calibration.
  private static func effect(_ record: ComparisonRecord) -> String {
    record.mde.map { percent($0) + (record.mdeBasis == .calibration ? "*" : "") } ?? ""
  }

  private static func percent(_ value: Double) -> String { ResultTable.number(100 * value) + " %" }

  private static func p(_ value: Double) -> String { value < 0.0001 ? "< 0.0001" : String(format: "%.4f", value) }

  /// `inconclusive (needs at least 8 repetitions)`.
  private static func verdict(_ record: ComparisonRecord) -> String {
    words(record.verdict) + (record.reason.map { " (\($0))" } ?? "")
  }

  private static func words(_ verdict: Verdict) -> String { verdict.rawValue.replacingOccurrences(of: "_", with: " ") }

  /// A line with its end. Only a change that is called has a colour.
  private func colored(_ line: String) -> String {
    let colors: [(word: String, color: TerminalColor)] = [("regressed", .red), ("improved", .green)]
    for (word, color) in colors {
      guard usesColor, let place = line.range(of: "  " + word, options: .backwards) else { continue }
      return line[..<place.lowerBound] + "  " + color.paint(word) + line[place.upperBound...] + "\n"
    }
    return line + "\n"
  }

  // MARK: What it comes to

  private var summary: String {
    let counts = document.summary.verdicts
    let verdicts = [Verdict.improved, .regressed, .noChangeFound, .inconclusive, .notComparable].compactMap { verdict in
      counts[verdict.rawValue].map { "\($0) \(Self.words(verdict))" }
    }
    let agreement = document.summary.agreement
    var lines = ["\(document.primaries.count) primary metrics: \(verdicts.joined(separator: ", "))"]
    if let halfWidth = agreement.medianHalfWidth {
      let share = 100 * Double(agreement.holdingOne) / Double(agreement.intervals)
      lines.append(
        String(
          format: "the interval of the ratio holds 1 for %d of %d (%.1f %%); median half-width %.1f %%",
          agreement.holdingOne, agreement.intervals, share, 100 * halfWidth))
    }
    lines.append(contentsOf: effects)
    return (lines + CalibrationWords.lines(document.calibration)).map { wrapped($0, indent: 2) }.joined()
  }

  /// Where the figures of MDE come from.
  private var effects: [String] {
    let bases = Set(records.compactMap(\.mdeBasis))
    guard !bases.isEmpty else { return [] }
    let origin =
      bases == [.spread]
      ? "found from how far these boots are apart"
      : "* from the calibration of this host"
        + (bases.contains(.spread) ? ", others from how far these boots are apart" : "")
    return ["MDE: the smallest change for the worse that is called in 80 % of comparisons of this size, \(origin)"]
  }

  private func wrapped(_ text: String, indent: Int) -> String {
    let leading = String(text.prefix { $0 == " " })
    let lines = DoctorReport.wrapped(String(text.dropFirst(leading.count)), columns: max(20, columns - indent))
    return lines.enumerated().map { number, line in
      (number == 0 ? leading : String(repeating: " ", count: indent)) + line + "\n"
    }.joined()
  }
}
