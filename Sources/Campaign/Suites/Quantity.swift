/// Numbers with units, as suites, options and configuration files write them. A number without its unit is no quantity.
public enum Quantity {
  private static let sizes: [(suffix: String, bytes: UInt64)] = [
    ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1),
  ]
  private static let durations: [(suffix: String, nanoseconds: Double)] = [
    ("ns", 1), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9),
  ]

  /// Bytes of `4KiB`, `64MiB`, `1GiB` or `512B`; nil where the text is no such size.
  public static func bytes(_ text: String) -> UInt64? {
    for (suffix, bytes) in sizes where text.hasSuffix(suffix) {
      guard let count = whole(text.dropLast(suffix.count)) else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: bytes)
      return overflow ? nil : product
    }
    return nil
  }

  /// Nanoseconds of `500ms`, `2s`, `0.5s`, `10us`; nil where the text is no such duration.
  public static func nanoseconds(_ text: String) -> UInt64? {
    for (suffix, scale) in durations where text.hasSuffix(suffix) {
      return decimal(text.dropLast(suffix.count)).flatMap { UInt64(exactly: ($0 * scale).rounded()) }
    }
    return nil
  }

  /// 0.05 of `5%`; nil where the text is no percentage.
  public static func fraction(_ text: String) -> Double? {
    text.hasSuffix("%") ? decimal(text.dropLast()).map { $0 / 100 } : nil
  }

  /// A whole number without sign, spaces or unit.
  static func whole(_ text: some StringProtocol) -> UInt64? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt64(text) : nil
  }

  /// A number such as `2` or `0.5`, without sign, exponent or unit.
  static func decimal(_ text: some StringProtocol) -> Double? {
    guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2E }) else { return nil }
    return Double(String(text))
  }

  /// A size for people: `4 KiB`, `64 MiB`, `513 B`.
  public static func text(bytes: UInt64) -> String {
    let unit = sizes.filter { bytes >= $0.bytes && bytes % $0.bytes == 0 }.max { $0.bytes < $1.bytes }
    guard let unit, bytes > 0 else { return "\(bytes) B" }
    return "\(bytes / unit.bytes) \(unit.suffix)"
  }

  /// A duration for people, to the hundredth of a second or the millisecond: `2.04 s`, `310 ms`.
  public static func text(seconds: Double) -> String {
    guard seconds >= 1 else { return "\(Int((seconds * 1000).rounded())) ms" }
    let hundredths = Int((seconds * 100).rounded())
    let rest = hundredths % 100
    return "\(hundredths / 100).\(rest < 10 ? "0" : "")\(rest) s"
  }
}
