import CURing
import Glibc
import GuestMemory

/// Frames that are given to a device together and in order: one system call in place of one for each, after which the far side
/// is woken once.
///
/// The batch is its thread's that first appends to it.
struct FrameBatch: ~Copyable {
  /// Frames of one batch.
  static let capacity = 32
  /// Parts of a frame, its header among them.
  private static let mostParts = 18

  private(set) var count = 0
  private let descriptor: Int32
  private let ring: Ring
  private let headers: UnsafeMutablePointer<FrameHeader>
  private let parts: UnsafeMutablePointer<iovec>
  private let lengths: UnsafeMutablePointer<UInt32>
  private var isEnabled = false

  /// An empty batch for the device behind `descriptor`, which takes a frame or refuses it, as a TAP does whose send buffer has
  /// no end, and never lets anybody wait; nil where the host refuses io_uring.
  init?(_ descriptor: Int32) {
    do throws(BlockQueueError) { ring = try Ring(entries: UInt32(Self.capacity)) } catch { return nil }
    self.descriptor = descriptor
    headers = .allocate(capacity: Self.capacity)
    parts = .allocate(capacity: Self.capacity * Self.mostParts)
    lengths = .allocate(capacity: Self.capacity)
  }

  deinit {
    headers.deallocate()
    parts.deallocate()
    lengths.deallocate()
  }

  /// Adds a frame, whose buffers stay until `submit`; false where it does not fit, or the ring cannot be used.
  mutating func append(_ frame: Span<HostRange>, offload: FrameOffload) -> Bool {
    guard count < Self.capacity, frame.count < Self.mostParts, isEnabled || enable() else { return false }
    // SAFETY: `count` is a free slot of every table, and the frame's parts and the header are no more than a slot holds.
    let header = headers + count
    let list = parts + count * Self.mostParts
    header.initialize(to: FrameHeader(offload: offload))
    list[0] = iovec(iov_base: header, iov_len: FrameHeader.size)
    for index in frame.indices { list[1 + index] = iovec(iov_base: frame[index].start, iov_len: frame[index].count) }
    lengths[count] = UInt32(1 + frame.count)
    count += 1
    return true
  }

  /// Gives all frames to the device and empties the batch; how many of them it took.
  mutating func submit() -> Int {
    defer { count = 0 }
    // One alone is quicker without the ring.
    if count == 1 { return writev(descriptor, parts, Int32(lengths[0])) > 0 ? 1 : 0 }
    for slot in 0..<count {
      guard let entry = io_uring_get_sqe(ring.pointer) else { break }
      io_uring_prep_writev(entry, descriptor, parts + slot * Self.mostParts, lengths[slot], 0)
      pv_use_registered_file(entry)
    }
    return complete(count)
  }

  /// Submits, and waits for so many requests; how many the device took.
  private func complete(_ requests: Int) -> Int {
    var taken = 0
    var left = requests
    while left > 0 {
      let code = io_uring_submit_and_wait(ring.pointer, UInt32(left))
      guard code >= 0 || code == -EINTR || code == -EAGAIN || code == -EBUSY else { break }
      var completion: UnsafeMutablePointer<io_uring_cqe>?
      while left > 0, io_uring_peek_cqe(ring.pointer, &completion) == 0, let ended = completion {
        if ended.pointee.res > 0 { taken += 1 }
        io_uring_cq_advance(ring.pointer, 1)
        left -= 1
      }
    }
    return taken
  }

  private mutating func enable() -> Bool {
    do throws(BlockQueueError) { try ring.enable(file: descriptor) } catch { return false }
    isEnabled = true
    return true
  }
}
