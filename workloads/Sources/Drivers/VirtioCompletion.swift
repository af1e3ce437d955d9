import GuestKernel

/// Waiting for the one request of a queue that is in flight.
struct VirtioCompletion {
  private let interrupt: Interrupt?
  private var seen: UInt64

  /// For a queue that was just enabled.
  init(_ queue: SplitQueue) {
    interrupt = queue.interrupt
    seen = interrupt?.count ?? 0
    queue.disarmInterrupt()
  }

  /// The next used element: sleeps for it where completion is by interrupt, spins otherwise. Nil where the device needs a
  /// reset.
  mutating func wait(for queue: SplitQueue, on transport: any VirtioTransport) -> (head: Int, count: Int)? {
    while true {
      if let element = queue.takeUsedElement() { return element }
      guard let interrupt else {
        pv_pause()
        continue
      }
      if queue.armInterrupt() {
        interrupt.wait(beyond: seen)
        seen = interrupt.count
        guard transport.acknowledgeInterrupt() else { return nil }
      }
      queue.disarmInterrupt()
    }
  }
}

/// Finding a device on either transport.
enum VirtioSearch {
  /// The first device of this kind, in the virtio-mmio slots or on the PCI bus, ready for its queues to be enabled, and the
  /// features that both sides have; nil where there is none or it lacks a needed one.
  static func first(
    deviceID: UInt32, needed: UInt64, wanted: UInt64 = 0, firstSlot: UInt, stride: UInt, slots: Int,
    interruptInput: (Int, UInt) -> UInt32
  ) -> (any VirtioTransport, UInt64)? {
    let mmio = VirtioMMIO.find(
      deviceID: deviceID, firstSlot: firstSlot, stride: stride, slots: slots, interruptInput: interruptInput)
    LocalAPIC.enable(acceptsPIC: false)
    guard let transport: any VirtioTransport = mmio ?? VirtioPCI.find(deviceID: deviceID),
      let features = transport.negotiate(needed | wanted), features & needed == needed
    else { return nil }
    return (transport, features)
  }
}
