import Glibc

/// Why a block operation failed. A device turns it into its own error status; it never ends the guest.
public enum StorageError: Error, Equatable, CustomStringConvertible {
  /// `[offset, offset + count)` is not wholly inside the medium (bytes).
  case outOfRange(offset: UInt64, count: Int)
  /// The medium cannot be written.
  case readOnly
  /// The host's system call failed.
  case system(operation: String, errno: Int32)

  /// What happened, in one line.
  public var description: String {
    switch self {
    case .outOfRange(let offset, let count): "bytes \(offset)..+\(count) are outside the medium"
    case .readOnly: "the medium is read-only"
    case .system(let operation, let code): "\(operation): \(String(cString: strerror(code)))"
    }
  }
}

/// What stands behind a disk: a file, a block device, memory or nothing at all. Offsets and counts are bytes, multiples of
/// 512. Calls block; `BlockQueue` is the asynchronous way in.
public protocol BlockStorage: AnyObject, Sendable {
  /// Size in bytes, a multiple of 512.
  var byteCount: UInt64 { get }
  /// True where writes are refused.
  var isReadOnly: Bool { get }
  /// Fills `bytes` from `offset`.
  func read(at offset: UInt64, into bytes: UnsafeMutableRawBufferPointer) throws(StorageError)
  /// Writes all of `bytes` at `offset`.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError)
  /// Makes everything written so far durable.
  func flush() throws(StorageError)
  /// Lets the medium forget `count` bytes at `offset`; they read as zero afterwards.
  func discard(at offset: UInt64, count: UInt64) throws(StorageError)
}
