/// Text inside an XML 1.0 document.
enum XMLText {
  /// A quoted attribute's value; line ends survive the reader's normalisation (XML 1.0, section 3.3.3).
  static func attribute(_ value: String) -> String {
    "\"" + text(value).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "&#10;") + "\""
  }

  /// Character data, without characters that XML 1.0 does not have (section 2.2).
  static func text(_ value: String) -> String {
    var safe = ""
    for scalar in TemplateContext.separable(value).unicodeScalars {
      safe.unicodeScalars.append(scalar.value & 0xFFFE == 0xFFFE ? "\u{FFFD}" : scalar)
    }
    return Markup.escaped(safe)
  }
}
