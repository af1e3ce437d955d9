import Foundation

/// JSON as it is kept on disk: sorted keys, so that equal values are equal bytes; doubles in their shortest form that
/// reads back exactly.
enum StoredJSON {
  /// `value` as UTF-8 with a final newline.
  static func encode(_ value: some Encodable, pretty: Bool, for path: String) throws(StoreError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    if pretty { encoder.outputFormatting.insert(.prettyPrinted) }
    do {
      return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    } catch {
      throw .notRepresentable(path: path, detail: explain(error))
    }
  }

  /// Reads the file at `path`, whose `schema` is `known` or older.
  static func read<Value: Decodable>(_ type: Value.Type, from path: String, schema known: Int) throws(StoreError)
    -> Value
  {
    let data = Data(try AtomicFile.read(path))
    do {
      let found = try JSONDecoder().decode(SchemaProbe.self, from: data).schema
      guard found <= known else { throw StoreError.newerSchema(path: path, found: found, known: known) }
      return try JSONDecoder().decode(type, from: data)
    } catch let error as StoreError {
      throw error
    } catch {
      throw .damaged(path: path, detail: explain(error))
    }
  }

  private struct SchemaProbe: Decodable { let schema: Int }

  /// One line of where and what, in place of Foundation's many.
  private static func explain(_ error: any Error) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty
        ? "the top level" : path.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: ".")
    }
    switch error {
    case DecodingError.keyNotFound(let key, let context):
      return "no '\(key.stringValue)' in \(place(context.codingPath))"
    case DecodingError.typeMismatch(_, let context), DecodingError.valueNotFound(_, let context):
      return "unexpected value at \(place(context.codingPath))"
    case DecodingError.dataCorrupted(let context) where !context.codingPath.isEmpty:
      return "unknown value at \(place(context.codingPath))"
    case DecodingError.dataCorrupted: return "not valid JSON"
    case EncodingError.invalidValue(let value, let context):
      return "\(value) at \(place(context.codingPath)) is not a JSON number"
    default: return "\(error)"
    }
  }
}
