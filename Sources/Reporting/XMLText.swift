/// Text inside an XML 1.0 document.
enum XMLText {
  /// Character data: without characters that XML 1.0 does not have (section 2.2), and with those escaped that mean something.
  static func escaped(_ text: String) -> String {
    var safe = ""
    for scalar in TemplateContext.separable(text).unicodeScalars {
      safe.unicodeScalars.append(scalar.value & 0xFFFE == 0xFFFE ? "\u{FFFD}" : scalar)
    }
    return Markup.escaped(safe)
  }

  /// A quoted attribute's value; line ends survive the reader's normalisation (section 3.3.3).
  static func attribute(_ value: String) -> String {
    "\"" + escaped(value).split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "&#10;") + "\""
  }
}
