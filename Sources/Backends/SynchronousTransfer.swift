import Glibc

/// Executes one request on the calling thread, whatever its buffers look like: a list that splits sectors is gathered in, or
/// scattered from, a staging buffer that was allocated beforehand.
struct SynchronousTransfer: ~Copyable {
  private let staging: PageBuffer

  init() throws(StorageError) { staging = try PageBuffer(byteCount: 64 << 10) }

  /// Executes `request`; 0, or an errno.
  func execute(_ request: BlockRequest, on storage: any BlockStorage, buffers: UnsafeMutableBufferPointer<iovec>)
    -> Int32
  {
    do throws(StorageError) {
      switch request.operation {
      case .flush: try storage.flush()
      case .discard: try storage.discard(at: request.offset, count: request.count)
      case .read, .write, .durableWrite:
        if buffers.allSatisfy({ $0.iov_len & 511 == 0 }) {
          try transferDirectly(request, on: storage, buffers: buffers)
        } else {
          try transferStaged(request, on: storage, buffers: buffers)
        }
        if request.operation == .durableWrite { try storage.flush() }
      }
      return 0
    } catch {
      switch error {
      case .outOfRange: return EINVAL
      case .readOnly: return EROFS
      case .system(_, let code): return code
      }
    }
  }

  private func transferDirectly(
    _ request: BlockRequest, on storage: any BlockStorage, buffers: UnsafeMutableBufferPointer<iovec>
  ) throws(StorageError) {
    var offset = request.offset
    for buffer in buffers {
      let bytes = UnsafeMutableRawBufferPointer(start: buffer.iov_base, count: buffer.iov_len)
      if request.operation == .read {
        try storage.read(at: offset, into: bytes)
      } else {
        try storage.write(UnsafeRawBufferPointer(bytes), at: offset)
      }
      offset += UInt64(buffer.iov_len)
    }
  }

  private func transferStaged(
    _ request: BlockRequest, on storage: any BlockStorage, buffers: UnsafeMutableBufferPointer<iovec>
  ) throws(StorageError) {
    var cursor = Cursor(buffers: buffers)
    var position: UInt64 = 0
    while position < request.count {
      let chunk = Int(min(UInt64(staging.bytes.count), request.count - position))
      let bytes = UnsafeMutableRawBufferPointer(rebasing: staging.bytes[..<chunk])
      if request.operation == .read {
        try storage.read(at: request.offset + position, into: bytes)
        cursor.scatter(bytes)
      } else {
        cursor.gather(bytes)
        try storage.write(UnsafeRawBufferPointer(bytes), at: request.offset + position)
      }
      position += UInt64(chunk)
    }
  }

  /// A place in a buffer list.
  private struct Cursor {
    let buffers: UnsafeMutableBufferPointer<iovec>
    var index = 0
    var position = 0

    /// Copies all of `bytes` to the place and moves on.
    mutating func scatter(_ bytes: UnsafeMutableRawBufferPointer) {
      // SAFETY: `walk` gives places of the two buffers that both hold `count` bytes.
      walk(bytes) { staged, listed, count in listed.copyMemory(from: staged, byteCount: count) }
    }

    /// Fills all of `bytes` from the place and moves on.
    mutating func gather(_ bytes: UnsafeMutableRawBufferPointer) {
      // SAFETY: as in `scatter`.
      walk(bytes) { staged, listed, count in staged.copyMemory(from: listed, byteCount: count) }
    }

    private mutating func walk(
      _ bytes: UnsafeMutableRawBufferPointer,
      _ copy: (UnsafeMutableRawPointer, UnsafeMutableRawPointer, Int) -> Void
    ) {
      guard let start = bytes.baseAddress else { return }
      var done = 0
      while done < bytes.count, index < buffers.count {
        let count = min(bytes.count - done, buffers[index].iov_len - position)
        if count > 0 { copy(start + done, buffers[index].iov_base + position, count) }
        done += count
        position += count
        if position == buffers[index].iov_len { (index, position) = (index + 1, 0) }
      }
    }
  }
}
