import CURing
import Glibc
import Synchronization

/// A raw disk image: a regular file or a block device. By default the host's page cache is bypassed (O_DIRECT), so that
/// what is measured is the disk and not the host's memory; buffers need no alignment, misaligned ones are bounced.
public final class FileStorage: BlockStorage {
  /// Size in bytes, a multiple of 512.
  public let byteCount: UInt64
  /// True where writes are refused.
  public let isReadOnly: Bool
  /// True where the page cache is bypassed.
  public let isDirect: Bool
  /// True where a thread of the kernel takes a `URingBlockQueue`'s requests (IORING_SETUP_SQPOLL).
  public let isPolledByKernel: Bool
  /// What buffer addresses must be multiples of to reach the disk without a bounce, in bytes; 1 where buffered. Offsets and
  /// lengths are whole sectors anyway.
  public let bufferAlignment: Int
  /// The open file, for a `URingBlockQueue`; it closes with this object.
  let descriptor: Int32
  private let bounce: Mutex<PageBuffer>

  /// Opens the image at `path` for reading and writing, or only for reading where `isReadOnly`. Its size is taken now: a
  /// file that shrinks later gives I/O errors.
  public init(
    path: String, isReadOnly: Bool = false, isBuffered: Bool = false, isPolledByKernel: Bool = false
  ) throws(StorageOpenError) {
    // Looked at before it is opened: opening a FIFO or a device node can block or have effects.
    let isBlockDevice = try Self.checkKind(path)
    let access = (isReadOnly ? O_RDONLY : O_RDWR) | O_CLOEXEC | (isBuffered ? 0 : pv_o_direct)
    let descriptor = open(path, access)
    guard descriptor >= 0 else { throw Self.refusal(of: path, isReadOnly: isReadOnly, isBuffered: isBuffered, errno) }
    do throws(StorageOpenError) {
      byteCount = try Self.size(of: descriptor, path: path, isBlockDevice: isBlockDevice)
      bufferAlignment = isBuffered ? 1 : try Self.directAlignment(of: descriptor, path: path)
      bounce = Mutex(try Self.bounceBuffer(path: path))
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
    self.isReadOnly = isReadOnly
    self.isPolledByKernel = isPolledByKernel
    isDirect = !isBuffered
  }

  deinit { close(descriptor) }

  /// Fills `bytes` from `offset`; blocks, and goes on after a short transfer.
  public func read(at offset: UInt64, into bytes: UnsafeMutableRawBufferPointer) throws(StorageError) {
    try checkBounds(offset: offset, count: UInt64(bytes.count))
    if isReachable(bytes.baseAddress) { return try readWhole(at: offset, into: bytes) }
    try bounce.withLock { (pages) throws(StorageError) in
      var position = 0
      while position < bytes.count {
        let chunk = min(pages.bytes.count, bytes.count - position)
        let staging = UnsafeMutableRawBufferPointer(rebasing: pages.bytes[..<chunk])
        try readWhole(at: offset + UInt64(position), into: staging)
        // SAFETY: `chunk` bytes remain in both buffers.
        UnsafeMutableRawBufferPointer(rebasing: bytes[position..<position + chunk]).copyMemory(
          from: UnsafeRawBufferPointer(staging))
        position += chunk
      }
    }
  }

  /// Writes all of `bytes` at `offset`; blocks, and goes on after a short transfer.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    try checkWritable()
    try checkBounds(offset: offset, count: UInt64(bytes.count))
    if isReachable(bytes.baseAddress) { return try writeWhole(bytes, at: offset) }
    try bounce.withLock { (pages) throws(StorageError) in
      var position = 0
      while position < bytes.count {
        let chunk = min(pages.bytes.count, bytes.count - position)
        let staging = UnsafeMutableRawBufferPointer(rebasing: pages.bytes[..<chunk])
        // SAFETY: `chunk` bytes remain in both buffers.
        staging.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[position..<position + chunk]))
        try writeWhole(UnsafeRawBufferPointer(staging), at: offset + UInt64(position))
        position += chunk
      }
    }
  }

  /// Makes everything written so far durable (fdatasync).
  public func flush() throws(StorageError) {
    while fdatasync(descriptor) != 0 {
      guard errno == EINTR else { throw .system(operation: "fdatasync", errno: errno) }
    }
  }

  /// Punches a hole, or writes zeroes where the file system cannot.
  public func discard(at offset: UInt64, count: UInt64) throws(StorageError) {
    try checkWritable()
    try checkBounds(offset: offset, count: count)
    guard count > 0 else { return }
    while true {
      switch -pv_fallocate(descriptor, pv_punch_hole, Int64(offset), Int64(count)) {
      case 0: return
      case EINTR: continue
      case EOPNOTSUPP, ENOSYS, ENODEV: return try writeZeroes(at: offset, count: count)
      case let code: throw .system(operation: "fallocate", errno: code)
      }
    }
  }
}

// MARK: - Whole transfers

extension FileStorage {
  private func isReachable(_ start: UnsafeRawPointer?) -> Bool {
    UInt(bitPattern: start) & UInt(bufferAlignment - 1) == 0
  }

  private func readWhole(at offset: UInt64, into bytes: UnsafeMutableRawBufferPointer) throws(StorageError) {
    var position = 0
    while position < bytes.count {
      // SAFETY: `bytes.count - position` bytes remain from there on.
      let count = pread(
        descriptor, bytes.baseAddress.map { $0 + position }, bytes.count - position, Int(offset) + position)
      if count < 0 && errno == EINTR { continue }
      // Nothing read inside the size that the file had when it was opened: somebody shrank it.
      guard count > 0 else { throw .system(operation: "pread", errno: count < 0 ? errno : EIO) }
      position += count
    }
  }

  private func writeWhole(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    var position = 0
    while position < bytes.count {
      // SAFETY: `bytes.count - position` bytes remain from there on.
      let count = pwrite(
        descriptor, bytes.baseAddress.map { $0 + position }, bytes.count - position, Int(offset) + position)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .system(operation: "pwrite", errno: count < 0 ? errno : EIO) }
      position += count
    }
  }

  /// The slow way to discard, where the file system cannot punch holes.
  private func writeZeroes(at offset: UInt64, count: UInt64) throws(StorageError) {
    try bounce.withLock { (pages) throws(StorageError) in
      if let start = pages.bytes.baseAddress { memset(start, 0, pages.bytes.count) }
      var position: UInt64 = 0
      while position < count {
        let chunk = Int(min(UInt64(pages.bytes.count), count - position))
        try writeWhole(UnsafeRawBufferPointer(rebasing: pages.bytes[..<chunk]), at: offset + position)
        position += UInt64(chunk)
      }
    }
  }
}

// MARK: - Opening

extension FileStorage {
  /// True for a block device, false for a regular file, an error for everything else.
  private static func checkKind(_ path: String) throws(StorageOpenError) -> Bool {
    var status = stat()
    guard stat(path, &status) == 0 else {
      switch errno {
      case ENOENT, ENOTDIR: throw .missing(path: path)
      case EACCES: throw .notReadable(path: path)
      case let code: throw .system(operation: "stat", path: path, errno: code)
      }
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG: return false
    case S_IFBLK: return true
    case S_IFDIR: throw .directory(path: path)
    default: throw .notADisk(path: path)
    }
  }

  private static func refusal(
    of path: String, isReadOnly: Bool, isBuffered: Bool, _ code: Int32
  ) -> StorageOpenError {
    switch code {
    case EINVAL where !isBuffered: .directRefused(path: path)
    case EACCES, EPERM, EROFS: isReadOnly ? .notReadable(path: path) : .notWritable(path: path)
    case ENOENT: .missing(path: path)
    default: .system(operation: "open", path: path, errno: code)
    }
  }

  private static func size(
    of descriptor: Int32, path: String, isBlockDevice: Bool
  ) throws(StorageOpenError) -> UInt64 {
    var byteCount: UInt64 = 0
    if isBlockDevice {
      let code = pv_block_device_size(descriptor, &byteCount)
      guard code == 0 else { throw .system(operation: "BLKGETSIZE64", path: path, errno: -code) }
    } else {
      var status = stat()
      guard fstat(descriptor, &status) == 0 else { throw .system(operation: "fstat", path: path, errno: errno) }
      byteCount = UInt64(clamping: status.st_size)
    }
    guard byteCount > 0 else { throw .empty(path: path) }
    guard byteCount.isMultiple(of: 512) else { throw .partialSector(path: path, byteCount: byteCount) }
    return byteCount
  }

  /// At least 512, even where the kernel asks for less: a file system may promise more than the disk below it keeps.
  private static func directAlignment(of descriptor: Int32, path: String) throws(StorageOpenError) -> Int {
    var memory: UInt32 = 0
    var offset: UInt32 = 0
    let code = pv_direct_alignment(descriptor, &memory, &offset)
    guard code == 0 else { throw .system(operation: "statx", path: path, errno: -code) }
    guard offset <= 512 else { throw .directBlockTooLarge(path: path, byteCount: Int(offset)) }
    return max(512, Int(memory))
  }

  private static func bounceBuffer(path: String) throws(StorageOpenError) -> PageBuffer {
    do throws(StorageError) {
      return try PageBuffer(byteCount: 64 << 10)
    } catch {
      throw .system(operation: "mmap", path: path, errno: ENOMEM)
    }
  }
}
