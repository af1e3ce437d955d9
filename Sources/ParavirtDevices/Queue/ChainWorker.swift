import DeviceModel
import GuestMemory
import Synchronization

/// What a device does with the requests of its queues, one after the other, where each is done at once. Calls come from its
/// worker's thread.
protocol ChainHandler: AnyObject {
  /// Carries out the request in `chain`, in bounded time whatever the chain is; the bytes that were written into it, or nil
  /// where the device keeps it.
  func answer(_ chain: inout DescriptorChain, queue: Int, of served: ServedQueue) throws(VirtqueueError) -> UInt32?
  /// The head of a chain that was kept, which is now given back; nil where there is none. Asked whenever the doorbell rang.
  func takeKept(queue: Int) -> UInt16?
  /// The queue is another one now: what was kept of it is gone.
  func forget(queue: Int)
}

extension ChainHandler {
  func takeKept(queue: Int) -> UInt16? { nil }
  func forget(queue: Int) {}
}

/// What a worker has done so far.
public struct ChainWorkerCounters: Equatable, Sendable {
  /// Requests taken from its queues.
  public var requests: UInt64
  /// Interrupts for used buffers.
  public var interruptsRaised: UInt64
  /// Rings of the doorbell.
  public var notificationsSeen: UInt64
}

/// Serves the queues of a device whose requests need no waiting, on a thread of its own that calls `run()` once. Outside of
/// `run()`, only the doorbell, `stop()`, the counters and what hands queues over may be used.
public final class ChainWorker: DeviceWorker, @unchecked Sendable {
  /// Rings when the driver has made something available in any queue: for KVM_IOEVENTFD, or for the transport.
  public let doorbell: EventFD
  private let queues: Range<Int>
  private let handovers: [QueueHandover]
  private let ordered: EventFD
  private let stopRequest: EventFD
  private let requestCount = Atomic<UInt64>(0)
  private let interruptCount = Atomic<UInt64>(0)
  private let notificationCount = Atomic<UInt64>(0)

  // From here on everything belongs to the thread in `run()`.
  private let handler: any ChainHandler
  private var tenures: [QueueTenure]
  private var chain: DescriptorChain
  private var watched: DescriptorWait
  private var isStopping = false

  /// Requests of one queue before the next one, and whoever wants the queues back, get their turn.
  private static let budget = 32

  /// The order of the watched eventfds.
  private enum Watch {
    static let doorbell = 0
    static let order = 1
    static let stop = 2
  }

  /// A worker that gives the requests of these queues, of up to `queueSize` descriptors, to `handler`.
  init(queues: Range<Int>, queueSize: Int, handler: any ChainHandler) throws(EventFD.CreationError) {
    self.queues = queues
    self.handler = handler
    doorbell = try EventFD()
    ordered = try EventFD()
    stopRequest = try EventFD()
    var handovers: [QueueHandover] = []
    for _ in queues { handovers.append(try QueueHandover(ordered: ordered)) }
    self.handovers = handovers
    tenures = handovers.map { QueueTenure($0) }
    chain = DescriptorChain(capacity: queueSize)
    watched = DescriptorWait([doorbell, ordered, stopRequest].map(\.descriptor))
  }

  /// The counters at this moment; from any thread.
  public var counters: ChainWorkerCounters {
    ChainWorkerCounters(
      requests: requestCount.load(ordering: .relaxed), interruptsRaised: interruptCount.load(ordering: .relaxed),
      notificationsSeen: notificationCount.load(ordering: .relaxed))
  }

  /// Ends `run()`; from any thread.
  public func stop() { stopRequest.signal() }

  /// Serves the queues whenever the driver has them ready, until `stop()`. Call it once, on the thread that shall do the work.
  public func run() {
    for handover in handovers { handover.begin() }
    defer {
      for index in tenures.indices { tenures[index].release() }
      for handover in handovers { handover.end() }
    }
    while !isStopping {
      followOrders()
      let hasMore = serve()
      wait(sleeping: !hasMore)
    }
  }
}

// MARK: - vCPU threads

extension ChainWorker {
  /// Takes up those of its queues that the driver uses, without waiting for anything.
  func give(_ activation: VirtioActivation) {
    for (index, handover) in zip(queues, handovers) {
      guard let layout = activation.queues[index] else { continue }
      handover.give(
        QueueAssignment(
          index: index, layout: layout, memory: activation.memory, features: activation.features,
          state: activation.state))
    }
  }

  /// Lets go of a queue: afterwards nothing of the worker touches it. Harmless where it is none of its own.
  func takeBack(queue: Int) {
    if queues.contains(queue) { handovers[queue - queues.lowerBound].takeBack() }
  }
}

// MARK: - The loop

extension ChainWorker {
  private func followOrders() {
    for index in tenures.indices {
      guard let order = tenures[index].news else { continue }
      handler.forget(queue: queues.lowerBound + index)
      tenures[index].follow(order)
    }
  }

  /// Sleeps until something happens, or only looks.
  private func wait(sleeping: Bool) {
    watched.wait(nanoseconds: sleeping ? nil : 0)
    if watched.isReady(Watch.doorbell) { notificationCount.wrappingAdd(doorbell.consume(), ordering: .relaxed) }
    if watched.isReady(Watch.order) { ordered.consume() }
    if watched.isReady(Watch.stop) { isStopping = true }
  }

  /// Serves every queue up to the budget; true where there is more to do.
  private func serve() -> Bool {
    var hasMore = false
    do throws(VirtqueueError) {
      for index in tenures.indices where try serve(index) { hasMore = true }
    } catch {
      abandon()
      return false
    }
    return hasMore
  }

  private func serve(_ index: Int) throws(VirtqueueError) -> Bool {
    guard let served = tenures[index].served else { return false }
    let number = queues.lowerBound + index
    try served.queue.suppressNotifications()
    if let head = handler.takeKept(queue: number) { try served.queue.push(head: head, written: 0) }
    var budget = Self.budget
    while budget > 0, try served.queue.pop(into: &chain) {
      budget -= 1
      requestCount.wrappingAdd(1, ordering: .relaxed)
      let head = chain.head
      guard let written = try handler.answer(&chain, queue: number, of: served) else { continue }
      try served.queue.push(head: head, written: written)
    }
    if try served.interruptIfWanted() { interruptCount.wrappingAdd(1, ordering: .relaxed) }
    if budget == 0 { return true }
    return try served.queue.requestNotification()
  }

  /// The driver broke a queue: none is touched again before a reset.
  private func abandon() {
    let state = tenures.lazy.compactMap { $0.served?.state }.first
    for index in tenures.indices { tenures[index].release() }
    state?.requireReset()
  }
}
