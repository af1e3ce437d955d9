/// How a bus carries an access that is wider than an 8-bit register: as one cycle a byte, at ascending addresses. Devices
/// made of byte registers share this.
public enum ByteLanes {
  /// Composes a little-endian value from one `register` read a byte, lowest offset first.
  @inlinable @inline(__always)
  public static func read(at offset: Int, width: AccessWidth, _ register: (Int) -> UInt8) -> UInt64 {
    var value: UInt64 = 0
    for lane in 0..<width.rawValue {
      value |= UInt64(register(offset &+ lane)) << UInt64(8 * lane)
    }
    return value
  }

  /// Hands each byte of `value` to `register`, lowest offset first.
  @inlinable @inline(__always)
  public static func write(_ value: UInt64, at offset: Int, width: AccessWidth, _ register: (UInt8, Int) -> Void) {
    for lane in 0..<width.rawValue {
      register(UInt8(truncatingIfNeeded: value >> UInt64(8 * lane)), offset &+ lane)
    }
  }
}
