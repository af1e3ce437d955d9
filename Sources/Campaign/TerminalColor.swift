/// A colour of text on a terminal (ECMA-48, "Select graphic rendition").
enum TerminalColor: String {
  case red = "31"
  case green = "32"
  case yellow = "33"

  /// `text` in this colour, and what follows in the terminal's own.
  func paint(_ text: String) -> String { "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" }
}
