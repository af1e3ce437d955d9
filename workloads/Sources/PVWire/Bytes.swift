/// Why bytes are not what they should be. Everything that crosses between guest and host is hostile input.
public enum WireError: Error, Equatable {
  /// Fewer bytes than the structure needs.
  case truncated
  /// A magic number does not match.
  case badMagic
  /// A version that this side does not speak.
  case unknownVersion(UInt32)
  /// A length or count beyond its limit.
  case tooLong
  /// A checksum does not match.
  case badChecksum
  /// A field holds a value that it cannot have.
  case invalidValue
  /// A record is missing, or came twice.
  case outOfSequence(expected: UInt32, found: UInt32)
}

/// Appends little-endian values.
public struct ByteWriter {
  /// What was written so far.
  public private(set) var bytes: [UInt8] = []

  /// An empty writer.
  public init() {}

  /// Appends one integer, little-endian.
  public mutating func put<Value: FixedWidthInteger>(_ value: Value) {
    var rest = UInt64(truncatingIfNeeded: value)
    for _ in 0..<(Value.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  /// Appends bytes as they are.
  public mutating func put(_ more: [UInt8]) { bytes += more }

  /// Appends ASCII text in a field of `width` bytes, padded with zeros, cut where it is longer.
  public mutating func put(_ text: [UInt8], width: Int) {
    for index in 0..<width { bytes.append(index < text.count ? text[index] : 0) }
  }
}

/// Takes little-endian values off the front of a byte array; throws where it ends too early.
public struct ByteReader {
  private let bytes: [UInt8]
  private var position = 0

  /// Reads from the front of `bytes`.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Bytes not read yet.
  public var remaining: Int { bytes.count - position }

  /// Takes one integer.
  public mutating func take<Value: FixedWidthInteger>(_ type: Value.Type) throws(WireError) -> Value {
    let width = Value.bitWidth / 8
    guard remaining >= width else { throw .truncated }
    var value: UInt64 = 0
    for index in 0..<width { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
    position += width
    return Value(truncatingIfNeeded: value)
  }

  /// Takes `count` bytes.
  public mutating func take(count: Int) throws(WireError) -> [UInt8] {
    guard count >= 0, remaining >= count else { throw .truncated }
    defer { position += count }
    return Array(bytes[position..<(position + count)])
  }

  /// Takes a text field of `width` bytes up to its first zero.
  public mutating func takeText(width: Int) throws(WireError) -> [UInt8] {
    var field = try take(count: width)
    var end = 0
    while end < field.count, field[end] != 0 { end += 1 }
    field.removeLast(field.count - end)
    return field
  }
}

/// CRC-32 (IEEE 802.3, reflected 0xEDB88320), as in zlib and PNG.
public func crc32(_ bytes: [UInt8]) -> UInt32 {
  var crc: UInt32 = 0xFFFF_FFFF
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = (crc >> 1) ^ (0xEDB8_8320 & (0 &- (crc & 1))) }
  }
  return ~crc
}
