/// A frame in a driver's buffer, big-endian as it goes over the wire. Offsets are checked by whoever knows the length.
struct WireFrame {
  let address: UInt
  let count: Int

  private var bytes: UnsafeMutablePointer<UInt8> {
    // SAFETY: a driver's buffer in the guest's identity-mapped memory.
    UnsafeMutablePointer(bitPattern: address).unsafelyUnwrapped
  }

  func byte(at offset: Int) -> UInt8 { bytes[offset] }
  func word(at offset: Int) -> UInt16 { UInt16(bytes[offset]) << 8 | UInt16(bytes[offset + 1]) }
  func long(at offset: Int) -> UInt32 { UInt32(word(at: offset)) << 16 | UInt32(word(at: offset + 2)) }
  func put(_ byte: UInt8, at offset: Int) { bytes[offset] = byte }

  func copy(from question: UInt) {
    // SAFETY: as above; both buffers hold `count` bytes.
    bytes.update(from: UnsafePointer(bitPattern: question).unsafelyUnwrapped, count: count)
  }

  func copy(_ target: Int, from frame: WireFrame, at offset: Int, count: Int) {
    for index in 0..<count { bytes[target + index] = frame.bytes[offset + index] }
  }

  func swap(_ first: Int, _ second: Int, count: Int) {
    for index in 0..<count {
      let byte = bytes[first + index]
      bytes[first + index] = bytes[second + index]
      bytes[second + index] = byte
    }
  }

  /// Turns a question for `owner`'s hardware address into its answer, but for the Ethernet addresses (RFC 826); false where
  /// it is none.
  func answersARP(for owner: UInt32, at hardware: [UInt8]) -> Bool {
    guard isARP(operation: 1), long(at: 38) == owner else { return false }
    put(2, at: 21)
    copy(32, from: self, at: 22, count: 10)
    for index in 0..<6 { put(hardware[index], at: 22 + index) }
    putLong(owner, at: 28)
    return true
  }

  /// Writes a question for the hardware address of `wanted`.
  func askARP(for wanted: UInt32, from owner: UInt32, at hardware: [UInt8]) {
    for index in 0..<6 {
      put(0xFF, at: index)
      put(hardware[index], at: 6 + index)
      put(hardware[index], at: 22 + index)
      put(0, at: 32 + index)
    }
    putLong(0x0806_0001, at: 12)
    putLong(0x0800_0604, at: 16)
    put(0, at: 20)
    put(1, at: 21)
    putLong(owner, at: 28)
    putLong(wanted, at: 38)
  }

  /// The hardware address that an answer of `wanted` names, first byte lowest; nil where it is none.
  func addressInARP(of wanted: UInt32) -> UInt64? {
    guard isARP(operation: 2), long(at: 28) == wanted else { return nil }
    var address: UInt64 = 0
    for index in 0..<6 { address |= UInt64(byte(at: 22 + index)) << UInt64(8 * index) }
    return address
  }

  /// Ethernet and IPv4.
  private func isARP(operation: UInt16) -> Bool {
    count >= 42 && word(at: 12) == 0x0806 && word(at: 14) == 1 && word(at: 16) == 0x0800 && word(at: 20) == operation
  }

  private func putLong(_ value: UInt32, at offset: Int) {
    for index in 0..<4 { put(UInt8(truncatingIfNeeded: value >> UInt32(24 - 8 * index)), at: offset + index) }
  }
}
