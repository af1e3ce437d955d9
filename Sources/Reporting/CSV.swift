/// Builds comma-separated text by RFC 4180: CRLF line ends, fields quoted where they must be, UTF-8. A text that a spreadsheet
/// would take for a formula is preceded by an apostrophe (OWASP, "CSV Injection"); numbers are as they are.
struct CSV {
  private(set) var bytes: [UInt8] = []
  private let columns: Int

  /// Begins with the header row.
  init(_ header: String) {
    columns = header.split(separator: ",").count
    bytes = Array(header.utf8) + Self.lineEnd
  }

  /// Appends a row, which has as many fields as the header.
  mutating func row(_ fields: [String]) {
    precondition(fields.count == columns, "a row of \(fields.count) fields under \(columns) columns")
    bytes += fields.map { Self.quoted(Self.inert($0)) }.joined(separator: ",").utf8
    bytes += Self.lineEnd
  }

  private static let lineEnd = [UInt8(ascii: "\r"), UInt8(ascii: "\n")]

  /// `field`, or the same behind an apostrophe where it begins like a formula and is no number.
  static func inert(_ field: String) -> String {
    guard let first = field.utf8.first, "=+-@\t\r\n".utf8.contains(first), Double(field) == nil else { return field }
    return "'" + field
  }

  /// RFC 4180, section 2, rules 5 to 7. Bytes are looked at, not characters: a quote that carries a combining mark is a
  /// quote to whoever reads the file.
  static func quoted(_ field: String) -> String {
    guard field.utf8.contains(where: { $0 == 0x2C || $0 == 0x22 || $0 == 0x0D || $0 == 0x0A }) else {
      return field
    }
    var text = "\""
    for scalar in field.unicodeScalars {
      if scalar == "\"" { text += "\"" }
      text.unicodeScalars.append(scalar)
    }
    return text + "\""
  }

  /// The shortest text that reads back as exactly this number; empty for none. Missing is not zero.
  static func number(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
}
