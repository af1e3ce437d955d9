import Glibc

/// A disk without a medium: writes vanish, reads bring nothing. What remains is the cost of the device in front of it.
public final class NullStorage: BlockStorage {
  /// Size in bytes, a multiple of 512.
  public let byteCount: UInt64
  /// False: writes are taken, and forgotten.
  public var isReadOnly: Bool { false }

  /// Pretends to hold `byteCount` bytes, a multiple of 512 greater than 0.
  public init(byteCount: UInt64) throws(StorageOpenError) {
    let name = "(null)"
    guard byteCount > 0 else { throw .empty(path: name) }
    guard byteCount.isMultiple(of: 512) else { throw .partialSector(path: name, byteCount: byteCount) }
    self.byteCount = byteCount
  }

  /// Checks the range, and leaves `bytes` as they are.
  public func read(at offset: UInt64, into bytes: UnsafeMutableRawBufferPointer) throws(StorageError) {
    try checkBounds(offset: offset, count: UInt64(bytes.count))
  }

  /// Checks the range, and forgets the bytes.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    try checkBounds(offset: offset, count: UInt64(bytes.count))
  }

  /// Does nothing.
  public func flush() throws(StorageError) {}

  /// Checks the range.
  public func discard(at offset: UInt64, count: UInt64) throws(StorageError) {
    try checkBounds(offset: offset, count: count)
  }
}
