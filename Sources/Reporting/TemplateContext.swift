import Mustache

/// Turns a view model into what the template engine looks things up in.
///
/// It does two things that the engine does not. A property that is nil stays nil, whereas the engine would go on to look for
/// the name in what surrounds it. And every text becomes safe to escape: the engine escapes character by character, so it
/// overlooks a `"` or `<` that is fused with a combining mark into one character, which a browser still reads as `"` or `<`.
enum TemplateContext {
  /// `value` as nested dictionaries and arrays, its texts passed through `escape`.
  static func make(_ value: Any, escape: (String) -> String = separable) -> Any {
    if let markup = value as? Markup { return markup.text }
    if let text = value as? String { return escape(text) }
    if value is Bool || value is Int { return value }
    let mirror = Mirror(reflecting: value)
    switch mirror.displayStyle {
    case .optional: return mirror.children.first.map { make($0.value, escape: escape) } ?? Absent()
    case .collection: return mirror.children.map { make($0.value, escape: escape) }
    default:
      var members: [String: Any] = [:]
      for child in mirror.children { if let label = child.label { members[label] = make(child.value, escape: escape) } }
      return members
    }
  }

  /// A value that is known to be missing.
  struct Absent: MustacheCustomRenderable {
    var renderText: String { "" }
    var isNull: Bool { true }
  }

  /// `text` in which characters special to HTML stand alone, and without characters that hide what a text says: control
  /// characters, and those that reverse its direction (Unicode Bidirectional Algorithm, UAX #9, section 2).
  static func separable(_ text: String) -> String {
    // Most text is printable ASCII, in which nothing fuses and nothing hides.
    if text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) { return text }
    var safe = ""
    for character in text {
      let scalars = character.unicodeScalars
      let isFused = scalars.count > 1 && scalars.contains { "<>&\"'".unicodeScalars.contains($0) }
      for scalar in scalars {
        // A zero-width space always is a character of its own, so nothing fuses across it.
        if isFused { safe.unicodeScalars.append("\u{200B}") }
        safe.unicodeScalars.append(isHiding(scalar) ? "\u{FFFD}" : scalar)
      }
    }
    return safe
  }

  private static func isHiding(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A: false
    case 0...0x1F, 0x7F...0x9F, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
    default: false
    }
  }
}
