import Backends
import DeviceModel
import GuestMemory
import Synchronization

/// The two rings of a network card in the hands of a vhost server: what it has been told of them, and how they are taken back.
/// From vCPU threads, one at a time, and at the end from the relay's.
final class VhostRings: Sendable {
  static let count = 2

  /// By which a driver kicks, a queue each: the server consumes their signals.
  let kicks: [EventFD]
  /// By which the server interrupts where that is more than signalling an eventfd.
  let calls: [EventFD]
  /// By which the server says that it can make nothing of a ring.
  let broken: EventFD
  private let server: any VhostServer
  private let interface: Int32
  private let state = Mutex(State())

  private struct State {
    /// Whom to interrupt; nil where no driver is at work.
    var driver: VirtioState?
    /// What interrupts for every queue that is attached: nil for one that is not.
    var routes = [Int32?](repeating: nil, count: VhostRings.count)

    var isServed: Bool { routes.contains { $0 != nil } }
  }

  /// Rings that `server` shall serve, with the TAP interface behind the descriptor.
  init(server: any VhostServer, interface: Int32) throws(EventFD.CreationError) {
    self.server = server
    self.interface = interface
    kicks = [try EventFD(), try EventFD()]
    calls = [try EventFD(), try EventFD()]
    broken = try EventFD()
  }

  /// Interrupts for a queue, unless it was taken back meanwhile.
  func interrupt(queue: Int) {
    calls[queue].consume()
    state.withLock { if $0.routes[queue] != nil { $0.driver?.notifyUsedBuffers(queue: queue) } }
  }

  /// Asks for a reset because a ring is nonsense, unless the rings were taken back meanwhile.
  func giveUp() {
    broken.consume()
    state.withLock { if $0.isServed { $0.driver?.requireReset() } }
  }

  /// Has the rings of a driver that is ready served. `features` are those that are the server's.
  func begin(_ activation: VirtioActivation, features: UInt64) throws(NetworkPortError) {
    try server.perform(.features(features))
    let memory = activation.memory.slot
    try server.perform(.memory(at: GuestAddress(0), host: UInt(bitPattern: memory.start), byteCount: memory.count))
    state.withLock { $0.driver = activation.state }
    for (queue, layout) in activation.queues.enumerated() {
      if let layout { try describe(queue, layout, activation) }
    }
    // A queue that the driver does not use stays idle.
    for queue in activation.queues.indices where activation.queues[queue] != nil {
      try server.perform(.attach(queue: queue, interface: interface))
    }
  }

  private func describe(
    _ queue: Int, _ layout: VirtqueueLayout, _ activation: VirtioActivation
  ) throws(NetworkPortError) {
    // The layout was checked to lie inside RAM, which begins at guest address 0.
    let base = UInt(bitPattern: activation.memory.slot.start)
    let route = activation.state.eventDescriptor(queue: queue) ?? calls[queue].descriptor
    try server.perform(.ringSize(queue: queue, size: layout.size))
    try server.perform(.ringBase(queue: queue, index: 0))
    try server.perform(
      .ringAddresses(
        queue: queue, descriptors: base + UInt(layout.descriptors.value), driver: base + UInt(layout.driver.value),
        device: base + UInt(layout.device.value)))
    try server.perform(.kick(queue: queue, event: kicks[queue].descriptor))
    try server.perform(.call(queue: queue, event: route))
    try server.perform(.error(queue: queue, event: broken.descriptor))
    state.withLock { $0.routes[queue] = route }
  }

  /// Has attached queues interrupt as their driver wants it by now. What was signalled the old way is delivered that way.
  func reroute() throws(NetworkPortError) {
    for queue in 0..<Self.count {
      let (driver, route) = state.withLock { ($0.driver, $0.routes[queue]) }
      guard let driver, let route else { continue }
      let wanted = driver.eventDescriptor(queue: queue) ?? calls[queue].descriptor
      guard wanted != route else { continue }
      try server.perform(.call(queue: queue, event: wanted))
      state.withLock { $0.routes[queue] = wanted }
    }
  }

  /// Takes a queue back: returns when the server touches nothing of it any more. Harmless where it has not been given.
  func stop(queue: Int) throws(NetworkPortError) {
    let wasGiven = state.withLock { state in
      defer { state.routes[queue] = nil }
      return state.routes[queue] != nil
    }
    if wasGiven { try server.perform(.detach(queue: queue)) }
  }
}
