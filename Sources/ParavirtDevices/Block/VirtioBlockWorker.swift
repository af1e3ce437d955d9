import Backends
import DeviceModel
import GuestMemory
import Synchronization

/// What a worker has done so far.
public struct VirtioBlockCounters: Equatable, Sendable {
  /// Requests taken from the queue.
  public var requests: UInt64
  /// Interrupts for used buffers.
  public var interruptsRaised: UInt64
  /// Rings of the doorbell.
  public var notificationsSeen: UInt64
}

/// Serves one queue of a block device, on a thread of its own that calls `run()` once. Outside of `run()`, only the doorbell,
/// `stop()`, the counters and the handover may be used.
public final class VirtioBlockWorker: DeviceWorker, @unchecked Sendable {
  /// Rings when the driver has made requests available: for KVM_IOEVENTFD, or for the transport.
  public let doorbell: EventFD
  let handover: QueueHandover
  private let stopRequest: EventFD
  private let mustStop = Atomic(false)
  private let requestCount = Atomic<UInt64>(0)
  private let interruptCount = Atomic<UInt64>(0)
  private let notificationCount = Atomic<UInt64>(0)

  // From here on everything belongs to the thread in `run()`.
  private let blocks: any BlockQueue
  private let parser: VirtioBlockParser
  private var events: BlockEvents
  private var chain: DescriptorChain
  private var pending: [PendingRequest]
  private var freeTokens: [Int]
  private var tenure: QueueTenure
  private var window = PollingWindow()
  private var habit = DoorbellHabit()
  private var hasInterrupted = false
  private var isStopping = false
  private var hasNewOrder = true

  /// A request that the medium works on.
  private struct PendingRequest {
    var head: UInt16
    var statusAddress: GuestAddress
    var written: UInt32
  }

  /// The order of the watched eventfds.
  private enum Watch {
    static let doorbell = 0
    static let order = 1
    static let stop = 2
  }

  init(queue index: Int, storage: any BlockStorage, identifier: [UInt8], queueSize: Int) throws(VirtioBlockError) {
    do throws(EventFD.CreationError) {
      doorbell = try EventFD()
      stopRequest = try EventFD()
      handover = try QueueHandover()
      tenure = QueueTenure(handover)
    } catch {
      throw .eventFD(error)
    }
    do throws(BlockQueueError) {
      blocks = try makeBlockQueue(for: storage, capacity: queueSize, segments: queueSize)
    } catch {
      throw .queue(error)
    }
    blocks.watch([doorbell, handover.ordered, stopRequest])
    parser = VirtioBlockParser(storage: storage, identifier: identifier)
    events = BlockEvents(capacity: queueSize)
    chain = DescriptorChain(capacity: queueSize)
    let none = PendingRequest(head: 0, statusAddress: GuestAddress(0), written: 0)
    pending = [PendingRequest](repeating: none, count: queueSize)
    freeTokens = Array((0..<queueSize).reversed())
  }

  /// The counters at this moment; from any thread.
  public var counters: VirtioBlockCounters {
    VirtioBlockCounters(
      requests: requestCount.load(ordering: .relaxed), interruptsRaised: interruptCount.load(ordering: .relaxed),
      notificationsSeen: notificationCount.load(ordering: .relaxed))
  }

  /// Ends `run()`, once everything in flight has ended; from any thread.
  public func stop() {
    mustStop.store(true, ordering: .releasing)
    stopRequest.signal()
  }

  /// Serves the queue whenever the driver has one ready, until `stop()`. Call it once, on the thread that shall do the work;
  /// it blocks. An error is the host's: the guest can only be ended then.
  public func run() throws(BlockQueueError) {
    handover.begin()
    defer {
      tenure.release()
      handover.end()
    }
    try blocks.attach()
    while !isStopping {
      if hasNewOrder { try followOrder() }
      try serve()
      // What was seen while awake will not wake anybody again.
      if isStopping || hasNewOrder { continue }
      try wait()
      window.woke(at: PollingWindow.now())
      answer()
    }
    try drain()
  }
}

// MARK: - The loop

extension VirtioBlockWorker {
  /// Submits, sleeps, and notes what woke the thread.
  private func wait() throws(BlockQueueError) {
    try blocks.wait(into: &events)
    noteSignals()
  }

  private func noteSignals() {
    notificationCount.wrappingAdd(events.signals(of: Watch.doorbell), ordering: .relaxed)
    if events.signals(of: Watch.order) > 0 { hasNewOrder = true }
    if events.signals(of: Watch.stop) > 0 { isStopping = true }
  }

  /// Waits for everything in flight and forgets it: nobody is there to be answered.
  private func drain() throws(BlockQueueError) {
    tenure.release()
    while blocks.inFlight > 0 {
      try wait()
      for completion in events.completions { freeTokens.append(completion.token) }
    }
  }

  private func followOrder() throws(BlockQueueError) {
    hasNewOrder = false
    guard let order = tenure.news else { return }
    try drain()
    tenure.follow(order)
  }

  /// Takes every available request, and stays awake for more as long as that pays: returns when there is nothing to do but to
  /// sleep, with the doorbell armed.
  private func serve() throws(BlockQueueError) {
    while let service = tenure.served {
      if take(service), blocks.answersAtOnce {
        try blocks.poll(into: &events)
        noteSignals()
        answer()
        habit.answered(events.completions.count, interrupted: hasInterrupted)
        hasInterrupted = false
        window.worked(at: PollingWindow.now())
      } else if !staysAwake, !armDoorbell(service) {
        return
      }
    }
  }

  /// True where nothing is worth a sleep yet: the medium has ended everything, and the next request is expected soon.
  private var staysAwake: Bool {
    blocks.answersAtOnce && blocks.inFlight == 0 && window.isOpen(at: PollingWindow.now())
      && !mustStop.load(ordering: .acquiring) && tenure.news == nil
  }

  /// Takes every available request for which there is a token; true where there was one.
  private func take(_ service: ServedQueue) -> Bool {
    do throws(VirtqueueError) {
      guard !freeTokens.isEmpty, try service.queue.hasAvailable() else { return false }
      try service.queue.suppressNotifications()
      while !freeTokens.isEmpty, try service.queue.pop(into: &chain) { try begin(service) }
      // More that has come meanwhile is taken at the next look.
      if habit.wantsDoorbell { _ = try service.queue.requestNotification() }
      try interruptIfWanted(service)
      return true
    } catch {
      abandon(service)
      return false
    }
  }

  /// Asks for the doorbell; true where there are requests that came before it. Without a free token the next completion leads
  /// back here.
  private func armDoorbell(_ service: ServedQueue) -> Bool {
    do throws(VirtqueueError) { return try service.queue.requestNotification() && !freeTokens.isEmpty } catch {
      abandon(service)
      return false
    }
  }

  /// Gives back what has ended.
  private func answer() {
    for completion in events.completions { freeTokens.append(completion.token) }
    guard let service = tenure.served, !events.completions.isEmpty else { return }
    do throws(VirtqueueError) {
      for completion in events.completions {
        let request = pending[completion.token]
        let isDone = completion.errno == 0
        try finish(
          service, head: request.head, statusAddress: request.statusAddress, status: isDone ? .ok : .ioError,
          written: isDone ? request.written : 0)
      }
      try interruptIfWanted(service)
    } catch {
      abandon(service)
    }
  }

  /// The driver broke the queue: nothing of it is touched again before a reset. What is in flight ends by itself; the reset
  /// waits for it.
  private func abandon(_ service: ServedQueue) {
    tenure.release()
    service.state.requireReset()
  }

  private func interruptIfWanted(_ service: ServedQueue) throws(VirtqueueError) {
    guard try service.interruptIfWanted() else { return }
    interruptCount.wrappingAdd(1, ordering: .relaxed)
    hasInterrupted = true
  }
}

// MARK: - One request

extension VirtioBlockWorker {
  /// Starts the request in `chain`.
  private func begin(_ service: ServedQueue) throws(VirtqueueError) {
    requestCount.wrappingAdd(1, ordering: .relaxed)
    guard let statusAddress = chain.takeLastWritable() else { throw .noRoomForAnswer }
    switch try parser.action(for: &chain, memory: service.memory, features: service.features) {
    case .submit(let request, let written):
      let token = freeTokens.removeLast()
      pending[token] = PendingRequest(
        head: chain.head, statusAddress: statusAddress, written: UInt32(clamping: written))
      let ranges = chain.ranges
      blocks.enqueue(request, data: ranges.span.extracting(dataBuffers(of: request)), token: token)
    case .reply(let bytes):
      try chain.write(bytes, to: service.memory)
      try finish(
        service, head: chain.head, statusAddress: statusAddress, status: .ok, written: UInt32(bytes.count))
    case .refuse(let status):
      try finish(service, head: chain.head, statusAddress: statusAddress, status: status, written: 0)
    }
  }

  /// Which of the chain's buffers belong to the medium.
  private func dataBuffers(of request: BlockRequest) -> Range<Int> {
    switch request.operation {
    case .read: chain.writable
    case .write, .durableWrite: chain.readable
    case .flush, .discard: 0..<0
    }
  }

  /// Writes the status byte and gives the chain back; `written` counts the data bytes.
  private func finish(
    _ service: ServedQueue, head: UInt16, statusAddress: GuestAddress, status: VirtioBlockStatus, written: UInt32
  ) throws(VirtqueueError) {
    try service.memory.write(status.rawValue, at: statusAddress)
    try service.queue.push(head: head, written: written < .max ? written + 1 : written)
  }
}
