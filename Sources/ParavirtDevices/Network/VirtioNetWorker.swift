import Backends
import DeviceModel
import Glibc
import GuestMemory
import Synchronization

/// What a worker has done so far.
public struct VirtioNetCounters: Equatable, Sendable {
  /// Frames taken from transmit queues.
  public var transmitted: UInt64
  /// Frames given to receive queues.
  public var received: UInt64
  /// Frames of the driver that ask for what was not agreed on, or are no frames: they went nowhere.
  public var droppedOutgoing: UInt64
  /// Frames of the port that ask for what was not agreed on.
  public var droppedIncoming: UInt64
  /// Interrupts for used buffers.
  public var interruptsRaised: UInt64
  /// Rings of the doorbell.
  public var notificationsSeen: UInt64
}

/// Carries frames between a port and the queues of a network card, on a thread of its own that calls `run()` once. Outside of
/// `run()`, only the doorbell, `stop()`, the counters, the address and the handovers may be used.
public final class VirtioNetWorker: DeviceWorker, @unchecked Sendable {
  /// Rings when the driver has made something available in any queue: for KVM_IOEVENTFD, or for the transport.
  public let doorbell: EventFD
  let handovers: [QueueHandover]
  private let ordered: EventFD
  private let stopRequest: EventFD
  private let isMultiqueue = Atomic(false)
  private let currentAddress: Atomic<UInt64>
  private let mustStop = Atomic(false)
  private let transmittedCount = Atomic<UInt64>(0)
  private let receivedCount = Atomic<UInt64>(0)
  private let droppedOutgoingCount = Atomic<UInt64>(0)
  private let droppedIncomingCount = Atomic<UInt64>(0)
  private let interruptCount = Atomic<UInt64>(0)
  private let notificationCount = Atomic<UInt64>(0)

  // From here on everything belongs to the thread in `run()`.
  private let port: any NetworkPort
  private var tenures: [QueueTenure]
  private var buffers: [ReceiveBuffers]
  private var chain: DescriptorChain
  private var posted: [UInt16] = []
  private var watched: [pollfd]
  private var activePairs = 1
  private var receivingPair = 0
  /// False once the port said that it has nothing, until its descriptor says otherwise.
  private var mayHaveInput = true
  /// True while frames cannot come in because the driver gives no buffers.
  private var isStarving = false
  private var isStopping = false
  private var hasNewOrder = true
  private var window = PollingWindow()
  /// True while the thread stays awake: doorbells are not asked for.
  private var isAwake = false
  /// True where the last frame went into the guest.
  private var expectsAnswer = false
  /// Frames carried so far, either way.
  private var carried: UInt64 = 0

  /// Frames in one direction before the other gets its turn.
  private static let budget = 128
  /// Frames that leave together.
  private static let batch = 32

  /// The order of the watched descriptors.
  private enum Watch {
    static let doorbell = 0
    static let order = 1
    static let stop = 2
    static let port = 3
  }

  init(
    port: any NetworkPort, queuePairs: Int, queueSize: Int, address: UInt64
  ) throws(EventFD.CreationError) {
    self.port = port
    doorbell = try EventFD()
    ordered = try EventFD()
    stopRequest = try EventFD()
    currentAddress = Atomic(address)
    var handovers: [QueueHandover] = []
    for _ in 0...(2 * queuePairs) { handovers.append(try QueueHandover(ordered: ordered)) }
    self.handovers = handovers
    tenures = handovers.map { QueueTenure($0) }
    buffers = (0..<queuePairs).map { _ in ReceiveBuffers(capacity: queueSize) }
    chain = DescriptorChain(capacity: queueSize)
    posted.reserveCapacity(Self.batch)
    watched = [doorbell, ordered, stopRequest].map {
      pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0)
    }
    watched.append(pollfd(fd: -1, events: Int16(POLLIN), revents: 0))
  }

  /// The counters at this moment; from any thread.
  public var counters: VirtioNetCounters {
    VirtioNetCounters(
      transmitted: transmittedCount.load(ordering: .relaxed), received: receivedCount.load(ordering: .relaxed),
      droppedOutgoing: droppedOutgoingCount.load(ordering: .relaxed),
      droppedIncoming: droppedIncomingCount.load(ordering: .relaxed),
      interruptsRaised: interruptCount.load(ordering: .relaxed),
      notificationsSeen: notificationCount.load(ordering: .relaxed))
  }

  /// The card's address, first byte lowest; from any thread.
  var address: UInt64 { currentAddress.load(ordering: .relaxed) }

  /// A driver begins, with these features and the card's own address; before its queues are handed over.
  func begin(multiqueue: Bool, address: UInt64) {
    isMultiqueue.store(multiqueue, ordering: .relaxed)
    currentAddress.store(address, ordering: .relaxed)
  }

  /// Ends `run()`; from any thread.
  public func stop() {
    mustStop.store(true, ordering: .releasing)
    stopRequest.signal()
  }

  /// Carries frames whenever the driver is ready, until `stop()`. Call it once, on the thread that shall do the work.
  public func run() {
    for handover in handovers { handover.begin() }
    defer {
      for index in tenures.indices { tenures[index].release() }
      for handover in handovers { handover.end() }
    }
    while !isStopping {
      if hasNewOrder { followOrders() }
      isAwake = staysAwake
      let before = carried
      let hasMore = carry()
      if carried != before { window.worked(at: PollingWindow.now()) }
      // A frame that has just come in is a reason to stay awake that there was not before.
      let looksAgain = hasMore || isAwake || staysAwake
      if !looksAgain || hasMore || port.inputDescriptor >= 0 { wait(sleeping: !looksAgain) }
    }
    flush()
  }
}

// MARK: - The loop

extension VirtioNetWorker {
  private func followOrders() {
    hasNewOrder = false
    for index in tenures.indices {
      guard let order = tenures[index].news else { continue }
      tenures[index].follow(order)
      if buffers.indices.contains(index / 2), index.isMultiple(of: 2) { buffers[index / 2].removeAll() }
      // Only the first pair is used until the driver asks for more (5.1.6.5.5).
      activePairs = 1
      receivingPair = 0
      mayHaveInput = true
    }
  }

  /// True where the next frame is expected so soon that a sleep is not worth while, and needs no other thread for it, which
  /// may be waiting for this very processor: from a port that answers by itself, or from a guest that was just given one.
  private var staysAwake: Bool {
    (port.inputDescriptor < 0 || expectsAnswer) && window.isOpen(at: PollingWindow.now())
      && !mustStop.load(ordering: .acquiring) && tenures.allSatisfy { $0.news == nil }
  }

  /// Sleeps until something happens, or only looks.
  private func wait(sleeping: Bool) {
    // While the driver gives no buffers, the port's input would wake the thread for nothing.
    let isListening = !mayHaveInput && !isStarving
    watched[Watch.port].fd = isListening ? port.inputDescriptor : -1
    let ready = poll(&watched, nfds_t(watched.count), sleeping ? -1 : 0)
    if sleeping { window.woke(at: PollingWindow.now()) }
    guard ready > 0 else { return }
    if watched[Watch.doorbell].revents != 0 {
      notificationCount.wrappingAdd(doorbell.consume(), ordering: .relaxed)
    }
    if watched[Watch.order].revents != 0 {
      ordered.consume()
      hasNewOrder = true
    }
    if watched[Watch.stop].revents != 0 { isStopping = true }
    if watched[Watch.port].revents != 0 { mayHaveInput = true }
  }

  /// Carries frames both ways, up to the budget; true where there is more to do.
  private func carry() -> Bool {
    do throws(VirtqueueError) {
      var hasMore = try control()
      for pair in 0..<activePairs where try transmit(pair) { hasMore = true }
      if try receive(receivingPair) { hasMore = true }
      return hasMore
    } catch {
      abandon()
      return false
    }
  }

  /// Sends what the driver had queued when it was stopped: a guest's last words, which end before it does.
  private func flush() {
    do throws(VirtqueueError) { for pair in 0..<activePairs { _ = try transmit(pair) } } catch { abandon() }
  }

  /// The driver broke a queue: none is touched again before a reset.
  private func abandon() {
    port.flush()
    posted.removeAll(keepingCapacity: true)
    let state = tenures.lazy.compactMap { $0.served?.state }.first
    for index in tenures.indices { tenures[index].release() }
    state?.requireReset()
  }

  private func interruptIfWanted(_ served: ServedQueue) throws(VirtqueueError) {
    if try served.interruptIfWanted() { interruptCount.wrappingAdd(1, ordering: .relaxed) }
  }
}

// MARK: - Out of the guest

extension VirtioNetWorker {
  /// Sends what a pair's transmit queue has, up to the budget; true where there is more.
  private func transmit(_ pair: Int) throws(VirtqueueError) -> Bool {
    guard let served = tenures[2 * pair + 1].served else { return false }
    try served.queue.suppressNotifications()
    var budget = Self.budget
    while budget > 0, try served.queue.pop(into: &chain) {
      budget -= 1
      receivingPair = pair
      expectsAnswer = false
      carried &+= 1
      transmittedCount.wrappingAdd(1, ordering: .relaxed)
      posted.append(chain.head)
      try post(served)
      if posted.count == Self.batch { try giveBackPosted(to: served) }
    }
    try giveBackPosted(to: served)
    try interruptIfWanted(served)
    if budget == 0 { return true }
    return try isAwake ? false : served.queue.requestNotification()
  }

  /// Sends on what was posted; its buffers are the driver's again.
  private func giveBackPosted(to served: ServedQueue) throws(VirtqueueError) {
    port.flush()
    for head in posted { try served.queue.push(head: head, written: 0) }
    posted.removeAll(keepingCapacity: true)
  }

  /// Posts the frame in `chain`.
  private func post(_ served: ServedQueue) throws(VirtqueueError) {
    guard chain.writable.isEmpty else { throw .wrongDirection }
    var header = VirtioNetHeader()
    let hasHeader = try withUnsafeMutableBytes(of: &header) { (bytes) throws(VirtqueueError) in
      // SAFETY: any bytes make a valid header.
      try chain.takeReadable(into: bytes, from: served.memory)
    }
    guard hasHeader else { throw .headerMissing }
    let longest = min(port.maximumFrame, served.features.longestTransmission)
    guard (14...UInt64(longest)).contains(chain.readableBytes), served.features.allowSending(header.offload) else {
      droppedOutgoingCount.wrappingAdd(1, ordering: .relaxed)
      return
    }
    let ranges = chain.ranges
    port.post(ranges.span.extracting(chain.readable), offload: header.offload)
  }
}

// MARK: - Into the guest

extension VirtioNetWorker {
  private var portHasInput: Bool { port.inputDescriptor < 0 ? port.hasInput : mayHaveInput }

  /// Gives the port's frames to a pair's receive queue, up to the budget; true where there is more.
  private func receive(_ pair: Int) throws(VirtqueueError) -> Bool {
    isStarving = false
    guard let served = tenures[2 * pair].served else {
      isStarving = true
      return false
    }
    let limit = min(port.maximumFrame, served.features.longestReception)
    let isMergeable = served.features.contains(.netMergeableBuffers)
    var budget = Self.budget
    while budget > 0, portHasInput {
      guard try provide(pair, served, limit: limit, isMergeable: isMergeable) else { break }
      budget -= 1
      buffers[pair].layOut(mergeable: isMergeable)
      var offload = FrameOffload()
      let frame = buffers[pair].frame
      guard let length = port.receive(into: frame.span, offload: &offload) else {
        mayHaveInput = false
        continue
      }
      guard length <= limit, served.features.allowReceiving(offload) else {
        droppedIncomingCount.wrappingAdd(1, ordering: .relaxed)
        continue
      }
      try buffers[pair].giveBack(length: length, offload: offload, to: served.queue)
      expectsAnswer = true
      carried &+= 1
      receivedCount.wrappingAdd(1, ordering: .relaxed)
    }
    try interruptIfWanted(served)
    return !isStarving && portHasInput
  }

  /// Makes sure that the next frame has room. Where the driver has given too few buffers, asks to be told of more, and is
  /// content with what the port needs.
  private func provide(
    _ pair: Int, _ served: ServedQueue, limit: Int, isMergeable: Bool
  ) throws(VirtqueueError) -> Bool {
    let wanted = VirtioNetHeader.byteCount + limit
    while isMergeable ? buffers[pair].byteCount < wanted : buffers[pair].isEmpty {
      if try served.queue.pop(into: &chain) {
        try buffers[pair].append(chain)
      } else if isMergeable, buffers[pair].byteCount >= VirtioNetHeader.byteCount + min(limit, port.neededRoom) {
        return true
      } else if try !served.queue.requestNotification() {
        isStarving = true
        return false
      }
    }
    try served.queue.suppressNotifications()
    return true
  }
}

// MARK: - Control

extension VirtioNetWorker {
  /// Carries out the commands of the control queue; true where there are more.
  private func control() throws(VirtqueueError) -> Bool {
    let hasPairs = isMultiqueue.load(ordering: .relaxed)
    // Without several pairs the third queue is the control queue, however many pairs there could be (5.1.2).
    guard let served = tenures[hasPairs ? 2 * buffers.count : 2].served,
      served.features.contains(.netControlQueue)
    else { return false }
    let control = VirtioNetControl(queuePairs: buffers.count, features: served.features)
    var budget = Self.budget
    while budget > 0, try served.queue.pop(into: &chain) {
      budget -= 1
      switch try control.answer(&chain, memory: served.memory) {
      case .none, .refused: break
      case .address(let address): currentAddress.store(address, ordering: .relaxed)
      case .queuePairs(let count):
        activePairs = count
        receivingPair = min(receivingPair, count - 1)
      }
      try served.queue.push(head: chain.head, written: 1)
    }
    try interruptIfWanted(served)
    if budget == 0 { return true }
    return try served.queue.requestNotification()
  }
}
