import CLinuxKVM
import CURing
import DeviceModel
import Glibc
import GuestMemory

/// A block queue over a file's descriptor through io_uring(7). Requests, their completions and the watched eventfds share
/// one ring, so that one system call submits a batch and sleeps until any of them moves.
public final class URingBlockQueue: BlockQueue {
  /// Tokens are 0..<capacity.
  public let capacity: Int
  /// The longest list of buffers of one request.
  public let segments: Int
  /// Requests that were enqueued and whose completion was not yet delivered.
  public private(set) var inFlight = 0

  /// True where the page cache may hold the file: the kernel then copies while it takes the request.
  public var answersAtOnce: Bool { !storage.isDirect }

  private let storage: FileStorage
  private let owned: Ring
  private var ring: UnsafeMutablePointer<io_uring> { owned.pointer }
  private let reaped: UnsafeMutableBufferPointer<UnsafeMutablePointer<io_uring_cqe>?>
  private let transfer: SynchronousTransfer
  private var vectors: IOVectorTable
  private var requests: [BlockRequest]
  /// A cached read that came first since the last system call, not yet in the ring: alone it is quicker done without.
  private var lone: Int?
  /// Requests that ended without the ring, to be delivered by the next wait.
  private var ended: [BlockCompletion] = []
  private var watched: [EventFD] = []
  private var isArmed: [Bool] = []

  /// Marks the ring's entries that belong to a watched eventfd; the low bits are its index.
  private static let watchMark: UInt64 = 1 << 63

  /// A ring over `storage` for `capacity` requests of at most `segments` buffers (1...1024, the kernel's IOV_MAX).
  public init(storage: FileStorage, capacity: Int, segments: Int) throws(BlockQueueError) {
    precondition((1...4096).contains(capacity) && (1...1024).contains(segments), "no such ring")
    self.storage = storage
    self.capacity = capacity
    self.segments = segments
    do throws(StorageError) {
      transfer = try SynchronousTransfer()
      vectors = try IOVectorTable(capacity: capacity, segments: segments)
    } catch {
      throw .system(operation: "mmap", errno: ENOMEM)
    }
    requests = [BlockRequest](repeating: BlockRequest(.flush), count: capacity)
    ended.reserveCapacity(capacity)
    owned = try Ring(entries: UInt32(capacity + 4), isPolledByKernel: storage.isPolledByKernel)
    reaped = .allocate(capacity: 32)
    reaped.initialize(repeating: nil)
  }

  deinit { reaped.deallocate() }

  /// Enables the ring and makes the calling thread its only one.
  public func attach() throws(BlockQueueError) { try owned.enable(file: storage.descriptor) }

  /// Polls these in the ring from the next wait on.
  public func watch(_ eventFDs: [EventFD]) {
    watched = eventFDs
    isArmed = eventFDs.map { _ in false }
  }

  /// Puts a request into the ring, to be submitted by the next wait.
  public func enqueue(_ request: BlockRequest, data: Span<HostRange>, token: Int) {
    vectors.fill(token, with: data)
    requests[token] = request
    if inFlight == 0, request.operation == .read, answersAtOnce, !storage.isPolledByKernel {
      lone = token
    } else {
      startLone()
      start(token)
    }
    inFlight += 1
  }

  /// Submits and reaps with one system call.
  public func poll(into events: inout BlockEvents) throws(BlockQueueError) {
    events.removeAll()
    readLone()
    if inFlight == ended.count { return deliver(into: &events) }
    try collect(io_uring_submit_and_get_events(ring), into: &events)
  }

  /// Submits, sleeps and reaps with one system call (io_uring_enter).
  public func wait(into events: inout BlockEvents) throws(BlockQueueError) {
    events.removeAll()
    readLone()
    armWatches()
    guard ended.isEmpty else { return try collect(io_uring_submit_and_get_events(ring), into: &events) }
    let began = pv_sleep_begins()
    let code = io_uring_submit_and_wait(ring, 1)
    pv_sleep_ends(began)
    try collect(code, into: &events)
  }

  /// What has ended, after a system call that returned `code`.
  private func collect(_ code: Int32, into events: inout BlockEvents) throws(BlockQueueError) {
    guard code >= 0 || code == -EINTR || code == -EAGAIN || code == -EBUSY else {
      throw .system(operation: "io_uring_enter", errno: -code)
    }
    try reap(into: &events)
    deliver(into: &events)
  }

  private func deliver(into events: inout BlockEvents) {
    for completion in ended { events.append(completion) }
    inFlight -= events.completions.count
    ended.removeAll(keepingCapacity: true)
  }
}

// MARK: - Submission

extension URingBlockQueue {
  /// Brings what is left of `token`'s request on its way.
  private func start(_ token: Int) {
    let request = requests[token]
    // The guest may put its buffers anywhere, direct I/O may not: what the kernel would refuse is done here, in staging.
    if request.operation.isTransfer && storage.isDirect && !vectors.isAligned(token, to: storage.bufferAlignment) {
      return executeHere(token)
    }
    guard let entry = nextEntry() else { return end(token, errno: EBUSY) }
    let list = vectors[token]
    // SAFETY: the list stays where it is until the request has ended, and so does the memory that it describes.
    switch request.operation {
    case .read where list.count == 1:
      io_uring_prep_read(entry, storage.descriptor, list[0].iov_base, UInt32(clamping: list[0].iov_len), request.offset)
    case .read: io_uring_prep_readv(entry, storage.descriptor, list.baseAddress, UInt32(list.count), request.offset)
    case .write: io_uring_prep_writev(entry, storage.descriptor, list.baseAddress, UInt32(list.count), request.offset)
    case .durableWrite:
      io_uring_prep_writev2(
        entry, storage.descriptor, list.baseAddress, UInt32(list.count), request.offset, pv_write_through)
    case .flush: io_uring_prep_fsync(entry, storage.descriptor, UInt32(IORING_FSYNC_DATASYNC))
    case .discard:
      io_uring_prep_fallocate(entry, storage.descriptor, pv_punch_hole, off_t(request.offset), off_t(request.count))
    }
    pv_use_registered_file(entry)
    io_uring_sqe_set_data64(entry, UInt64(token))
  }

  private func startLone() {
    if let token = lone.take() { start(token) }
  }

  /// Ends the read that has no company with one copy out of the page cache; what is not there goes through the ring.
  private func readLone() {
    guard let token = lone.take() else { return }
    let list = vectors[token]
    let count = pv_read_cached(storage.descriptor, list.baseAddress, Int32(list.count), requests[token].offset)
    if count == Int64(requests[token].count) { end(token, errno: 0) } else { start(token) }
  }

  private func executeHere(_ token: Int) {
    end(token, errno: transfer.execute(requests[token], on: storage, buffers: vectors[token]))
  }

  private func end(_ token: Int, errno: Int32) { ended.append(BlockCompletion(token: token, errno: errno)) }

  private func nextEntry() -> UnsafeMutablePointer<io_uring_sqe>? {
    if let entry = io_uring_get_sqe(ring) { return entry }
    io_uring_submit(ring)
    return io_uring_get_sqe(ring)
  }

  private func armWatches() {
    for index in watched.indices where !isArmed[index] {
      guard let entry = nextEntry() else { return }
      io_uring_prep_poll_multishot(entry, watched[index].descriptor, UInt32(POLLIN))
      io_uring_sqe_set_data64(entry, Self.watchMark | UInt64(index))
      isArmed[index] = true
    }
  }
}

// MARK: - Completion

extension URingBlockQueue {
  private func reap(into events: inout BlockEvents) throws(BlockQueueError) {
    while true {
      let count = Int(io_uring_peek_batch_cqe(ring, reaped.baseAddress, UInt32(reaped.count)))
      if count == 0 { return }
      for index in 0..<count {
        // SAFETY: the kernel filled the first `count` pointers; the entries stay valid until the ring is advanced.
        guard let entry = reaped[index]?.pointee else { continue }
        if entry.user_data & Self.watchMark != 0 {
          try noteSignal(entry, events: &events)
        } else {
          finish(Int(entry.user_data), result: entry.res, events: &events)
        }
      }
      io_uring_cq_advance(ring, UInt32(count))
    }
  }

  private func noteSignal(_ entry: io_uring_cqe, events: inout BlockEvents) throws(BlockQueueError) {
    guard entry.res >= 0 else { throw .system(operation: "io_uring poll", errno: -entry.res) }
    let index = Int(entry.user_data & ~Self.watchMark)
    if entry.flags & IORING_CQE_F_MORE == 0 { isArmed[index] = false }
    events.addSignals(watched[index].consume(), of: index)
  }

  private func finish(_ token: Int, result: Int32, events: inout BlockEvents) {
    switch (requests[token].operation, result) {
    case (_, -EINTR), (_, -EAGAIN):
      start(token)
    case (.discard, -EOPNOTSUPP), (.discard, -ENODEV):
      executeHere(token)
    case (_, ..<0):
      events.append(BlockCompletion(token: token, errno: -result))
    case (.read, _), (.write, _), (.durableWrite, _):
      advance(token, by: Int(result), events: &events)
    default:
      events.append(BlockCompletion(token: token, errno: 0))
    }
  }

  /// The kernel may move less than it was asked for (2 GiB at most, fewer after a signal): the rest is sent again.
  private func advance(_ token: Int, by count: Int, events: inout BlockEvents) {
    requests[token].offset += UInt64(count)
    requests[token].count -= min(requests[token].count, UInt64(count))
    if requests[token].count == 0 {
      events.append(BlockCompletion(token: token, errno: 0))
    } else if count == 0 {
      events.append(BlockCompletion(token: token, errno: EIO))
    } else {
      vectors.advance(token, by: count)
      start(token)
    }
  }
}
