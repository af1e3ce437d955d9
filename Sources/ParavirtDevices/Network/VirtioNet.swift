import Backends
import DeviceModel
import Synchronization

/// A virtio network card (virtio 1.2, 5.1): one or more queue pairs and a control queue, all served by one worker, since a
/// port belongs to one thread.
///
/// Received frames go to the queue pair on which the driver sent last. Receive modes and address tables are accepted and
/// change nothing: what stands behind a port is meant for this guest alone.
public final class VirtioNet: VirtioDevice {
  /// 1: a network card.
  public let deviceID: UInt32 = 1
  /// What is offered, by what the port can carry.
  public let features: VirtioFeatures
  /// Receive and transmit queues in turn, then the control queue.
  public let queueSizes: [UInt16]
  /// The worker, which needs a thread.
  public let worker: VirtioNetWorker
  private let address: UInt64
  private let pairs: Int
  private static let controlQueueSize: UInt16 = 16

  /// A card for `port` with the six-byte `address` and `queuePairs` pairs of queues of up to `queueSize` descriptors (a power
  /// of two from 4 to 1024).
  public init(
    port: any NetworkPort, address: [UInt8] = defaultAddress, queuePairs: Int = 1, queueSize: Int = 256
  ) throws(EventFD.CreationError) {
    precondition(address.count == 6, "six bytes")
    precondition((1...16).contains(queuePairs), "1 to 16 pairs")
    precondition((4...1024).contains(queueSize) && queueSize.nonzeroBitCount == 1, "a power of two from 4 to 1024")
    var features: VirtioFeatures = [
      .version1, .indirectDescriptors, .eventIndex, .netAddress, .netStatus, .netMergeableBuffers, .netControlQueue,
      .netControlReceive, .netControlAddress,
    ]
    if port.maximumFrame > NetworkLimits.plainFrame { features.formUnion(.netOffloads) }
    if queuePairs > 1 { features.insert(.netMultiqueue) }
    self.features = features
    self.address = address.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    pairs = queuePairs
    queueSizes = [UInt16](repeating: UInt16(queueSize), count: 2 * queuePairs) + [Self.controlQueueSize]
    worker = try VirtioNetWorker(port: port, queuePairs: queuePairs, queueSize: queueSize, address: self.address)
  }

  /// Locally administered, as QEMU's are.
  public static let defaultAddress: [UInt8] = [0x52, 0x54, 0x00, 0x70, 0x76, 0x01]

  /// Address, link up, most queue pairs, MTU (5.1.4).
  public var configuration: VirtioConfiguration {
    let address = worker.address
    let bytes = (0..<6).map { UInt8(truncatingIfNeeded: address >> UInt64(8 * $0)) }
    return VirtioConfiguration(bytes + [1, 0, UInt8(pairs), 0, 0xDC, 0x05])
  }

  /// The worker's, for every queue the same: it looks at all of them.
  public var doorbells: [EventFD] { queueSizes.map { _ in worker.doorbell } }
  /// The worker.
  public var threads: [any DeviceWorker] { [worker] }

  /// Hands every queue to the worker, without waiting for it.
  public func activate(_ activation: VirtioActivation) {
    worker.begin(multiqueue: activation.features.contains(.netMultiqueue), address: address)
    for (index, (handover, layout)) in zip(worker.handovers, activation.queues).enumerated() {
      guard let layout else { continue }
      handover.give(
        QueueAssignment(
          index: index, layout: layout, memory: activation.memory, features: activation.features,
          state: activation.state))
    }
  }

  /// Rings the worker's doorbell.
  public func notify(queue: Int) { worker.doorbell.signal() }

  /// Takes the queue back from the worker.
  public func stop(queue: Int) { worker.handovers[queue].takeBack() }
}
