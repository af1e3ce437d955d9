import Glibc

/// A file in a directory of its own that is deleted with this object.
final class TemporaryImage {
  let directory: String
  let path: String

  struct CreationError: Error {}

  /// Creates the file with `byteCount` zero bytes.
  init(byteCount: Int, mode: mode_t = 0o600) throws {
    var template = Array("./.build/backends-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw CreationError() }
    directory = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    path = directory + "/disk.img"
    let descriptor = open(path, O_CREAT | O_RDWR | O_CLOEXEC, mode)
    guard descriptor >= 0, ftruncate(descriptor, byteCount) == 0 else { throw CreationError() }
    close(descriptor)
  }

  deinit {
    unlink(path)
    rmdir(directory)
  }
}

/// Memory for direct and for deliberately misaligned transfers, freed with this object.
final class Buffer {
  let bytes: UnsafeMutableRawBufferPointer
  private let whole: UnsafeMutableRawBufferPointer

  /// `count` bytes, `offset` bytes behind a page boundary, all with the value `fill`.
  init(count: Int, offset: Int = 0, fill: UInt8 = 0) {
    whole = .allocate(byteCount: count + offset, alignment: 4096)
    bytes = UnsafeMutableRawBufferPointer(rebasing: whole[offset...])
    for index in bytes.indices { bytes[index] = fill }
  }

  deinit { whole.deallocate() }

  /// Fills the bytes with a sequence that differs from sector to sector.
  func fillWithPattern(seed: Int) {
    for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: seed &+ index &* 7 &+ index / 512) }
  }

  var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(bytes) }
  var array: [UInt8] { [UInt8](bytes) }
}
