import HostTopology

extension DoctorReport {
  /// The findings for people, warnings first, in lines of at most `columns` characters but for commands, which are to be
  /// copied.
  public func text(columns: Int, usesColor: Bool) -> String {
    let width = (findings.map(\.id.count).max() ?? 0) + 2
    var text = ""
    for status in [Verdict.Status.warning, .cannotTell, .ok] {
      for finding in findings where finding.verdict.status == status {
        text += Self.entry(finding, width: width, columns: columns, usesColor: usesColor)
      }
    }
    return text + "\n" + summary + "\n"
  }

  /// One line: how many of each.
  private var summary: String {
    func count(_ status: Verdict.Status) -> Int { findings.count { $0.verdict.status == status } }
    let warnings = count(.warning) == 1 ? "1 warning" : "\(count(.warning)) warnings"
    let unknown = count(.cannotTell) == 0 ? "" : ", \(count(.cannotTell)) cannot be told"
    let advice = findings.contains { $0.remedy != nil } ? "; pvbench doctor --fix prints the commands" : ""
    return "\(warnings)\(unknown), \(count(.ok)) ok\(advice)"
  }

  private static func entry(_ finding: Finding, width: Int, columns: Int, usesColor: Bool) -> String {
    let status = finding.verdict.status
    let label = padded(status.label, to: labelWidth)
    let indent = String(repeating: " ", count: labelWidth + width)
    let sentence = status == .warning ? "\(finding.text) (\(finding.why))" : finding.text
    var lines = wrapped(sentence, columns: max(20, columns - labelWidth - width))
    let first = (usesColor ? status.colored(label) : label) + padded(finding.id, to: width) + lines.removeFirst()
    lines = [first] + lines.map { indent + $0 }
    if let remedy = finding.remedy { lines.append(padded("", to: labelWidth) + "  fix: " + remedy.command) }
    return lines.map { $0 + "\n" }.joined()
  }

  private static let labelWidth = 13

  private static func padded(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// Lines of at most `columns` characters, broken between words; a word that is longer stands alone.
  static func wrapped(_ text: String, columns: Int) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ") {
      let last = lines[lines.count - 1]
      if last.isEmpty {
        lines[lines.count - 1] = String(word)
      } else if last.count + 1 + word.count <= columns {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }
}

extension Verdict {
  /// The verdict without what was found; raw values are those of the machine form.
  enum Status: String, CaseIterable {
    case ok, warning
    case cannotTell = "cannot_tell"

    /// The word for people.
    var label: String { self == .cannotTell ? "cannot tell" : rawValue }

    /// `text` in the status's colour: ok is green, a warning yellow; what is unknown has none.
    func colored(_ text: String) -> String {
      switch self {
      case .ok: TerminalColor.green.paint(text)
      case .warning: TerminalColor.yellow.paint(text)
      case .cannotTell: text
      }
    }
  }

  var status: Status {
    switch self {
    case .ok: .ok
    case .warning: .warning
    case .cannotTell: .cannotTell
    }
  }
}
