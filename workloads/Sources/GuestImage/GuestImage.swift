/// The guest's ELF, built from this package's own sources and carried in base64 (a string literal compiles at once, a
/// literal array of bytes does not).
public enum GuestImage {
  /// Decodes the ELF, four characters at a time: every guest's start waits for it.
  public static func bytes() -> [UInt8] {
    let values = (0...UInt8.max).map(value)
    return [UInt8](unsafeUninitializedCapacity: GuestELF.byteCount + 2) { bytes, count in
      GuestELF.base64.withUTF8Buffer { text in
        for group in stride(from: 0, to: text.count - 3, by: 4) {
          var bits: UInt32 = 0
          for index in group..<(group + 4) { bits = bits << 6 | values[Int(text[index])] }
          let place = group / 4 * 3
          bytes[place] = UInt8(truncatingIfNeeded: bits >> 16)
          bytes[place + 1] = UInt8(truncatingIfNeeded: bits >> 8)
          bytes[place + 2] = UInt8(truncatingIfNeeded: bits)
        }
      }
      // The last group may be padded.
      count = GuestELF.byteCount
    }
  }

  private static func value(of character: UInt8) -> UInt32 {
    switch character {
    case 65...90: UInt32(character) - 65
    case 97...122: UInt32(character) - 71
    case 48...57: UInt32(character) + 4
    case 43: 62
    case 47: 63
    default: 0
    }
  }
}
