import Backends
import DeviceModel

/// A virtio network card (virtio 1.2, 5.1) whose rings the host's kernel serves, from and to a TAP interface (vhost-net). Of a
/// frame nothing is ever seen here: the driver's kick goes to the kernel's thread, and that thread's signal becomes the
/// interrupt where it can (MSI-X, not masked) without waking anybody of ours.
///
/// One queue pair and no control queue: what the control queue would say is not for vhost.
public final class VhostNetCard: VirtioDevice {
  /// 1: a network card.
  public let deviceID: UInt32 = 1
  /// What is offered: as far as it concerns rings, what the server can; as far as it concerns frames, what the interface can.
  public let features: VirtioFeatures
  /// Receive, transmit.
  public let queueSizes: [UInt16]
  /// Address and link, up.
  public let configuration: VirtioConfiguration
  /// The thread that it needs.
  public let relay: VhostRelay
  private let rings: VhostRings

  /// What the server must know of: how rings are used, and how frames lie in buffers.
  private static let served: VirtioFeatures = [.version1, .indirectDescriptors, .eventIndex, .netMergeableBuffers]

  /// A card for the TAP interface behind the descriptor `interface`, which is borrowed and takes frames of up to `maximumFrame`
  /// bytes, each behind a header of 12 bytes; served by `server`, in queues of up to `queueSize` descriptors (a power of two).
  public init(
    server: any VhostServer, interface: Int32, maximumFrame: Int, address: [UInt8] = VirtioNet.defaultAddress,
    queueSize: UInt16 = 256
  ) throws(EventFD.CreationError) {
    precondition(address.count == 6, "six bytes")
    precondition((4...1024).contains(queueSize) && queueSize.nonzeroBitCount == 1, "a power of two from 4 to 1024")
    var features = Self.served.intersection(VirtioFeatures(rawValue: server.features))
    features.formUnion([.netAddress, .netStatus])
    if maximumFrame > NetworkLimits.plainFrame { features.formUnion(.netOffloads) }
    self.features = features
    configuration = VirtioConfiguration(address + [1, 0])
    queueSizes = [UInt16](repeating: queueSize, count: VhostRings.count)
    rings = try VhostRings(server: server, interface: interface)
    relay = try VhostRelay(rings: rings)
  }

  /// An eventfd a queue, which the server listens to.
  public var doorbells: [EventFD] { rings.kicks }
  /// The relay.
  public var threads: [any DeviceWorker] { [relay] }

  /// Has the rings served. A server that cannot is the host's failure, which ends the guest.
  public func activate(_ activation: VirtioActivation) {
    do throws(NetworkPortError) {
      try rings.begin(activation, features: activation.features.intersection(Self.served).rawValue)
    } catch {
      relay.fail(error)
      for queue in queueSizes.indices { stop(queue: queue) }
    }
  }

  /// Rings the queue's doorbell in the driver's place.
  public func notify(queue: Int) { rings.kicks[queue].signal() }

  /// Takes the queue back from the server.
  public func stop(queue: Int) { report { () throws(NetworkPortError) in try rings.stop(queue: queue) } }

  /// Tells the server by what to interrupt now.
  public func interruptsChanged() { report { () throws(NetworkPortError) in try rings.reroute() } }

  private func report(_ work: () throws(NetworkPortError) -> Void) {
    do throws(NetworkPortError) { try work() } catch { relay.fail(error) }
  }
}
