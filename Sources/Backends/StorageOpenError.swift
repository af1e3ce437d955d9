import Glibc

/// Why a disk image cannot be used. Every description is one line: what happened, to what, and what to do about it.
public enum StorageOpenError: Error, Equatable, CustomStringConvertible {
  /// Nothing exists at the path.
  case missing(path: String)
  /// The path names a directory.
  case directory(path: String)
  /// The path names neither a regular file nor a block device.
  case notADisk(path: String)
  /// The file or device holds no bytes.
  case empty(path: String)
  /// The size is not a whole number of 512-byte sectors.
  case partialSector(path: String, byteCount: UInt64)
  /// The user may not write it, or it lies on a read-only file system.
  case notWritable(path: String)
  /// The user may not read it.
  case notReadable(path: String)
  /// The file system refuses O_DIRECT.
  case directRefused(path: String)
  /// Direct I/O there needs larger blocks than a disk's 512-byte sectors.
  case directBlockTooLarge(path: String, byteCount: Int)
  /// Anything else that the host refused.
  case system(operation: String, path: String, errno: Int32)

  /// One line: what happened, to what, and what to do about it.
  public var description: String {
    switch self {
    case .missing(let path): "disk image '\(path)' does not exist: check the path, or create it first"
    case .directory(let path): "disk image '\(path)' is a directory: name a raw image file or a block device"
    case .notADisk(let path):
      "disk image '\(path)' is neither a file nor a block device: name a raw image file or a block device"
    case .empty(let path): "disk image '\(path)' is empty: give it a size, as with 'truncate -s 64M'"
    case .partialSector(let path, let count):
      "disk image '\(path)' has \(count) bytes, which is no multiple of 512: resize it to whole sectors"
    case .notWritable(let path):
      "disk image '\(path)' cannot be written: change its permissions, or open it read-only"
    case .notReadable(let path): "disk image '\(path)' cannot be read: change its permissions"
    case .directRefused(let path):
      "disk image '\(path)' is on a file system without direct I/O: use buffered I/O, or move it to another file system"
    case .directBlockTooLarge(let path, let count):
      "disk image '\(path)' allows direct I/O only in blocks of \(count) bytes: use buffered I/O, or a disk with 512-byte sectors"
    case .system(let operation, let path, let code):
      "disk image '\(path)' cannot be used, \(operation) failed: \(String(cString: strerror(code)))"
    }
  }
}
