import Glibc

/// Page-aligned, zeroed memory of the host: fit for direct I/O, and backed by RAM only where it was touched. Its owner says
/// who may touch it when.
struct PageBuffer: ~Copyable, @unchecked Sendable {
  /// The bytes; valid as long as this value.
  let bytes: UnsafeMutableRawBufferPointer

  /// Maps `byteCount` bytes, at least one.
  init(byteCount: Int) throws(StorageError) {
    let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
    // SAFETY: a fresh anonymous mapping, owned by this value alone until `deinit`.
    guard let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, flags, -1, 0), start != MAP_FAILED else {
      throw .system(operation: "mmap of \(byteCount) bytes", errno: errno)
    }
    bytes = UnsafeMutableRawBufferPointer(start: start, count: byteCount)
  }

  deinit { munmap(bytes.baseAddress, bytes.count) }
}
