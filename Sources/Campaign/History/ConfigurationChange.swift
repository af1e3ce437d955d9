import Foundation
import Measurement

/// What was different about a host from one night to another.
enum ConfigurationChange {
  /// `kernel_release: 6.1.0 → 6.12.3`, a line each fact, by name.
  static func lines(from before: [String: JSONValue], to after: [String: JSONValue]) -> [String] {
    let (old, new) = (facts(before), facts(after))
    return Set(old.keys).union(new.keys).sorted().compactMap { key in
      old[key] == new[key] ? nil : "\(key): \(old[key] ?? "unknown") → \(new[key] ?? "unknown")"
    }
  }

  private static func facts(_ values: [String: JSONValue]) -> [String: String] {
    values.reduce(into: [:]) { facts, fact in
      if case .object(let inner) = fact.value {
        for (key, text) in self.facts(inner) { facts["\(fact.key).\(key)"] = text }
      } else {
        facts[fact.key] = text(fact.value)
      }
    }
  }

  private static func text(_ value: JSONValue) -> String {
    switch value {
    case .null: "unknown"
    case .bool(let value): "\(value)"
    case .number(let value): Int64(exactly: value).map(String.init) ?? "\(value)"
    case .string(let text): text.isEmpty ? "none" : text
    case .array(let values): values.map(text).joined(separator: " ")
    case .object(let values):
      facts(values).sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
  }
}
