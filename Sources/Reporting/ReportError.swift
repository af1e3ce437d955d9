/// Why a report could not be made.
public enum ReportError: Error, Equatable, CustomStringConvertible {
  /// A template that every report of this kind needs is not there.
  case missingTemplate(file: String, usedBy: String?)
  /// A template that cannot be parsed; `line` and `column` count from 1.
  case brokenTemplate(file: String, line: Int, column: Int, detail: String)
  /// A template folder or file that cannot be read.
  case unreadable(path: String, detail: String)
  /// A number that the format cannot hold.
  case notRepresentable(String)

  /// The line that the user reads.
  public var description: String {
    switch self {
    case .missingTemplate(let file, let user):
      "template \(file) not found" + (user.map { " (\($0) uses it)" } ?? "")
    case .brokenTemplate(let file, let line, let column, let detail): "\(file):\(line):\(column): \(detail)"
    case .unreadable(let path, let detail): "cannot read \(path): \(detail)"
    case .notRepresentable(let detail): "cannot write the report: \(detail)"
    }
  }
}
