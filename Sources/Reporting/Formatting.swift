import Foundation
import Measurement

/// Numbers for people: three significant digits, SI prefixes, µs. Whoever needs exact values reads the CSV or JSON, or the
/// `data-` attributes beside these texts.
enum Formatting {
  /// Between a number and its unit, and between groups of digits.
  static let thinSpace = "\u{202F}"
  /// Where a value does not exist.
  static let dash = "–"

  /// The unit of a small difference of two rates, such as a clock's drift.
  static let relative = "relative"

  /// The unit in which people are shown a metric: its own, but that of a drift.
  static func unit(of metric: Metric?) -> String {
    guard let metric else { return "" }
    return metric.unit == "1" && metric.id.contains("drift") ? relative : metric.unit
  }

  /// `1.18 ms`, `64.0 MiB`, `8.20 k/s`, `7.90`, `0.012 ppm`. Units are those of metric descriptors: s, B, 1, 1/s, B/s, and
  /// `relative`.
  static func quantity(_ value: Double, unit: String) -> String {
    let scale = scale(of: value, unit: unit)
    return number(value / scale.factor) + scale.suffix
  }

  /// `[1.11–1.25]`, in the prefix that `quantity(median, …)` uses, so that it may stand behind it.
  static func interval(_ low: Double, _ high: Double, around median: Double, unit: String) -> String {
    let factor = scale(of: median, unit: unit).factor
    return "[\(number(low / factor))–\(number(high / factor))]"
  }

  /// `47.1×`.
  static func ratio(_ value: Double) -> String { number(value) + "×" }

  /// `p = 0.031`, `p < 0.0001`.
  static func p(_ value: Double) -> String {
    // No-break spaces: the number must not be parted from what it is.
    value < 0.0001 ? "p\u{A0}<\u{A0}0.0001" : "p\u{A0}=\u{A0}\(significant(value, digits: 2))"
  }

  /// A whole number with grouped digits.
  static func count(_ value: UInt64) -> String { grouped(String(value)) }

  /// Three significant digits; `0` only for an exact zero, whole numbers from 1,000 up grouped.
  static func number(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "not a number" : "∞" }
    if value == 0 { return "0" }
    let magnitude = abs(value)
    if magnitude >= 1e15 || magnitude < 1e-4 { return String(format: "%.2e", value) }
    if magnitude >= 999.5 { return (value < 0 ? "−" : "") + grouped(String(format: "%.0f", magnitude)) }
    return significant(value, digits: 3)
  }

  private static func significant(_ value: Double, digits: Int) -> String {
    guard value != 0 else { return "0" }
    // Rounding first: 9.996 has three digits as 10.0, not as 10.00.
    let rounded = Double(String(format: "%.\(digits - 1)e", value)) ?? value
    let places = max(0, digits - 1 - Int(log10(abs(rounded)).rounded(.down)))
    return (rounded < 0 ? "−" : "") + String(format: "%.\(places)f", abs(rounded))
  }

  private static func grouped(_ digits: String) -> String {
    guard digits.count > 4 else { return digits }
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += thinSpace }
      text.append(digit)
    }
    return text
  }

  private static func scale(of value: Double, unit: String) -> (factor: Double, suffix: String) {
    let magnitude = abs(value)
    func pick(_ rows: [(Double, String)]) -> (factor: Double, suffix: String) {
      // 999.96 prints as 1,000: it belongs to the next prefix.
      let row = rows.first { magnitude >= $0.0 * 0.9995 } ?? rows[rows.count - 1]
      return (row.0, thinSpace + row.1)
    }
    switch unit {
    case "s" where value == 0: return (1, thinSpace + "s")
    case "s": return pick([(1, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")])
    case "B": return pick([(1_073_741_824, "GiB"), (1_048_576, "MiB"), (1024, "KiB"), (1, "B")])
    case "B/s": return pick([(1e9, "GB/s"), (1e6, "MB/s"), (1e3, "kB/s"), (1, "B/s")])
    case "1/s": return pick([(1e9, "G/s"), (1e6, "M/s"), (1e3, "k/s"), (1, "/s")])
    case "1", "": return (1, "")
    case relative: return (1e-6, thinSpace + "ppm")
    default: return (1, thinSpace + unit)
    }
  }
}
