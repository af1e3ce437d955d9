import GuestKernel

/// virtio-net on either transport (virtio 1.2, 5.1): one queue pair, a buffer a descriptor with the header before the frame,
/// completion by interrupt or by polling the used rings.
public final class VirtioNetwork: NetworkDriver {
  private enum Feature {
    static let address: UInt64 = 1 << 5
    static let mergeableBuffers: UInt64 = 1 << 15
    static let eventIndex: UInt64 = 1 << 29
    static let version1: UInt64 = 1 << 32
    static let needed = address | eventIndex | version1
  }
  private static let vector: UInt8 = 0x41
  private static let slots = 256
  private static let bufferSize = 2048
  /// The header lies right before the frame, which starts at a multiple of eight.
  private static let frameOffset = 16
  private static let headerSize = 12
  /// Receive buffers that are given back before the device is told, where it waits for them.
  private static let releaseBatch = 32

  /// `virtio-net`.
  public let name: StaticString = "virtio-net"
  /// From the configuration space.
  public let address: [UInt8]
  /// An MTU of 1,500 and the header: no offload is asked for.
  public let maximumFrame = 1514
  private let transport: any VirtioTransport
  private let receiveQueue: SplitQueue
  private let transmitQueue: SplitQueue
  private let receiveBuffers: DMAMemory
  private let transmitBuffers: DMAMemory
  private let interrupt: Interrupt?
  private var seen: UInt64 = 0
  /// Free transmit buffers, as a stack.
  private var free: [UInt16]
  private var freeCount: Int
  /// True while the workload waits for frames to leave.
  private var wantsTransmitted = false
  /// The receive buffer that the workload looks at.
  private var held = -1
  private var released = 0

  /// Finds and starts the first virtio-net device, in the virtio-mmio slots or on the PCI bus; nil where there is none or it
  /// does not agree on features.
  public init?(polled: Bool, firstSlot: UInt, stride: UInt, slots: Int, interruptInput: (Int, UInt) -> UInt32) {
    let mmio = VirtioMMIO.find(
      deviceID: 1, firstSlot: firstSlot, stride: stride, slots: slots, interruptInput: interruptInput)
    LocalAPIC.enable(acceptsPIC: false)
    // Both queues interrupt on one vector, whose count is all that is waited for.
    let vector = polled ? nil : Self.vector
    guard let transport: any VirtioTransport = mmio ?? VirtioPCI.find(deviceID: 1),
      let features = transport.negotiate(Feature.needed | Feature.mergeableBuffers),
      features & Feature.needed == Feature.needed,
      let receiveQueue = transport.enable(queue: 0, wantedSize: Self.slots, vector: vector),
      let transmitQueue = transport.enable(queue: 1, wantedSize: Self.slots, vector: vector)
    else { return nil }
    self.transport = transport
    self.receiveQueue = receiveQueue
    self.transmitQueue = transmitQueue
    let bytes = transport.configuration64(at: 0)
    address = (0..<6).map { UInt8(truncatingIfNeeded: bytes >> UInt64(8 * $0)) }
    receiveBuffers = DMAMemory(count: Self.bufferSize * receiveQueue.size)
    transmitBuffers = DMAMemory(count: Self.bufferSize * transmitQueue.size)
    free = (0..<UInt16(transmitQueue.size)).reversed()
    freeCount = free.count
    interrupt = receiveQueue.interrupt
    receiveQueue.disarmInterrupt()
    transmitQueue.disarmInterrupt()
    for slot in 0..<receiveQueue.size {
      receiveQueue.setBuffer(
        slot, address: frame(slot, receiveBuffers) - UInt(Self.headerSize),
        count: Self.bufferSize - Self.frameOffset + Self.headerSize, isWritable: true)
      receiveQueue.append(head: slot)
    }
    transport.start()
    seen = interrupt?.count ?? 0
    if receiveQueue.wantsNotification() { receiveQueue.kick() }
  }

  /// A free buffer; taken-back ones first.
  public func transmitBuffer() -> UInt? {
    if freeCount == 0 { takeBack() }
    guard freeCount > 0 else {
      wantsTransmitted = true
      return nil
    }
    return frame(Int(free[freeCount - 1]), transmitBuffers)
  }

  /// One descriptor a frame.
  public func transmit(length: Int) throws(NetworkError) {
    guard freeCount > 0, length >= 14, length <= maximumFrame else {
      throw NetworkError("virtio-net transmit", status: UInt32(truncatingIfNeeded: length))
    }
    freeCount -= 1
    let slot = Int(free[freeCount])
    transmitQueue.setBuffer(
      slot, address: frame(slot, transmitBuffers) - UInt(Self.headerSize), count: Self.headerSize + length,
      isWritable: false)
    transmitQueue.append(head: slot)
  }

  /// Rings the doorbell where the device wants to hear it.
  public func kick() {
    if transmitQueue.wantsNotification() { transmitQueue.kick() }
  }

  /// What has left. A caller that finds nothing waits for it, and `wait` asks for its interrupt too.
  public func reclaim() throws(NetworkError) -> Int {
    let count = takeBack()
    wantsTransmitted = count == 0 && freeCount < free.count
    return count
  }

  /// The next frame of the used ring.
  public func receive() throws(NetworkError) -> ReceivedFrame? {
    guard let element = receiveQueue.takeUsedElement() else {
      announceReleased()
      return nil
    }
    let length = element.count - Self.headerSize
    let isSound = element.head < receiveQueue.size && length > 0 && length <= Self.bufferSize - Self.frameOffset
    guard isSound, header(element.head) == 1 else {
      throw NetworkError("virtio-net used ring", status: UInt32(truncatingIfNeeded: element.head))
    }
    held = element.head
    return ReceivedFrame(address: frame(element.head, receiveBuffers), length: length)
  }

  /// Gives the buffer back; the device is told now and then, where it waits for buffers.
  public func release() {
    guard held >= 0 else { return }
    receiveQueue.append(head: held)
    held = -1
    released += 1
    if released >= Self.releaseBatch { announceReleased() }
  }

  /// Sleeps until an interrupt of this card, or any other.
  public func wait() throws(NetworkError) {
    announceReleased()
    guard let interrupt else { return pv_pause() }
    if arm() {
      interrupt.wait(beyond: seen)
      try acknowledge(interrupt)
    }
    disarm()
  }

  /// Spins with interrupts on.
  public func wait(until deadline: UInt64) throws(NetworkError) {
    announceReleased()
    guard let interrupt else { return pv_pause() }
    if arm() {
      while interrupt.count == seen, pv_tsc() < deadline { pv_pause() }
      try acknowledge(interrupt)
    }
    disarm()
  }

  /// Resets the device; the rings stay to be read.
  public func stop() { transport.status = 0 }

  /// Chains that this frame takes: one, as buffers are longer than frames.
  private func header(_ slot: Int) -> UInt16 {
    receiveBuffers.load(UInt16.self, at: slot * Self.bufferSize + Self.frameOffset - 2)
  }

  private func frame(_ slot: Int, _ buffers: DMAMemory) -> UInt {
    buffers.address + UInt(slot * Self.bufferSize + Self.frameOffset)
  }

  @discardableResult private func takeBack() -> Int {
    var count = 0
    while freeCount < free.count, let slot = transmitQueue.takeUsed() {
      free[freeCount] = UInt16(truncatingIfNeeded: slot % free.count)
      freeCount += 1
      count += 1
    }
    return count
  }

  /// Tells the device of receive buffers that were given back, where it waits for them.
  private func announceReleased() {
    released = 0
    if receiveQueue.wantsNotification() { receiveQueue.kick() }
  }

  /// Asks for an interrupt at the next received frame, and where the workload waits for it, when most of what was sent has
  /// left. False where that has already happened.
  private func arm() -> Bool {
    guard receiveQueue.armInterrupt() else { return false }
    guard wantsTransmitted else { return true }
    let inFlight = free.count - freeCount
    return transmitQueue.armInterrupt(after: UInt16(max(inFlight * 3 / 4, 1) - 1))
  }

  private func disarm() {
    receiveQueue.disarmInterrupt()
    transmitQueue.disarmInterrupt()
    wantsTransmitted = false
  }

  private func acknowledge(_ interrupt: Interrupt) throws(NetworkError) {
    guard interrupt.count != seen else { return }
    seen = interrupt.count
    guard transport.acknowledgeInterrupt() else {
      throw NetworkError("virtio-net needs reset", status: VirtioStatus.needsReset)
    }
  }
}
