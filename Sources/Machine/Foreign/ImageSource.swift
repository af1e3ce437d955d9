import Glibc
import GuestMemory

/// The bytes of a kernel or an initial ramdisk: a file, or an array in a test. Hostile like everything that comes from outside.
protocol ImageSource: AnyObject {
  var byteCount: UInt64 { get }
  /// Fills `target` from `offset` on; both were checked against `byteCount`.
  func read(at offset: UInt64, into target: UnsafeMutableRawBufferPointer) throws(ForeignImageError)
}

extension ImageSource {
  /// `count` bytes at `offset`, which are the file's `what`.
  func bytes(at offset: UInt64, count: Int, _ what: String) throws(ForeignImageError) -> [UInt8] {
    try check(offset, UInt64(count), what)
    var bytes = [UInt8](repeating: 0, count: count)
    var failure: ForeignImageError?
    bytes.withUnsafeMutableBytes { target in
      do throws(ForeignImageError) { try read(at: offset, into: target) } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }

  /// One little-endian number at `offset`, which is part of the file's `what`.
  func number<Value: FixedWidthInteger>(
    _ type: Value.Type, at offset: UInt64, _ what: String
  ) throws(ForeignImageError) -> Value {
    let bytes = try bytes(at: offset, count: Value.bitWidth / 8, what)
    return bytes.reversed().reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
  }

  /// Copies `count` bytes at `offset` into guest memory without another copy.
  func load(
    at offset: UInt64, count: UInt64, to address: GuestAddress, of memory: GuestMemory, _ what: String
  ) throws(ForeignImageError) {
    try check(offset, count, what)
    guard let range = try? memory.hostRange(at: address, count: Int(clamping: count)) else {
      throw .tooLarge(end: address.value &+ count, memory: UInt64(memory.byteCount))
    }
    // SAFETY: RAM that was just checked to hold `count` bytes; no guest runs yet.
    try read(at: offset, into: UnsafeMutableRawBufferPointer(start: range.start, count: range.count))
  }

  private func check(_ offset: UInt64, _ count: UInt64, _ what: String) throws(ForeignImageError) {
    guard offset <= byteCount, count <= byteCount - offset else { throw .truncated(what: what) }
  }
}

/// A file that is read where it is needed: a kernel with its debugging information is far larger than what is loaded of it.
final class ImageFile: ImageSource {
  let byteCount: UInt64
  private let descriptor: Int32

  init(path: String) throws(ForeignImageError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .cannotRead(errno: errno) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      let isFolder = status.st_mode & S_IFMT == S_IFDIR
      close(descriptor)
      throw isFolder ? .cannotRead(errno: EISDIR) : .unsupported("is not a regular file")
    }
    self.descriptor = descriptor
    byteCount = UInt64(max(status.st_size, 0))
  }

  deinit { close(descriptor) }

  func read(at offset: UInt64, into target: UnsafeMutableRawBufferPointer) throws(ForeignImageError) {
    guard let start = target.baseAddress else { return }
    var done = 0
    while done < target.count {
      let count = pread(descriptor, start + done, target.count - done, off_t(offset) + off_t(done))
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .cannotRead(errno: errno) }
      guard count > 0 else { throw .truncated(what: "content") }
      done += count
    }
  }
}
