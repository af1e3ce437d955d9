import GuestKernel

/// virtio-rng on either transport (virtio 1.2, 5.4): one request at a time, completion by interrupt or by polling the used
/// ring.
public final class VirtioEntropy {
  private enum Feature {
    static let eventIndex: UInt64 = 1 << 29
    static let version1: UInt64 = 1 << 32
    static let needed = eventIndex | version1
  }
  private static let vector: UInt8 = 0x42

  /// Why no bytes came.
  public struct Failure: Error {
    /// What the driver was doing.
    public let what: StaticString
  }

  private let transport: any VirtioTransport
  private let queue: SplitQueue
  private var completion: VirtioCompletion

  /// Finds and starts the first virtio-rng device, in the virtio-mmio slots or on the PCI bus; nil where there is none or it
  /// does not agree on features.
  public init?(polled: Bool, firstSlot: UInt, stride: UInt, slots: Int, interruptInput: (Int, UInt) -> UInt32) {
    guard
      let (transport, _) = VirtioSearch.first(
        deviceID: 4, needed: Feature.needed, firstSlot: firstSlot, stride: stride, slots: slots,
        interruptInput: interruptInput),
      let queue = transport.enable(queue: 0, wantedSize: 4, vector: polled ? nil : Self.vector)
    else { return nil }
    self.transport = transport
    self.queue = queue
    completion = VirtioCompletion(queue)
    transport.start()
  }

  /// Fills `count` bytes of memory at `address`, in as many requests as the device wants for them.
  public func fill(address: UInt, count: Int) throws(Failure) {
    var filled = 0
    while filled < count {
      queue.setBuffer(0, address: address + UInt(filled), count: count - filled, isWritable: true)
      if queue.publish(head: 0) { queue.kick() }
      guard let element = completion.wait(for: queue, on: transport) else { throw Failure(what: "needs reset") }
      guard element.head == 0, element.count > 0, element.count <= count - filled else {
        throw Failure(what: "used ring")
      }
      filled += element.count
    }
  }
}
