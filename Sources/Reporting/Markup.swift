/// HTML or SVG that may enter a page as it is. Everything else is text and is escaped; the types keep them apart.
struct Markup: Equatable {
  var text: String

  /// `text` with the five characters that mean something in HTML replaced. Scalars are looked at, not characters: a quote
  /// that carries a combining mark still ends an attribute.
  static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "&": escaped += "&amp;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}

/// Builds an SVG whose widths are percentages: it fills any column without its text becoming larger or smaller.
struct SVG {
  private var body = ""
  private let height: Double
  private let title: String
  private let summary: String

  /// - Parameters:
  ///   - height: pixels.
  ///   - title: what the picture is.
  ///   - description: what it shows, for those who cannot see it.
  init(height: Double, title: String, description: String) {
    self.height = height
    self.title = title
    summary = description
  }

  /// A line; x in percent, y in pixels.
  mutating func line(x1: Double, x2: Double, y1: Double, y2: Double, style: String) {
    body +=
      #"<line class="\#(style)" x1="\#(percent(x1))" x2="\#(percent(x2))" y1="\#(pixels(y1))" y2="\#(pixels(y2))"/>"#
  }

  /// A rectangle; x and width in percent, y and height in pixels, with a tooltip.
  mutating func rectangle(x: Double, width: Double, y: Double, height: Double, style: String, tooltip: String) {
    body +=
      #"<rect class="\#(style)" x="\#(percent(x))" width="\#(percent(width))" y="\#(pixels(y))" height="\#(pixels(height))">"#
      + "<title>\(Markup.escaped(tooltip))</title></rect>"
  }

  /// A dot; x in percent, y and radius in pixels.
  mutating func dot(x: Double, y: Double, radius: Double, style: String) {
    body += #"<circle class="\#(style)" cx="\#(percent(x))" cy="\#(pixels(y))" r="\#(pixels(radius))"/>"#
  }

  /// The mark of a series; x in percent, y in pixels.
  mutating func symbol(_ symbol: Symbol, x: Double, y: Double, style: String, tooltip: String? = nil) {
    let title = tooltip.map { "<title>\(Markup.escaped($0))</title>" } ?? ""
    // A path knows no percentages: it stands in a picture of its own that begins at the point.
    body +=
      #"<svg x="\#(percent(x))" y="\#(pixels(y))"><path class="\#(style)" d="\#(symbol.path)">\#(title)</path></svg>"#
  }

  /// A text; x in percent, y of its base line in pixels.
  ///
  /// SVG does not break lines: what a narrow screen cannot hold is there a second time, cut off, and CSS shows one of them.
  mutating func text(_ text: String, x: Double, y: Double, style: String) {
    guard text.count > Self.narrowest, x == 0 else { return put(text, x: x, y: y, style: style) }
    put(text, x: x, y: y, style: style + " broad")
    put(text.prefix(Self.narrowest - 1) + "…", x: x, y: y, style: style + " narrow")
  }

  /// Characters that fit in a picture on a telephone.
  private static let narrowest = 44

  private mutating func put(_ text: some StringProtocol, x: Double, y: Double, style: String) {
    let text = String(text)
    body += #"<text class="\#(style)" x="\#(percent(x))" y="\#(pixels(y))">\#(Markup.escaped(text))</text>"#
  }

  /// The element.
  var markup: Markup {
    Markup(
      text: #"<svg role="img" width="100%" height="\#(pixels(height))" xmlns="http://www.w3.org/2000/svg">"#
        + "<title>\(Markup.escaped(title))</title><desc>\(Markup.escaped(summary))</desc>\(body)</svg>")
  }

  private func percent(_ value: Double) -> String { pixels(value) + "%" }

  /// Two decimals at most, so that equal pictures are equal bytes.
  private func pixels(_ value: Double) -> String {
    let hundredths = Int((min(max(value, -1e6), 1e6) * 100).rounded())
    if hundredths % 100 == 0 { return "\(hundredths / 100)" }
    let sign = hundredths < 0 ? "-" : ""
    let fraction = abs(hundredths) % 100
    return "\(sign)\(abs(hundredths) / 100).\(fraction < 10 ? "0" : "")\(fraction)"
  }
}
