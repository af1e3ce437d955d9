import GuestMemory

/// A descriptor ring as its five registers describe it (317453, 3.2.6 and 3.4). The guest may write anything there: a ring
/// whose head or tail lies outside of it is not served.
struct E1000Ring {
  /// Descriptors in the ring.
  let count: Int
  /// The first that belongs to the device.
  let head: Int
  /// The first that belongs to the driver; the ring is the driver's where it equals `head`.
  let tail: Int
  private let base: GuestAddress

  /// The ring whose base register is `first`; nil where it cannot be served.
  init?(_ first: E1000Register, of registers: E1000RegisterFile) {
    let block = first.rawValue
    count = Int(registers[block + 0x08]) / 16
    head = Int(registers[block + 0x10])
    tail = Int(registers[block + 0x18])
    base = GuestAddress(UInt64(registers[block]) | UInt64(registers[block + 4]) << 32)
    guard head < count, tail < count else { return nil }
  }

  /// Descriptors that the device may use.
  var available: Int { tail >= head ? tail - head : tail - head + count }

  /// Where the descriptor `distance` after the head lies.
  func descriptor(_ distance: Int = 0) -> GuestAddress { base + 16 * UInt64((head + distance) % count) }

  /// The head once `used` descriptors are done.
  func advanced(by used: Int) -> UInt32 { UInt32((head + used) % count) }
}
