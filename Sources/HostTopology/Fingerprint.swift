/// A stable name for a set of facts. Not cryptographic: it has to tell hosts apart, nobody attacks it.
enum Fingerprint {
  /// 32 hexadecimal digits that depend on every name and value, and not on their order.
  static func of(_ facts: [String: String]) -> String {
    let text = facts.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)\n" }.joined()
    return hex(fnv1a(text.utf8)) + hex(fnv1a(text.utf8.reversed()))
  }

  /// FNV-1a, 64 bits (Fowler, Noll and Vo; RFC 9923).
  static func fnv1a(_ bytes: some Sequence<UInt8>) -> UInt64 {
    bytes.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }

  private static func hex(_ value: UInt64) -> String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
