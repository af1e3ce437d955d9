import DeviceModel
import Glibc
import GuestMemory

/// What a block request does.
public enum BlockOperation: Sendable {
  /// Medium to buffers.
  case read
  /// Buffers to medium.
  case write
  /// Buffers to medium, and durable when it completes.
  case durableWrite
  /// Makes everything that has completed durable.
  case flush
  /// Lets the medium forget a range, which reads as zero afterwards.
  case discard

  /// True where buffers take part.
  public var isTransfer: Bool { self == .read || self == .write || self == .durableWrite }
}

/// One request to a medium. Reads and writes take their length from their buffers; the range must have been checked with
/// `checkBounds`.
public struct BlockRequest: Equatable, Sendable {
  /// What to do.
  public var operation: BlockOperation
  /// First byte on the medium, a multiple of 512.
  public var offset: UInt64
  /// Length in bytes, a multiple of 512; for reads and writes the sum of the buffers' lengths.
  public var count: UInt64

  /// Describes one request.
  public init(_ operation: BlockOperation, offset: UInt64 = 0, count: UInt64 = 0) {
    self.operation = operation
    self.offset = offset
    self.count = count
  }
}

/// The end of one request.
public struct BlockCompletion: Equatable, Sendable {
  /// The token that it was enqueued with.
  public let token: Int
  /// 0, or the host's reason for the failure.
  public let errno: Int32
}

/// Why a block queue cannot be made or can no longer be used.
public enum BlockQueueError: Error, Equatable, CustomStringConvertible {
  /// The host refuses io_uring altogether.
  case ringRefused(errno: Int32)
  /// A system call failed that should not.
  case system(operation: String, errno: Int32)

  /// What happened, in one line.
  public var description: String {
    switch self {
    case .ringRefused(let code):
      "io_uring_setup failed (\(String(cString: strerror(code)))): allow io_uring (sysctl kernel.io_uring_disabled=0, "
        + "container seccomp profile, memlock limit)"
    case .system(let operation, let code): "\(operation) failed: \(String(cString: strerror(code)))"
    }
  }
}

/// What one wait brought. Preallocated and used again, so that waiting allocates nothing.
public struct BlockEvents {
  /// Requests that have ended.
  public private(set) var completions: [BlockCompletion] = []
  private var signals: [UInt64]

  /// Room for `capacity` completions and four watched eventfds.
  public init(capacity: Int) {
    completions.reserveCapacity(capacity)
    signals = [UInt64](repeating: 0, count: 4)
  }

  /// How often the watched eventfd with this index was signalled since the last wait; its count was consumed.
  public func signals(of index: Int) -> UInt64 { signals[index] }

  mutating func removeAll() {
    completions.removeAll(keepingCapacity: true)
    for index in signals.indices { signals[index] = 0 }
  }

  mutating func append(_ completion: BlockCompletion) { completions.append(completion) }
  mutating func addSignals(_ count: UInt64, of index: Int) { signals[index] &+= count }
}

/// The asynchronous way to a medium: one for each I/O thread, used by that thread only. Apart from its making, nothing
/// allocates.
public protocol BlockQueue: AnyObject {
  /// Tokens are 0..<capacity, and each is in flight at most once.
  var capacity: Int { get }
  /// The longest list of buffers of one request.
  var segments: Int { get }
  /// Requests that were enqueued and whose completion was not yet delivered.
  var inFlight: Int { get }

  /// True where requests have usually ended as soon as they were handed over: the queue's thread may then as well stay awake.
  var answersAtOnce: Bool { get }

  /// To be called once by the thread that will use the queue, before anything else.
  func attach() throws(BlockQueueError)

  /// From now on `wait` also ends when one of these was signalled, and consumes their counts: at most four. Called once.
  func watch(_ eventFDs: [EventFD])

  /// Takes a request. `data` holds the buffers of a read or write and is copied; the memory that it describes must stay
  /// until the completion.
  func enqueue(_ request: BlockRequest, data: Span<HostRange>, token: Int)

  /// Hands everything that was enqueued to the host, and replaces `events` with what has ended by now. It does not sleep, and
  /// may leave signals for the next `wait`.
  func poll(into events: inout BlockEvents) throws(BlockQueueError)

  /// Hands everything that was enqueued to the host, sleeps until something happened, and replaces `events`. May also return
  /// with nothing, after a signal.
  func wait(into events: inout BlockEvents) throws(BlockQueueError)
}

/// The queue that suits `storage`: io_uring for files and block devices, immediate execution for everything else.
public func makeBlockQueue(
  for storage: any BlockStorage, capacity: Int, segments: Int
) throws(BlockQueueError) -> any BlockQueue {
  if let file = storage as? FileStorage {
    return try URingBlockQueue(storage: file, capacity: capacity, segments: segments)
  }
  return try SynchronousBlockQueue(storage: storage, capacity: capacity, segments: segments)
}
