/// The mark of a series. Colour alone does not tell two modes apart, neither in print nor for every eye.
enum Symbol: CaseIterable {
  case circle, diamond, square, triangle, cross

  /// Its outline around 0, 0, in pixels.
  var path: String {
    switch self {
    case .circle: "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z"
    case .diamond: "M0-6L6 0L0 6L-6 0Z"
    case .square: "M-4.5-4.5H4.5V4.5H-4.5Z"
    case .triangle: "M0-6L6 5H-6Z"
    case .cross: "M-5-5L5 5M-5 5L5-5"
    }
  }

  /// The mark of series `index`.
  static func of(series index: Int) -> Symbol { allCases[index % allCases.count] }

  /// The mark alone, for a legend.
  func key(style: String) -> Markup {
    Markup(
      text: #"<svg class="key" width="14" height="14" aria-hidden="true">"#
        + #"<path class="\#(style)" transform="translate(7 7)" d="\#(path)"/></svg>"#)
  }
}
