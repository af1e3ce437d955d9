import GuestKernel

/// virtio-net on either transport (virtio 1.2, 5.1): one queue pair, a buffer a descriptor with the header before the frame,
/// completion by interrupt or by polling the used rings. Where offload is asked for, frames are sent and received before they
/// are cut into segments, those that come in over several buffers.
public final class VirtioNetwork: NetworkDriver {
  private enum Feature {
    static let address: UInt64 = 1 << 5
    static let mergeableBuffers: UInt64 = 1 << 15
    static let eventIndex: UInt64 = 1 << 29
    static let version1: UInt64 = 1 << 32
    static let needed = address | eventIndex | version1
    /// VIRTIO_NET_F_CSUM, HOST_TSO4, HOST_USO.
    static let sending: UInt64 = 1 << 0 | 1 << 11 | 1 << 56
    /// VIRTIO_NET_F_GUEST_CSUM, GUEST_TSO4, GUEST_USO4, GUEST_USO6: a header does not say of which version a datagram is.
    static let receiving: UInt64 = 1 << 1 | 1 << 7 | 1 << 54 | 1 << 55
    static let indirectDescriptors: UInt64 = 1 << 28
    static let offload = sending | receiving | indirectDescriptors
  }
  private static let vector: UInt8 = 0x41
  private static let slots = 256
  /// Transmit buffers where each has room for a frame before segmentation.
  private static let offloadSlots = 32
  private static let plainFrame = 1514
  /// The longest IPv4 packet (a 16-bit length) and the Ethernet header.
  private static let offloadFrame = 65_549
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
  /// An MTU of 1,500 and the header, or 64 KiB with offload.
  public var maximumFrame: Int { transmitBuffers.longestFrame }
  private let transport: any VirtioTransport
  private let receiveQueue: SplitQueue
  private let transmitQueue: SplitQueue
  private let receiveBuffers: DMAMemory
  private let transmitBuffers: TransmitBuffers
  /// Where a frame that came in over several buffers is put together.
  private let assembly: DMAMemory?
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
  public init?(
    polled: Bool, offload: Bool = false, firstSlot: UInt, stride: UInt, slots: Int,
    interruptInput: (Int, UInt) -> UInt32
  ) {
    let mmio = VirtioMMIO.find(
      deviceID: 1, firstSlot: firstSlot, stride: stride, slots: slots, interruptInput: interruptInput)
    LocalAPIC.enable(acceptsPIC: false)
    // Both queues interrupt on one vector, whose count is all that is waited for.
    let vector = polled ? nil : Self.vector
    guard let transport: any VirtioTransport = mmio ?? VirtioPCI.find(deviceID: 1),
      let features = transport.negotiate(
        Feature.needed | Feature.mergeableBuffers | (offload ? Feature.offload : 0)),
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
    let isOffloading = features & Feature.offload == Feature.offload
    let transmitSlots = isOffloading ? min(transmitQueue.size, Self.offloadSlots) : transmitQueue.size
    transmitBuffers = TransmitBuffers(
      slots: transmitSlots, longestFrame: isOffloading ? Self.offloadFrame : Self.plainFrame)
    assembly = isOffloading ? DMAMemory(count: Self.bufferSize * 64) : nil
    free = (0..<UInt16(transmitSlots)).reversed()
    freeCount = free.count
    interrupt = receiveQueue.interrupt
    receiveQueue.disarmInterrupt()
    transmitQueue.disarmInterrupt()
    for slot in 0..<receiveQueue.size {
      receiveQueue.setBuffer(
        slot, address: received(slot) - UInt(Self.headerSize),
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
    return transmitBuffers.frame(Int(free[freeCount - 1]))
  }

  /// One descriptor a frame.
  public func transmit(length: Int) throws(NetworkError) { try queue(length, segment: nil) }

  /// An indirect table a frame.
  public func transmit(length: Int, segment: Int) throws(NetworkError) { try queue(length, segment: segment) }

  private func queue(_ length: Int, segment: Int?) throws(NetworkError) {
    guard freeCount > 0, length >= 14, length <= maximumFrame else {
      throw NetworkError("virtio-net transmit", status: UInt32(truncatingIfNeeded: length))
    }
    freeCount -= 1
    let slot = Int(free[freeCount])
    transmitBuffers.describe(slot, length: length, segment: segment, in: transmitQueue)
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
    guard isSound else { throw Self.usedRingError(element.head) }
    let chains = chainCount(element.head)
    guard chains == 1 else { return try assemble(element.head, length: length, chains: chains) }
    held = element.head
    return ReceivedFrame(address: received(element.head), length: length)
  }

  /// Puts a frame together that lies in several buffers, which go back to the device at once (5.1.6.4).
  private func assemble(_ first: Int, length: Int, chains: UInt16) throws(NetworkError) -> ReceivedFrame {
    guard let assembly, chains > 1, chains <= 60 else { throw Self.usedRingError(first) }
    let target = UnsafeMutableRawPointer(bitPattern: assembly.address).unsafelyUnwrapped
    func take(_ address: UInt, _ count: Int, at offset: Int) {
      // SAFETY: a buffer's bytes, as many as the device has written, into memory for 64 buffers.
      target.advanced(by: offset).copyMemory(
        from: UnsafeRawPointer(bitPattern: address).unsafelyUnwrapped, byteCount: count)
    }
    take(received(first), length, at: 0)
    var total = length
    receiveQueue.append(head: first)
    for _ in 1..<chains {
      guard let element = receiveQueue.takeUsedElement(), element.head < receiveQueue.size,
        element.count <= Self.bufferSize - Self.frameOffset + Self.headerSize
      else { throw Self.usedRingError(first) }
      take(received(element.head) - UInt(Self.headerSize), element.count, at: total)
      total += element.count
      receiveQueue.append(head: element.head)
    }
    released += Int(chains)
    return ReceivedFrame(address: assembly.address, length: total)
  }

  private static func usedRingError(_ head: Int) -> NetworkError {
    NetworkError("virtio-net used ring", status: UInt32(truncatingIfNeeded: head))
  }

  /// Gives the buffer back; the device is told now and then, where it waits for buffers.
  public func release() {
    if held >= 0 {
      receiveQueue.append(head: held)
      held = -1
      released += 1
    }
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

  /// Chains that this frame takes: one, where buffers are longer than frames.
  private func chainCount(_ slot: Int) -> UInt16 {
    receiveBuffers.load(UInt16.self, at: slot * Self.bufferSize + Self.frameOffset - 2)
  }

  private func received(_ slot: Int) -> UInt {
    receiveBuffers.address + UInt(slot * Self.bufferSize + Self.frameOffset)
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
