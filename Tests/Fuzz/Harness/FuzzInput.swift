import DeviceModel

/// The bytes of one input, read from the front; past their end everything reads as zero.
final class FuzzInput {
  private let bytes: [UInt8]
  private var position = 0

  /// Reads `bytes`.
  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Nothing is left.
  var isEmpty: Bool { position >= bytes.count }

  /// The next byte.
  func byte() -> UInt8 {
    guard !isEmpty else { return 0 }
    defer { position += 1 }
    return bytes[position]
  }

  /// The next little-endian value.
  func value<Value: FixedWidthInteger>(_ type: Value.Type) -> Value {
    var value: Value = 0
    for index in 0..<(Value.bitWidth / 8) { value |= Value(truncatingIfNeeded: byte()) << Value(8 * index) }
    return value
  }

  /// A number below `count`, which is at most 256.
  func below(_ count: Int) -> Int { Int(byte()) % count }

  /// One of `choices`.
  func pick<Choice>(_ choices: [Choice]) -> Choice { choices[below(choices.count)] }

  /// True about every second time.
  func flag() -> Bool { byte() & 1 != 0 }

  /// As many bytes as asked for.
  func array(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }

  /// Everything that is left.
  func rest() -> [UInt8] {
    defer { position = bytes.count }
    return Array(bytes[min(position, bytes.count)...])
  }

  /// The width of an access.
  func width() -> AccessWidth { pick([.byte, .word, .long, .quad]) }

  /// A value of any size, small ones more often than not.
  func number() -> UInt64 {
    switch below(8) {
    case 0: value(UInt64.self)
    case 1: UInt64(value(UInt32.self))
    case 2, 3: UInt64(value(UInt16.self))
    case 4: 1 << UInt64(below(64))
    case 5: 0 &- UInt64(byte())
    default: UInt64(byte())
    }
  }

  /// An address in `byteCount` bytes of guest memory, or near its end, or anywhere.
  func address(in byteCount: Int) -> UInt64 {
    switch below(16) {
    case 0: value(UInt64.self)
    case 1: UInt64(value(UInt32.self))
    case 2, 3: UInt64(byteCount) - UInt64(byte())
    case 4: 0 &- UInt64(byte())
    default: UInt64(value(UInt16.self)) << 4 & UInt64(byteCount - 1)
    }
  }

  /// A length of a buffer in bytes.
  func length() -> UInt32 {
    switch below(16) {
    case 0: value(UInt32.self)
    case 1: .max
    case 2: 65_536
    case 3: 0
    case 4, 5: UInt32(value(UInt16.self))
    case 6, 7, 8: 512 * UInt32(below(16) + 1)
    case 9, 10: 4096
    default: UInt32(byte())
    }
  }
}
