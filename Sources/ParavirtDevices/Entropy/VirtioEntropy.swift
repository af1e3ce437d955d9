import Backends
import DeviceModel
import GuestMemory

/// A virtio entropy device (virtio 1.2, 5.4): one queue of buffers that it fills with random bytes, on a worker that needs a
/// thread. It has neither features of its own nor a configuration.
public final class VirtioEntropy: VirtioDevice {
  /// 4: an entropy source.
  public let deviceID: UInt32 = 4
  /// The transport's.
  public let features: VirtioFeatures = [.version1, .indirectDescriptors, .eventIndex]
  /// The request queue.
  public let queueSizes: [UInt16]
  /// Empty (5.4.4).
  public let configuration = VirtioConfiguration([])
  /// The worker, which needs a thread.
  public let worker: ChainWorker

  /// Bytes that one request is given at most. A driver takes what it gets (5.4.6.1), and a chain of gigabytes holds nobody up.
  public static let mostBytes = 1 << 16

  /// A device that hands out `source`, with a queue of up to `queueSize` descriptors (a power of two from 4 to 1024).
  public init(source: any EntropySource = HostEntropy(), queueSize: Int = 64) throws(EventFD.CreationError) {
    precondition((4...1024).contains(queueSize) && queueSize.nonzeroBitCount == 1, "a power of two from 4 to 1024")
    queueSizes = [UInt16(queueSize)]
    worker = try ChainWorker(queues: 0..<1, queueSize: queueSize, handler: EntropyHandler(source))
  }

  /// The worker's.
  public var doorbells: [EventFD] { [worker.doorbell] }
  /// The worker.
  public var threads: [any DeviceWorker] { [worker] }

  /// Hands the queue to the worker, without waiting for it.
  public func activate(_ activation: VirtioActivation) { worker.give(activation) }

  /// Rings the worker's doorbell.
  public func notify(queue: Int) { worker.doorbell.signal() }

  /// Takes the queue back from the worker.
  public func stop(queue: Int) { worker.takeBack(queue: queue) }
}

/// Fills buffers.
private final class EntropyHandler: ChainHandler {
  private let source: any EntropySource

  init(_ source: any EntropySource) { self.source = source }

  /// As many bytes as fit, up to the most.
  func answer(_ chain: inout DescriptorChain, queue: Int, of served: ServedQueue) throws(VirtqueueError) -> UInt32? {
    guard chain.readable.isEmpty else { throw .wrongDirection }
    var written = 0
    for index in chain.writable where written < VirtioEntropy.mostBytes {
      let range = chain.ranges[index]
      let wanted = min(range.count, VirtioEntropy.mostBytes - written)
      let filled = source.fill(HostRange(start: range.start, count: wanted))
      written += filled
      // What follows a gap is not counted: the bytes written are the first ones (2.7.8).
      if filled < wanted { break }
    }
    return UInt32(written)
  }
}
