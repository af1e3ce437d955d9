import GuestKernel

/// A piece of zeroed guest memory at a known physical address (the guest is identity-mapped), never given back: drivers
/// allocate at start-up only.
public struct DMAMemory {
  /// Physical and virtual address.
  public let address: UInt
  /// Bytes.
  public let count: Int

  /// Allocates `count` bytes at a multiple of `alignment`.
  public init(count: Int, alignment: Int = 4096) {
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: alignment)
    pointer.initializeMemory(as: UInt8.self, repeating: 0, count: count)
    address = UInt(bitPattern: pointer)
    self.count = count
  }

  /// `count` bytes at `address`, whatever they hold: memory beyond the heap.
  public init(at address: UInt, count: Int) {
    self.address = address
    self.count = count
  }

  /// Stores one value `offset` bytes in.
  @inline(__always) public func store<Value: BitwiseCopyable>(_ value: Value, at offset: Int) {
    // SAFETY: the guest's own memory; callers stay below `count`.
    UnsafeMutableRawPointer(bitPattern: address + UInt(offset)).unsafelyUnwrapped.storeBytes(of: value, as: Value.self)
  }

  /// Loads one value from `offset` bytes in.
  @inline(__always) public func load<Value: BitwiseCopyable>(_ type: Value.Type, at offset: Int) -> Value {
    // SAFETY: as in `store`.
    UnsafeRawPointer(bitPattern: address + UInt(offset)).unsafelyUnwrapped.loadUnaligned(as: Value.self)
  }
}
