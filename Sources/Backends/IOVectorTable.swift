import Glibc
import GuestMemory

/// The buffer lists of all requests in flight: `segments` iovecs for each token, at addresses that never move, because the
/// kernel reads them. Slots that were never used cost address space only.
struct IOVectorTable: ~Copyable {
  private let pages: PageBuffer
  private let segments: Int
  private var used: [Range<Int>]

  /// Room for `capacity` lists of `segments` buffers.
  init(capacity: Int, segments: Int) throws(StorageError) {
    pages = try PageBuffer(byteCount: max(1, capacity * segments) * MemoryLayout<iovec>.stride)
    self.segments = segments
    used = [Range<Int>](repeating: 0..<0, count: capacity)
  }

  /// The buffers that are left of `token`'s list.
  subscript(token: Int) -> UnsafeMutableBufferPointer<iovec> {
    // SAFETY: the pages hold `capacity * segments` iovecs (trivial, zero is valid), and a used range never exceeds its slot.
    let slot = pages.bytes.assumingMemoryBound(to: iovec.self)
    return UnsafeMutableBufferPointer(rebasing: slot[used[token]])
  }

  /// Replaces `token`'s list.
  mutating func fill(_ token: Int, with data: Span<HostRange>) {
    precondition(data.count <= segments, "more buffers than the queue was made for")
    used[token] = token * segments..<token * segments + data.count
    let list = self[token]
    for index in data.indices {
      list[index] = iovec(iov_base: data[index].start, iov_len: data[index].count)
    }
  }

  /// Drops the first `count` bytes of `token`'s list, after a short transfer.
  mutating func advance(_ token: Int, by count: Int) {
    var rest = count
    while rest > 0, let first = self[token].first {
      if rest < first.iov_len {
        // SAFETY: `rest` bytes are fewer than the buffer holds.
        self[token][0] = iovec(iov_base: first.iov_base + rest, iov_len: first.iov_len - rest)
        return
      }
      rest -= first.iov_len
      used[token] = used[token].dropFirst()
    }
  }

  /// True where every buffer of the list starts at a multiple of `alignment` and holds whole sectors.
  func isAligned(_ token: Int, to alignment: Int) -> Bool {
    self[token].allSatisfy { UInt(bitPattern: $0.iov_base) & UInt(alignment - 1) == 0 && $0.iov_len & 511 == 0 }
  }
}
