import Foundation

/// An open file descriptor, closed when its owner goes.
struct OwnedFile: ~Copyable {
  private let descriptor: Int32
  private let path: String

  /// Opens `path`; close-on-exec always.
  init(opening path: String, _ flags: Int32) throws(StoreError) {
    descriptor = open(path, flags | O_CLOEXEC, 0o666)
    self.path = path
    guard descriptor >= 0 else {
      throw flags & (O_WRONLY | O_RDWR) == 0
        ? .cannotRead(path: path, code: errno) : .cannotWrite(path: path, code: errno, run: nil)
    }
  }

  deinit { close(descriptor) }

  /// Writes every byte, whatever the kernel takes at a time.
  func write(_ bytes: [UInt8]) throws(StoreError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      // SAFETY: the pointer is used within the call only; it covers exactly the bytes that are counted.
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotWrite(path: path, code: errno, run: nil)
      }
      rest = rest.dropFirst(count)
    }
  }

  /// Returns when the file is on the medium.
  func sync() throws(StoreError) {
    guard fsync(descriptor) == 0 else { throw .cannotWrite(path: path, code: errno, run: nil) }
  }

  /// Takes the file for this process alone, until it is closed; false where another process has it.
  func lock() -> Bool { flock(descriptor, LOCK_EX | LOCK_NB) == 0 }

  /// Everything in it.
  func read() throws(StoreError) -> [UInt8] {
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      // SAFETY: the kernel writes at most the chunk's count into it, within the call.
      let count = chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
      if count == 0 { return bytes }
      if count < 0 {
        if errno == EINTR { continue }
        throw .cannotRead(path: path, code: errno)
      }
      bytes += chunk[..<count]
    }
  }
}
