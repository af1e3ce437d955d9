/// What a guest said, as a text file. The guest is hostile: its bytes must neither fill the disk nor drive the terminal of
/// whoever reads the log.
enum GuestLog {
  /// Longest log in bytes, without its closing remark.
  static let maximumLength = 1 << 20

  /// The file's bytes: one line each, control characters shown as `\xNN`, cut at `maximumLength`.
  static func bytes(of lines: [String]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (index, line) in lines.enumerated() {
      let visible = Array(visible(line).utf8)
      guard bytes.count + visible.count < maximumLength else {
        return bytes + Array("[log cut here: \(lines.count - index) more lines]\n".utf8)
      }
      bytes += visible
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }

  private static func visible(_ line: String) -> String {
    var text = ""
    for scalar in line.unicodeScalars {
      switch scalar.value {
      case 0x09, 0x20...0x7E, 0xA0...: text.unicodeScalars.append(scalar)
      default: text += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      }
    }
    return text
  }
}
