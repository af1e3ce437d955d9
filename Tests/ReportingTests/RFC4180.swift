/// A reader of comma-separated text that shares nothing with the writer.
enum RFC4180 {
  /// Rows of fields, the header first.
  static func rows(_ bytes: [UInt8]) -> [[String]] {
    var rows: [[String]] = []
    var row: [String] = []
    var field: [UInt8] = []
    var isQuoted = false
    var previous: UInt8 = 0
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "\"") where isQuoted: isQuoted = false
      case UInt8(ascii: "\""):
        // Two in a row inside a quoted field are one.
        if previous == UInt8(ascii: "\"") { field.append(byte) }
        isQuoted = true
      case UInt8(ascii: ",") where !isQuoted:
        row.append(String(decoding: field, as: UTF8.self))
        field = []
      case UInt8(ascii: "\r") where !isQuoted: break
      case UInt8(ascii: "\n") where !isQuoted:
        rows.append(row + [String(decoding: field, as: UTF8.self)])
        (row, field) = ([], [])
      default: field.append(byte)
      }
      previous = byte
    }
    return rows
  }
}
