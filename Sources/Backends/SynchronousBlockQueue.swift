import DeviceModel
import Glibc
import GuestMemory

/// A block queue over media that answer at once: every request is executed where it is enqueued, and completes in the next
/// wait.
public final class SynchronousBlockQueue: BlockQueue {
  /// Tokens are 0..<capacity.
  public let capacity: Int
  /// The longest list of buffers of one request.
  public let segments: Int
  /// Requests that were enqueued and whose completion was not yet delivered.
  public var inFlight: Int { ended.count }

  /// Always.
  public let answersAtOnce = true

  private let storage: any BlockStorage
  private let transfer: SynchronousTransfer
  private var vectors: IOVectorTable
  private var ended: [BlockCompletion] = []
  private var watched: [EventFD] = []
  private var polls: [pollfd] = []

  /// A queue over `storage` for `capacity` requests of at most `segments` buffers.
  public init(storage: any BlockStorage, capacity: Int, segments: Int) throws(BlockQueueError) {
    self.storage = storage
    self.capacity = capacity
    self.segments = segments
    do throws(StorageError) {
      transfer = try SynchronousTransfer()
      vectors = try IOVectorTable(capacity: capacity, segments: segments)
    } catch {
      throw .system(operation: "mmap", errno: ENOMEM)
    }
    ended.reserveCapacity(capacity)
  }

  /// Does nothing: any one thread will do.
  public func attach() throws(BlockQueueError) {}

  /// Polls these in every wait.
  public func watch(_ eventFDs: [EventFD]) {
    watched = eventFDs
    polls = eventFDs.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
  }

  /// Executes the request at once; the next wait delivers its completion.
  public func enqueue(_ request: BlockRequest, data: Span<HostRange>, token: Int) {
    vectors.fill(token, with: data)
    ended.append(
      BlockCompletion(token: token, errno: transfer.execute(request, on: storage, buffers: vectors[token])))
  }

  /// Delivers what has ended.
  public func poll(into events: inout BlockEvents) {
    events.removeAll()
    deliver(into: &events)
  }

  /// Delivers what has ended, or sleeps until an eventfd was signalled.
  public func wait(into events: inout BlockEvents) throws(BlockQueueError) {
    events.removeAll()
    let count = Glibc.poll(&polls, nfds_t(polls.count), ended.isEmpty ? -1 : 0)
    guard count >= 0 || errno == EINTR else { throw .system(operation: "poll", errno: errno) }
    for index in watched.indices where count > 0 && polls[index].revents != 0 {
      events.addSignals(watched[index].consume(), of: index)
    }
    deliver(into: &events)
  }

  private func deliver(into events: inout BlockEvents) {
    for completion in ended { events.append(completion) }
    ended.removeAll(keepingCapacity: true)
  }
}
