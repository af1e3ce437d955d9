/// zlib streams (RFC 1950) made of stored deflate blocks (RFC 1951, section 3.2.4) only.
enum Zlib {
  private static let longestBlock = 65535

  /// A zlib stream that holds `data` as it is.
  static func stored(_ data: [UInt8]) -> [UInt8] {
    var stream: [UInt8] = [0x78, 0x01]  // deflate, 32 KiB window, fastest
    var start = 0
    repeat {
      let end = min(start + longestBlock, data.count)
      let length = UInt16(end - start)
      stream.append(end == data.count ? 1 : 0)
      for field in [length, ~length] { stream += [UInt8(field & 0xFF), UInt8(field >> 8)] }
      stream += data[start..<end]
      start = end
    } while start < data.count
    stream.append(bigEndian: adler32(data))
    return stream
  }

  /// The data of a stream of stored blocks.
  static func unstored(_ stream: [UInt8]) throws(HistogramCodecError) -> [UInt8] {
    guard stream.count >= 2 else { throw .truncated("zlib header") }
    let hasDictionary = stream[1] & 0x20 != 0
    guard stream[0] & 0x0F == 8, (Int(stream[0]) << 8 | Int(stream[1])) % 31 == 0, !hasDictionary else {
      throw .badZlibHeader
    }
    var data: [UInt8] = []
    var position = 2
    var isLast = false
    while !isLast {
      guard position < stream.count else { throw .truncated("deflate block") }
      isLast = stream[position] & 1 != 0
      guard stream[position] & 0b110 == 0 else { throw .compressedBlock }
      guard stream.count - position >= 5 else { throw .truncated("deflate block") }
      let length = Int(stream[position + 1]) | Int(stream[position + 2]) << 8
      let complement = Int(stream[position + 3]) | Int(stream[position + 4]) << 8
      guard length ^ complement == 0xFFFF else { throw .badBlockLength }
      position += 5
      guard stream.count - position >= length else { throw .truncated("deflate block") }
      data += stream[position..<(position + length)]
      position += length
    }
    guard stream.count - position >= 4 else { throw .truncated("checksum") }
    guard stream.count - position == 4 else { throw .trailingBytes("checksum") }
    let checksum = stream[position...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    guard checksum == adler32(data) else { throw .badChecksum }
    return data
  }

  private static func adler32(_ data: [UInt8]) -> UInt32 {
    var a: UInt32 = 1
    var b: UInt32 = 0
    for byte in data {
      a = (a + UInt32(byte)) % 65521
      b = (b + a) % 65521
    }
    return b << 16 | a
  }
}

/// Base64 (RFC 4648, section 4), padded.
enum Base64 {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  private static let padding = UInt8(ascii: "=")
  private static let values: [UInt8?] = {
    var values = [UInt8?](repeating: nil, count: 256)
    for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
    return values
  }()

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count + 2) / 3 * 4)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let bits = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << UInt32(8 * (3 - group.count))
      for index in 0...group.count { text.append(alphabet[Int(bits >> UInt32(18 - 6 * index) & 63)]) }
      for _ in group.count..<3 { text.append(padding) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// Nil where `text` is not base64: wrong length, a foreign character, padding inside, or bits after the last byte.
  static func decode(_ text: String) -> [UInt8]? {
    let characters = Array(text.utf8)
    guard characters.count % 4 == 0 else { return nil }
    let padded = characters.suffix(2).reversed().prefix { $0 == padding }.count
    var bytes: [UInt8] = []
    bytes.reserveCapacity(characters.count / 4 * 3)
    var bits: UInt32 = 0
    var width = 0
    for character in characters.dropLast(padded) {
      guard let value = values[Int(character)] else { return nil }
      bits = bits << 6 | UInt32(value)
      width += 6
      guard width >= 8 else { continue }
      width -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(width)))
      bits &= 1 << UInt32(width) - 1
    }
    return bits == 0 ? bytes : nil
  }
}

extension [UInt8] {
  /// Appends an integer, most significant byte first.
  mutating func append<Value: FixedWidthInteger>(bigEndian value: Value) {
    for shift in stride(from: Value.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: value >> Value(shift)))
    }
  }
}
