/// The guest's ELF, built from this package's own sources and carried in base64 (a string literal compiles at once, a
/// literal array of bytes does not).
public enum GuestImage {
  /// Decodes the ELF.
  public static func bytes() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(GuestELF.byteCount)
    GuestELF.base64.withUTF8Buffer { text in
      var bits: UInt32 = 0
      var held = 0
      for character in text {
        guard let value = value(of: character) else { continue }
        bits = bits << 6 | value
        held += 6
        if held >= 8 {
          held -= 8
          bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
        }
      }
    }
    return bytes
  }

  private static func value(of character: UInt8) -> UInt32? {
    switch character {
    case 65...90: UInt32(character) - 65
    case 97...122: UInt32(character) - 71
    case 48...57: UInt32(character) + 4
    case 43: 62
    case 47: 63
    default: nil
    }
  }
}
