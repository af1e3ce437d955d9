import Backends
import DeviceModel

/// Why a block device cannot be made.
public enum VirtioBlockError: Error, Equatable, CustomStringConvertible {
  /// The host gives no more eventfds.
  case eventFD(EventFD.CreationError)
  /// The host gives no queue to the medium.
  case queue(BlockQueueError)

  /// What happened, in one line.
  public var description: String {
    switch self {
    case .eventFD(let error): "eventfd failed: \(BlockQueueError.system(operation: "eventfd", errno: error.errno))"
    case .queue(let error): "\(error)"
    }
  }
}

/// A virtio block device (virtio 1.2, 5.2): read, write, flush, discard and get-id on one or more queues, each served by a
/// worker that needs a thread.
public final class VirtioBlock: VirtioDevice {
  /// 2: a block device.
  public let deviceID: UInt32 = 2
  /// What is offered, by what the medium can do.
  public let features: VirtioFeatures
  /// The same for all queues.
  public let queueSizes: [UInt16]
  /// Capacity and limits (5.2.4).
  public let configuration: VirtioConfiguration
  /// One for each queue, in order. Whoever builds the machine runs each on its own thread.
  public let workers: [VirtioBlockWorker]

  /// Each worker's own.
  public var doorbells: [EventFD] { workers.map(\.doorbell) }
  /// The workers.
  public var threads: [any DeviceWorker] { workers }

  /// A device for `storage` with `queueCount` queues of up to `queueSize` descriptors (a power of two from 4 to 1024). The
  /// first 20 bytes of `identifier` answer VIRTIO_BLK_T_GET_ID.
  public init(
    storage: any BlockStorage, queueCount: Int = 1, queueSize: Int = 128, identifier: String = "pvbench"
  ) throws(VirtioBlockError) {
    precondition((1...64).contains(queueCount), "1 to 64 queues")
    precondition((4...1024).contains(queueSize) && queueSize.nonzeroBitCount == 1, "a power of two from 4 to 1024")
    var features: VirtioFeatures = [
      .version1, .indirectDescriptors, .eventIndex, .blockSegmentMaximum, .blockSize, .blockFlush,
    ]
    if queueCount > 1 { features.insert(.blockMultiqueue) }
    features.insert(storage.isReadOnly ? .blockReadOnly : .blockDiscard)
    self.features = features
    queueSizes = [UInt16](repeating: UInt16(queueSize), count: queueCount)
    // Two descriptors of every chain hold the header and the status.
    let limits = VirtioBlockLimits(
      sectorCount: storage.byteCount / VirtioBlockLimits.sectorByteCount, segments: UInt32(queueSize - 2),
      queueCount: UInt16(queueCount))
    configuration = limits.configuration
    let serial = Array((Array(identifier.utf8) + [UInt8](repeating: 0, count: 20)).prefix(20))
    var workers: [VirtioBlockWorker] = []
    for queue in 0..<queueCount {
      workers.append(try VirtioBlockWorker(queue: queue, storage: storage, identifier: serial, queueSize: queueSize))
    }
    self.workers = workers
  }

  /// Hands every queue to its worker, without waiting for it.
  public func activate(_ activation: VirtioActivation) {
    for (index, (worker, layout)) in zip(workers, activation.queues).enumerated() {
      guard let layout else { continue }
      worker.handover.give(
        QueueAssignment(
          index: index, layout: layout, memory: activation.memory, features: activation.features,
          state: activation.state))
    }
  }

  /// Rings the doorbell of the queue's worker.
  public func notify(queue: Int) { workers[queue].doorbell.signal() }

  /// Takes the queue back from its worker, once nothing is in flight any more.
  public func stop(queue: Int) { workers[queue].handover.takeBack() }
}
