import Glibc

/// Why a disk image cannot be made, read or restored.
struct ImageError: Error, Equatable, CustomStringConvertible {
  /// `open`, `write`, …
  let operation: String
  let path: String
  let code: Int32

  var description: String {
    let advice =
      switch code {
      case ENOSPC, EDQUOT: " (free some space, or choose another folder with --out)"
      case EACCES, EPERM, EROFS: " (choose a file that you may write)"
      default: ""
      }
    return "cannot \(operation) disk image \(path): \(String(cString: strerror(code)).lowercased())\(advice)"
  }
}

/// Page-aligned memory, as O_DIRECT wants it, seen as 64-bit words.
struct AlignedWords: ~Copyable {
  static let alignment = 4096
  let words: UnsafeMutableBufferPointer<UInt64>

  /// Zero-filled memory of `byteCount` bytes, a multiple of the alignment.
  init(byteCount: Int) {
    // SAFETY: this is the memory's only owner; it is initialized in full before anybody sees it.
    let raw = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: Self.alignment)
    words = raw.bindMemory(to: UInt64.self)
    words.initialize(repeating: 0)
  }

  deinit { words.deallocate() }
}

/// The raw file or block device behind a guest's disk. O_DIRECT where the file system has it, so that the host checks what
/// is on the medium and leaves nothing in the page cache for the guest to find.
struct ImageFile: ~Copyable {
  let path: String
  /// O_DIRECT of x86-64 Linux (asm-generic/fcntl.h); glibc shows it to GNU sources only.
  private static let direct: Int32 = 0o40000
  private let descriptor: Int32
  /// True where reads and writes go past the page cache.
  let isDirect: Bool

  /// Opens an existing file, or makes an empty one where `isNew`.
  init(path: String, isNew: Bool) throws(ImageError) {
    let flags = O_RDWR | O_CLOEXEC | (isNew ? O_CREAT | O_TRUNC : 0)
    let direct = open(path, flags | Self.direct, 0o600)
    // tmpfs and some network file systems refuse O_DIRECT with EINVAL.
    let isDirect = direct >= 0 || errno != EINVAL
    let descriptor = isDirect ? direct : open(path, flags, 0o600)
    guard descriptor >= 0 else { throw ImageError(operation: isNew ? "create" : "open", path: path, code: errno) }
    self.path = path
    self.descriptor = descriptor
    self.isDirect = isDirect
  }

  deinit { close(descriptor) }

  /// Takes the file for this process as long as it is open; false where another pvbench has it.
  func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// Fills `words` from byte `offset`; a file that ends before is an error.
  func read(into words: UnsafeMutableBufferPointer<UInt64>, at offset: UInt64) throws(ImageError) {
    try transfer(UnsafeMutableRawBufferPointer(words), at: offset, "read") { pread(descriptor, $0, $1, $2) }
  }

  /// Writes all of `words` at byte `offset`.
  func write(_ words: UnsafeMutableBufferPointer<UInt64>, at offset: UInt64) throws(ImageError) {
    try transfer(UnsafeMutableRawBufferPointer(words), at: offset, "write") { pwrite(descriptor, $0, $1, $2) }
  }

  /// Has the page cache forget what it holds of the file.
  func forgetCached() { posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) }

  /// Makes what was written durable, and unknown to the page cache.
  func sync() throws(ImageError) {
    guard fdatasync(descriptor) == 0 else { throw ImageError(operation: "sync", path: path, code: errno) }
    if !isDirect { forgetCached() }
  }

  private func transfer(
    _ bytes: UnsafeMutableRawBufferPointer, at offset: UInt64, _ operation: String,
    call: (UnsafeMutableRawPointer, Int, off_t) -> Int
  ) throws(ImageError) {
    guard let base = bytes.baseAddress else { return }
    var done = 0
    while done < bytes.count {
      // SAFETY: `base + done` and the remaining count stay inside `bytes`, which outlives the call.
      let count = call(base + done, bytes.count - done, off_t(offset) + off_t(done))
      guard count != 0 else { throw ImageError(operation: operation, path: path, code: EIO) }
      if count < 0 {
        if errno == EINTR { continue }
        throw ImageError(operation: operation, path: path, code: errno)
      }
      done += count
    }
  }
}
