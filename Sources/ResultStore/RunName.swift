import Foundation

/// A run's name, `<UTC yyyymmddThhmmssZ>-<host>-<4 hex>`: sorts by time and is safe as a path.
public enum RunName {
  /// Longest host part in bytes.
  public static let maximumHostLength = 48

  /// The name of a run that began at `started` on `host`, told apart from others of that second by `suffix`.
  public static func make(host: String, started: Date, suffix: UInt16) -> String {
    let style = Date.ISO8601FormatStyle(dateSeparator: .omitted, timeSeparator: .omitted)
    let hex = String(suffix, radix: 16)
    return "\(started.formatted(style))-\(safe(host))-\(String(repeating: "0", count: 4 - hex.count))\(hex)"
  }

  /// `host` reduced to letters, digits, dots and dashes of ASCII. Host names are under somebody else's control: no
  /// separator, no leading dot, no control character may pass into a path.
  static func safe(_ host: String) -> String {
    let allowed = host.utf8.prefix(maximumHostLength).map { byte -> UInt8 in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."):
        byte
      default: UInt8(ascii: "-")
      }
    }
    let text = String(decoding: allowed, as: UTF8.self).trimmingCharacters(in: CharacterSet(charactersIn: ".-"))
    return text.isEmpty ? "host" : text
  }
}
