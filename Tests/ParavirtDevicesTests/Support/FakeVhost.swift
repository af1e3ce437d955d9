import Backends
import Glibc
import Synchronization

/// A vhost server that serves nothing and remembers what it was told.
final class FakeVhost: VhostServer {
  /// VIRTIO_F_VERSION_1, EVENT_IDX, INDIRECT_DESC, MRG_RXBUF, and vhost's own LOG_ALL and NET_F_VIRTIO_NET_HDR.
  static let everything: UInt64 = 1 << 32 | 1 << 29 | 1 << 28 | 1 << 15 | 1 << 26 | 1 << 27

  let features: UInt64
  private let refused: VhostRequest?
  private let log = Mutex<[VhostRequest]>([])

  /// A server that cannot carry out `refused`.
  init(features: UInt64 = everything, refusing refused: VhostRequest? = nil) {
    self.features = features
    self.refused = refused
  }

  var requests: [VhostRequest] { log.withLock { $0 } }

  func perform(_ request: VhostRequest) throws(NetworkPortError) {
    log.withLock { $0.append(request) }
    if request == refused { throw .system(operation: "the fake's request", errno: EFAULT) }
  }

  /// What happened since, as the queue and the eventfd of every change of an interrupt's way.
  func calls(since count: Int) -> [[Int32]] {
    requests.dropFirst(count).compactMap { request in
      guard case .call(let queue, let event) = request else { return nil }
      return [Int32(queue), event]
    }
  }

  /// The eventfd that a queue signals when it has used buffers, as it was said last.
  func callDescriptor(_ queue: Int) -> Int32? {
    requests.lazy.compactMap { request -> Int32? in
      guard case .call(queue, let event) = request else { return nil }
      return event
    }.last
  }

  /// The eventfd for broken rings, as it was said last.
  var errorDescriptor: Int32? {
    requests.lazy.compactMap { request -> Int32? in
      guard case .error(_, let event) = request else { return nil }
      return event
    }.last
  }

  /// Signals an eventfd as the kernel would.
  static func signal(_ descriptor: Int32) {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }
}
