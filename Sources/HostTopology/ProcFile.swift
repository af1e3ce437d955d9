/// The `name: value` files of /proc.
enum ProcFile {
  /// The first value of each name.
  static func fields(_ path: String) -> [String: String] {
    var fields: [String: String] = [:]
    for line in (HostFile.text(path) ?? "").split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let name = HostFile.trimmed(line[..<colon])
      guard fields[name] == nil else { continue }
      fields[name] = HostFile.trimmed(line[line.index(after: colon)...])
    }
    return fields
  }

  /// A size like `2097152 kB` in bytes.
  static func kibibytes(_ text: String?) -> UInt64? {
    guard let number = text?.split(separator: " ").first.flatMap({ UInt64($0) }) else { return nil }
    let (bytes, overflows) = number.multipliedReportingOverflow(by: 1024)
    return overflows ? nil : bytes
  }
}
