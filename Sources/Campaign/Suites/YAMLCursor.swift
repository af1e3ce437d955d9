import Yams

/// What is wrong with a YAML file, and where: `disk.yaml:14: unknown key 'dept' (did you mean 'depth'?)`.
public struct YAMLFileError: Error, Equatable, CustomStringConvertible {
  /// The file, as the user would name it.
  public let file: String
  /// 1-based; 0 where no line is to blame.
  public let line: Int
  /// What was found and what was expected.
  public let message: String

  /// `file:line: message`.
  public var description: String { line > 0 ? "\(file):\(line): \(message)" : "\(file): \(message)" }
}

/// A place in a YAML document. Yams decodes without saying where a value came from; walking the nodes keeps the line.
struct YAMLCursor {
  let file: String
  /// The key that led here, for messages.
  let name: String
  let node: Node

  /// The root of `text`; an empty document is an empty mapping.
  init(file: String, text: String) throws(YAMLFileError) {
    self.file = file
    name = ""
    do {
      node = try Yams.compose(yaml: text) ?? Node.mapping([:])
    } catch let error as YamlError {
      throw Self.syntaxError(file: file, error)
    } catch {
      throw YAMLFileError(file: file, line: 0, message: "\(error)")
    }
  }

  private init(file: String, name: String, node: Node) {
    self.file = file
    self.name = name
    self.node = node
  }

  private static func syntaxError(file: String, _ error: YamlError) -> YAMLFileError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      YAMLFileError(file: file, line: mark.line, message: "not YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      YAMLFileError(
        file: file, line: context.mark.line, message: "key '\(keys.first ?? "")' occurs more than once in this mapping")
    default:
      YAMLFileError(file: file, line: 0, message: "not YAML: \(error)")
    }
  }

  /// An error at this place.
  func error(_ message: String) -> YAMLFileError {
    YAMLFileError(file: file, line: node.mark?.line ?? 0, message: message)
  }

  /// An error about what was expected here.
  func expected(_ expectation: String) -> YAMLFileError {
    let found =
      switch node {
      case .scalar(let scalar): scalar.string.isEmpty ? "nothing" : "'\(scalar.string)'"
      case .mapping: "a mapping"
      case .sequence: "a list"
      case .alias: "an alias"
      }
    return error((name.isEmpty ? "" : "\(name): ") + "expected \(expectation), found \(found)")
  }

  /// The values of a mapping, in order, none of whose keys is missing from `allowed`.
  func mapping(keys allowed: [String]) throws(YAMLFileError) -> [(key: String, value: YAMLCursor)] {
    guard case .mapping(let mapping) = node else { throw expected("a mapping") }
    var entries: [(key: String, value: YAMLCursor)] = []
    for (keyNode, value) in mapping {
      let keyCursor = YAMLCursor(file: file, name: "key", node: keyNode)
      let key = try keyCursor.text("a name")
      guard allowed.contains(key) else {
        throw keyCursor.error("unknown key '\(key)'" + NearestName.hint(for: key, in: allowed))
      }
      entries.append((key, YAMLCursor(file: file, name: key, node: value)))
    }
    return entries
  }

  /// The elements of a list; each keeps this place's name.
  func list(_ expectation: String) throws(YAMLFileError) -> [YAMLCursor] {
    guard case .sequence(let sequence) = node else { throw expected(expectation) }
    return sequence.map { YAMLCursor(file: file, name: name, node: $0) }
  }

  /// The text of a scalar that is not empty.
  func text(_ expectation: String) throws(YAMLFileError) -> String {
    guard case .scalar(let scalar) = node, !scalar.string.isEmpty else { throw expected(expectation) }
    return scalar.string
  }

  /// One of `words`.
  func word(of words: [String], kind: String) throws(YAMLFileError) -> String {
    let text = try text("one of " + words.joined(separator: ", "))
    guard words.contains(text) else {
      throw expected("\(kind) (one of \(words.joined(separator: ", ")))")
    }
    return text
  }

  /// A list of words, or a single one.
  func words(of words: [String], kind: String) throws(YAMLFileError) -> [String] {
    if case .scalar = node { return [try word(of: words, kind: kind)] }
    var result: [String] = []
    for element in try list("a list of \(kind)s") { result.append(try element.word(of: words, kind: kind)) }
    return result
  }

  /// A duration in nanoseconds.
  func nanoseconds() throws(YAMLFileError) -> UInt64 {
    let expectation = "a duration such as 500ms or 2s"
    guard let value = Quantity.nanoseconds(try text(expectation)) else { throw expected(expectation) }
    return value
  }

  /// A duration in nanoseconds, in `range`.
  func nanoseconds(in range: ClosedRange<UInt64>) throws(YAMLFileError) -> UInt64 {
    let value = try nanoseconds()
    guard range.contains(value) else {
      throw expected("a duration from \(range.lowerBound) to \(range.upperBound) ns")
    }
    return value
  }

  /// A whole number in `range`.
  func count(in range: ClosedRange<UInt64>) throws(YAMLFileError) -> UInt64 {
    let expectation = "a whole number from \(range.lowerBound) to \(range.upperBound)"
    guard let value = Quantity.whole(try text(expectation)), range.contains(value) else { throw expected(expectation) }
    return value
  }

  /// A size in bytes.
  func bytes(in range: ClosedRange<UInt64>, multipleOf unit: UInt64) throws(YAMLFileError) -> UInt64 {
    guard let value = Quantity.bytes(try text("a size such as 4KiB")) else { throw expected("a size such as 4KiB") }
    guard range.contains(value), value % unit == 0 else {
      let (low, high) = (Quantity.text(bytes: range.lowerBound), Quantity.text(bytes: range.upperBound))
      throw expected("\(low) to \(high) in multiples of \(unit) bytes")
    }
    return value
  }
}
