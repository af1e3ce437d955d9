import GuestKernel

/// virtio-console on either transport (virtio 1.2, 5.3): output only, a buffer a descriptor, waited for by polling the used
/// ring as consoles do.
public final class VirtioConsole {
  private enum Feature {
    static let eventIndex: UInt64 = 1 << 29
    static let version1: UInt64 = 1 << 32
    static let needed = eventIndex | version1
  }
  private static let transmitQueue: UInt32 = 1

  private let transport: any VirtioTransport
  private let queue: SplitQueue
  private var completion: VirtioCompletion

  /// Finds and starts the first virtio-console device, in the virtio-mmio slots or on the PCI bus; nil where there is none or
  /// it does not agree on features.
  public init?(firstSlot: UInt, stride: UInt, slots: Int, interruptInput: (Int, UInt) -> UInt32) {
    guard
      let (transport, _) = VirtioSearch.first(
        deviceID: 3, needed: Feature.needed, firstSlot: firstSlot, stride: stride, slots: slots,
        interruptInput: interruptInput),
      let queue = transport.enable(queue: Self.transmitQueue, wantedSize: 4, vector: nil)
    else { return nil }
    self.transport = transport
    self.queue = queue
    completion = VirtioCompletion(queue)
    transport.start()
  }

  /// Prints `count` bytes of memory at `address`: rings the doorbell and waits until the device has taken them. False where
  /// it gives back something else.
  public func send(address: UInt, count: Int) -> Bool {
    queue.setBuffer(0, address: address, count: count, isWritable: false)
    if queue.publish(head: 0) { queue.kick() }
    return completion.wait(for: queue, on: transport)?.head == 0
  }
}
