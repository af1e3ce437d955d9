/// Text inside a Markdown document (CommonMark 0.31.2 with GitHub's extensions).
enum MarkdownText {
  /// `text` that renders as itself wherever a line has already begun, a table's cell included: on one line, with every
  /// character that could begin markup escaped (section 2.4), links not made of addresses, and nobody mentioned by an `@`.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    var last: Unicode.Scalar?
    for scalar in TemplateContext.separable(text).unicodeScalars {
      switch scalar {
      case "\n", "\r", "\t": escaped += " "
      case "\\", "`", "*", "_", "[", "]", "<", ">", "|", "~", "&", "#", "$", "!": escaped += "\\\(scalar)"
      // An address becomes a link by its `://` or its `www.`, without any markup.
      case "/" where last == ":": escaped += "\\/"
      case "." where last == "w" || last == "W": escaped += "\\."
      case "@": escaped += "@\u{2060}"
      default: escaped.unicodeScalars.append(scalar)
      }
      last = scalar
    }
    return escaped
  }

  /// `text` as a block of code, behind a fence that is longer than any run of backticks in it (section 4.5).
  static func block(_ text: String) -> Markup {
    let runs = text.split { $0 != "`" }.map(\.count)
    let fence = String(repeating: "`", count: max(3, (runs.max() ?? 0) + 1))
    return Markup(text: "\(fence)\n\(TemplateContext.separable(text))\n\(fence)")
  }
}
