import Glibc

/// A disk in the host's memory: zeroed at first, private to the process, gone with it. Overlapping accesses from several
/// threads may mix, as they may on a disk.
public final class MemoryStorage: BlockStorage, @unchecked Sendable {
  /// True where writes are refused.
  public let isReadOnly: Bool
  private let pages: PageBuffer

  /// Size in bytes.
  public var byteCount: UInt64 { UInt64(pages.bytes.count) }

  /// Reserves `byteCount` bytes, a multiple of 512 greater than 0; RAM is taken only where data is written.
  public init(byteCount: UInt64, isReadOnly: Bool = false) throws(StorageOpenError) {
    let name = "(memory)"
    guard byteCount > 0 else { throw .empty(path: name) }
    guard byteCount.isMultiple(of: 512) else { throw .partialSector(path: name, byteCount: byteCount) }
    self.isReadOnly = isReadOnly
    do throws(StorageError) {
      pages = try PageBuffer(byteCount: Int(clamping: byteCount))
    } catch {
      throw .system(operation: "mmap of \(byteCount) bytes", path: name, errno: ENOMEM)
    }
  }

  /// Fills `bytes` from `offset`.
  public func read(at offset: UInt64, into bytes: UnsafeMutableRawBufferPointer) throws(StorageError) {
    try checkBounds(offset: offset, count: UInt64(bytes.count))
    guard let target = bytes.baseAddress, let start = pages.bytes.baseAddress else { return }
    // SAFETY: the range is inside the pages, and the target holds `bytes.count` bytes.
    target.copyMemory(from: start + Int(offset), byteCount: bytes.count)
  }

  /// Writes all of `bytes` at `offset`.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    try checkWritable()
    try checkBounds(offset: offset, count: UInt64(bytes.count))
    guard let source = bytes.baseAddress, let start = pages.bytes.baseAddress else { return }
    // SAFETY: as in `read`.
    (start + Int(offset)).copyMemory(from: source, byteCount: bytes.count)
  }

  /// Does nothing: memory is as durable as it gets.
  public func flush() throws(StorageError) {}

  /// Zeroes the range.
  public func discard(at offset: UInt64, count: UInt64) throws(StorageError) {
    try checkWritable()
    try checkBounds(offset: offset, count: count)
    guard count > 0, let start = pages.bytes.baseAddress else { return }
    // SAFETY: the range is inside the pages.
    memset(start + Int(offset), 0, Int(count))
  }
}
