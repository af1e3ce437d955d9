import Backends
import Glibc
import GuestMemory

/// A frame in the device's own memory: guest bytes are copied here once, and no one else sees them. The unsafe part of the
/// device: every access is checked against the capacity.
struct E1000FrameBuffer: ~Copyable {
  /// A jumbo frame of 16 KiB, with room for a VLAN tag and a checksum.
  static let capacity = 16384 + 64
  private let bytes: UnsafeMutableRawBufferPointer

  init() {
    // SAFETY: allocated here, freed in deinit and nowhere else; zeroed, so that no host data can reach anyone.
    bytes = .allocate(byteCount: Self.capacity, alignment: 64)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { bytes.deallocate() }

  /// The first `count` bytes, for a port.
  func range(count: Int) -> HostRange {
    HostRange(start: base(0, count), count: count)
  }

  /// Copies guest memory to `offset`.
  func load(_ count: Int, from memory: GuestMemory, at address: GuestAddress, to offset: Int) throws(GuestMemoryError) {
    // SAFETY: `base` checks that `count` bytes follow.
    try memory.read(at: address, into: UnsafeMutableRawBufferPointer(start: base(offset, count), count: count))
  }

  /// Copies `count` bytes from `offset` to guest memory.
  func store(_ count: Int, from offset: Int, to memory: GuestMemory, at address: GuestAddress) throws(GuestMemoryError)
  {
    // SAFETY: as in `load`.
    try memory.write(UnsafeRawBufferPointer(start: base(offset, count), count: count), at: address)
  }

  /// Copies `count` bytes from another buffer's `offset` to `target`.
  func copy(_ count: Int, from other: borrowing E1000FrameBuffer, at offset: Int, to target: Int) {
    // SAFETY: both are checked; different buffers never overlap.
    base(target, count).copyMemory(from: other.base(offset, count), byteCount: count)
  }

  /// Moves `count` bytes within the frame.
  func move(_ count: Int, from offset: Int, to target: Int) {
    // SAFETY: both are checked, and memmove allows overlap.
    memmove(base(target, count), base(offset, count), count)
  }

  /// Sets `range` to zero.
  func clear(_ range: Range<Int>) {
    // SAFETY: checked.
    memset(base(range.lowerBound, range.count), 0, range.count)
  }

  subscript(offset: Int) -> UInt8 {
    // SAFETY: checked.
    get { base(offset, 1).load(as: UInt8.self) }
    nonmutating set { base(offset, 1).storeBytes(of: newValue, as: UInt8.self) }
  }

  /// Loads a value in network byte order.
  func big<Value: FixedWidthInteger & BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value {
    // SAFETY: checked, and loaded unaligned.
    Value(bigEndian: base(offset, MemoryLayout<Value>.size).loadUnaligned(as: Value.self))
  }

  /// Stores a value in network byte order.
  func setBig<Value: FixedWidthInteger & BitwiseCopyable>(_ value: Value, at offset: Int) {
    // SAFETY: checked; storing needs no alignment.
    base(offset, MemoryLayout<Value>.size).storeBytes(of: value.bigEndian, as: Value.self)
  }

  /// The frame's destination address, first byte lowest.
  var destination: UInt64 {
    // SAFETY: the capacity is far above 8.
    UInt64(littleEndian: base(0, 8).loadUnaligned(as: UInt64.self)) & 0xFFFF_FFFF_FFFF
  }

  /// The ones' complement sum of the 16-bit words in `range`, the last one padded with a zero (RFC 1071).
  func sum(_ range: Range<Int>) -> UInt16 {
    // SAFETY: the whole range is checked; the loads below stay inside, and are unaligned.
    let start = base(range.lowerBound, range.count)
    var total: UInt64 = 0
    var position = 0
    while position + 4 <= range.count {
      total &+= UInt64(start.loadUnaligned(fromByteOffset: position, as: UInt32.self))
      position += 4
    }
    if position + 2 <= range.count {
      total &+= UInt64(start.loadUnaligned(fromByteOffset: position, as: UInt16.self))
      position += 2
    }
    if position < range.count { total &+= UInt64(start.load(fromByteOffset: position, as: UInt8.self)) }
    // Summing in the host's order and swapping at the end is the same (RFC 1071, 2B).
    while total >> 16 != 0 { total = total & 0xFFFF &+ total >> 16 }
    return UInt16(truncatingIfNeeded: total).bigEndian
  }

  /// The Ethernet frame check sequence of the first `count` bytes (IEEE 802.3, 3.2.9).
  func frameCheckSequence(count: Int) -> UInt32 {
    // SAFETY: checked.
    let start = base(0, count)
    var register: UInt32 = .max
    for position in 0..<count {
      let byte = start.load(fromByteOffset: position, as: UInt8.self)
      register = register >> 8 ^ Self.crcTable[Int(UInt8(truncatingIfNeeded: register) ^ byte)]
    }
    return ~register
  }

  private func base(_ offset: Int, _ count: Int) -> UnsafeMutableRawPointer {
    precondition(offset >= 0 && count >= 0 && offset <= Self.capacity - count, "outside the frame buffer")
    // SAFETY: the buffer was allocated with a capacity above zero.
    return bytes.baseAddress.unsafelyUnwrapped + offset
  }

  private static let crcTable: [UInt32] = (0..<256).map { index in
    var value = UInt32(index)
    for _ in 0..<8 { value = value & 1 != 0 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    return value
  }
}
