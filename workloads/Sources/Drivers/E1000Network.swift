import GuestKernel

/// An Intel 82540EM (Intel 317453), found through PCI configuration space: legacy descriptors, one buffer a frame, completion
/// by INTx or by polling the rings.
///
/// The kernel ends an interrupt before ring 3 has seen the device, so that a level-triggered input would interrupt again and
/// again: the I/O APIC's input is therefore programmed for edges. Nothing is lost by that. The pin is high while a cause is
/// set that the mask lets through; reading ICR clears all causes, so that it falls, and the next cause is a new edge. The
/// driver keeps to one order: it notes the interrupt's count, then reads ICR, then looks at the rings. A frame that comes
/// before the read of ICR is found in the rings; one that comes after it raises the pin, moves the count and ends the sleep.
public final class E1000Network: NetworkDriver {
  /// Offsets in the memory window (chapter 13).
  private enum Register {
    static let control: UInt = 0x0000
    static let eepromRead: UInt = 0x0014
    static let managementInterface: UInt = 0x0020
    static let interruptCause: UInt = 0x00C0
    static let interruptThrottling: UInt = 0x00C4
    static let interruptMask: UInt = 0x00D0
    static let interruptMaskClear: UInt = 0x00D8
    static let receiveControl: UInt = 0x0100
    static let transmitControl: UInt = 0x0400
    static let transmitGap: UInt = 0x0410
    static let receiveRing: UInt = 0x2800
    static let transmitRing: UInt = 0x3800
    /// Within a ring's block.
    static let baseLow: UInt = 0x00
    static let baseHigh: UInt = 0x04
    static let length: UInt = 0x08
    static let head: UInt = 0x10
    static let tail: UInt = 0x18
  }
  private enum Control {
    static let linkUp: UInt32 = 1 << 6
    static let reset: UInt32 = 1 << 26
  }
  private enum Cause {
    static let transmitted: UInt32 = 1 << 0
    static let received: UInt32 = 1 << 7
  }
  /// EN, BAM and SECRC: own and broadcast frames, without FCS, buffers of 2 KiB.
  private static let receiveControl: UInt32 = 1 << 1 | 1 << 15 | 1 << 26
  /// EN, PSP, and the collision parameters that the manual wants for full duplex (13.4.33).
  private static let transmitControl: UInt32 = 1 << 1 | 1 << 3 | 0x0F << 4 | 0x40 << 12
  /// EOP, IFCS, RS.
  private static let transmitCommand: UInt32 = 0x0B << 24
  private static let done: UInt16 = 1
  private static let endOfPacket: UInt16 = 2
  /// CE, SE, SEQ and RXE, in the byte above the status.
  private static let frameErrors: UInt16 = 0x97 << 8

  private static let vector: UInt8 = 0x42
  private static let slots = 256
  private static let bufferSize = 2048
  /// Receive descriptors given back at a time: each write of RDT is an exit. The rest of the ring is enough to go on with.
  private static let releaseBatch = 64

  /// `e1000`.
  public let name: StaticString = "e1000"
  /// The six bytes in its EEPROM.
  public let address: [UInt8]
  /// A full Ethernet frame without FCS.
  public let maximumFrame = 1514
  private let base: UInt
  private let interrupt: Interrupt?
  private var seen: UInt64 = 0
  private let receiveRing = DMAMemory(count: 16 * E1000Network.slots)
  private let transmitRing = DMAMemory(count: 16 * E1000Network.slots)
  private let receiveBuffers = DMAMemory(count: E1000Network.bufferSize * E1000Network.slots)
  private let transmitBuffers = DMAMemory(count: E1000Network.bufferSize * E1000Network.slots)
  /// The descriptor that the next frame will come in.
  private var nextReceived = 0
  private var released = 0
  /// The first descriptor that has not left, and the first that is free.
  private var nextTransmitted = 0
  private var nextFree = 0
  private var announced = 0
  /// True while the workload waits for frames to leave.
  private var wantsTransmitted = false

  /// Finds and starts the card; nil where there is none, or where it does not come up.
  public init?(polled: Bool) {
    guard let device = PCIDevice.find(vendor: 0x8086, device: 0x100E), let base = device.memory(baseAddress: 0) else {
      return nil
    }
    device.enable(usesLine: !polled)
    guard Self.reset(base), Self.hasLink(base), let address = Self.readAddress(base) else { return nil }
    self.base = base
    self.address = address
    LocalAPIC.enable(acceptsPIC: false)
    interrupt = polled ? nil : IOAPIC.enable(input: device.read(0x3C) & 0xFF, vector: Self.vector)
    seen = interrupt?.count ?? 0
    pv_write32(base + Register.interruptThrottling, 0)
    startTransmitter()
    startReceiver()
    if interrupt != nil { pv_write32(base + Register.interruptMask, Cause.received) }
  }

  /// The next descriptor's buffer; nil where all but one are in use.
  public func transmitBuffer() -> UInt? {
    if inFlight == Self.slots - 1 { takeBack() }
    guard inFlight < Self.slots - 1 else {
      wantsTransmitted = true
      return nil
    }
    return transmitBuffers.address + UInt(nextFree * Self.bufferSize)
  }

  /// Fills the next descriptor; the card is told by `kick`.
  public func transmit(length: Int) throws(NetworkError) {
    guard inFlight < Self.slots - 1, length >= 14, length <= maximumFrame else {
      throw NetworkError("e1000 transmit", status: UInt32(truncatingIfNeeded: length))
    }
    transmitRing.store(Self.transmitCommand | UInt32(length), at: 16 * nextFree + 8)
    transmitRing.store(UInt32(0), at: 16 * nextFree + 12)
    nextFree = (nextFree + 1) % Self.slots
  }

  /// Writes TDT, where there is anything new: one exit, in which the card sends.
  public func kick() {
    guard announced != nextFree else { return }
    announced = nextFree
    pv_write32(base + Register.transmitRing + Register.tail, UInt32(nextFree))
  }

  /// Counts and takes back the descriptors whose DD is set.
  public func reclaim() throws(NetworkError) -> Int {
    let count = takeBack()
    wantsTransmitted = count == 0 && inFlight > 0
    return count
  }

  /// The next frame whose descriptor is done. Throws where the card reports an error, or a frame in pieces.
  public func receive() throws(NetworkError) -> ReceivedFrame? {
    let status = statusOfNextReceived
    guard status & Self.done != 0 else { return nil }
    guard status & Self.endOfPacket != 0, status & Self.frameErrors == 0 else {
      throw NetworkError("e1000 receive", status: UInt32(status))
    }
    let length = Int(receiveRing.load(UInt16.self, at: 16 * nextReceived + 8))
    guard length <= Self.bufferSize else { throw NetworkError("e1000 receive length", status: UInt32(length)) }
    return ReceivedFrame(address: receiveBuffers.address + UInt(nextReceived * Self.bufferSize), length: length)
  }

  /// Gives the descriptor back; the card is told of `releaseBatch` at a time by RDT.
  public func release() {
    guard statusOfNextReceived & Self.done != 0 else { return }
    receiveRing.store(UInt64(0), at: 16 * nextReceived + 8)
    let freed = nextReceived
    nextReceived = (nextReceived + 1) % Self.slots
    released += 1
    guard released == Self.releaseBatch else { return }
    released = 0
    // RDT is the last descriptor but one, so that a full ring differs from an empty one.
    pv_write32(base + Register.receiveRing + Register.tail, UInt32(freed))
  }

  /// Sleeps until an interrupt unless there is work, and reads ICR where there was one.
  public func wait() throws(NetworkError) {
    guard let interrupt else { return pv_pause() }
    arm()
    if interrupt.count == seen, !hasWork { interrupt.wait(beyond: seen) }
    acknowledge(interrupt)
  }

  /// As `wait`, but awake, and until the TSC reaches `deadline` at the latest.
  public func wait(until deadline: UInt64) throws(NetworkError) {
    guard let interrupt else { return pv_pause() }
    arm()
    while interrupt.count == seen, !hasWork, pv_tsc() < deadline { pv_pause() }
    acknowledge(interrupt)
  }

  /// Masks all interrupts and switches both directions off.
  public func stop() {
    pv_write32(base + Register.interruptMaskClear, .max)
    pv_write32(base + Register.receiveControl, 0)
    pv_write32(base + Register.transmitControl, 0)
  }

  // MARK: Rings

  private var inFlight: Int { (nextFree - nextTransmitted + Self.slots) % Self.slots }

  private var statusOfNextReceived: UInt16 { pv_load16(receiveRing.address + UInt(16 * nextReceived + 12)) }

  private var hasTransmitted: Bool {
    inFlight > 0 && pv_load16(transmitRing.address + UInt(16 * nextTransmitted + 12)) & Self.done != 0
  }

  private var hasWork: Bool { statusOfNextReceived & Self.done != 0 || (wantsTransmitted && hasTransmitted) }

  @discardableResult private func takeBack() -> Int {
    var count = 0
    while hasTransmitted {
      nextTransmitted = (nextTransmitted + 1) % Self.slots
      count += 1
    }
    return count
  }

  // MARK: Interrupts

  /// Lets frames that have left interrupt, too, where the workload waits for them: they seldom have not by the end of `kick`.
  private func arm() {
    if wantsTransmitted, !hasWork { pv_write32(base + Register.interruptMask, Cause.transmitted) }
  }

  /// The count first, then ICR, then (by the caller) the rings: see above.
  private func acknowledge(_ interrupt: Interrupt) {
    guard interrupt.count != seen else { return }
    seen = interrupt.count
    let cause = pv_read32(base + Register.interruptCause)
    if cause & Cause.transmitted != 0, wantsTransmitted {
      pv_write32(base + Register.interruptMaskClear, Cause.transmitted)
    }
  }

  // MARK: Start-up

  /// Resets the card and silences it (14.4); false where it does not come back.
  private static func reset(_ base: UInt) -> Bool {
    pv_write32(base + Register.interruptMaskClear, .max)
    pv_write32(base + Register.control, Control.reset)
    var patience = 1000
    while pv_read32(base + Register.control) & Control.reset != 0 {
      patience -= 1
      guard patience > 0 else { return false }
    }
    pv_write32(base + Register.interruptMaskClear, .max)
    _ = pv_read32(base + Register.interruptCause)
    pv_write32(base + Register.control, pv_read32(base + Register.control) | Control.linkUp)
    return true
  }

  /// Asks the PHY whether the link is up (BMSR, IEEE 802.3, 22.2.4.2.13). Whether it has been negotiated is not asked: a card
  /// without a cable, as QEMU's, has a link from the start and negotiates only when it is told to.
  private static func hasLink(_ base: UInt) -> Bool {
    pv_write32(base + Register.managementInterface, 2 << 26 | 1 << 21 | 1 << 16)
    var patience = 1000
    while patience > 0 {
      let answer = pv_read32(base + Register.managementInterface)
      if answer & 1 << 28 != 0 { return answer & 1 << 30 == 0 && answer & 0x04 != 0 }
      patience -= 1
    }
    return false
  }

  /// The address in the EEPROM's first three words.
  private static func readAddress(_ base: UInt) -> [UInt8]? {
    var address: [UInt8] = []
    for word in UInt32(0)..<3 {
      pv_write32(base + Register.eepromRead, word << 8 | 1)
      var answer = pv_read32(base + Register.eepromRead)
      var patience = 1000
      while answer & 0x10 == 0 {
        patience -= 1
        guard patience > 0 else { return nil }
        answer = pv_read32(base + Register.eepromRead)
      }
      address += [UInt8(truncatingIfNeeded: answer >> 16), UInt8(truncatingIfNeeded: answer >> 24)]
    }
    return address
  }

  private func startTransmitter() {
    for slot in 0..<Self.slots {
      transmitRing.store(UInt64(transmitBuffers.address + UInt(slot * Self.bufferSize)), at: 16 * slot)
    }
    announce(transmitRing, block: base + Register.transmitRing)
    pv_write32(base + Register.transmitGap, 0x0060_2008)
    pv_write32(base + Register.transmitControl, Self.transmitControl)
  }

  private func startReceiver() {
    for slot in 0..<Self.slots {
      receiveRing.store(UInt64(receiveBuffers.address + UInt(slot * Self.bufferSize)), at: 16 * slot)
    }
    announce(receiveRing, block: base + Register.receiveRing)
    pv_write32(base + Register.receiveControl, Self.receiveControl)
    pv_write32(base + Register.receiveRing + Register.tail, UInt32(Self.slots - 1))
  }

  private func announce(_ ring: DMAMemory, block: UInt) {
    pv_write32(block + Register.baseLow, UInt32(truncatingIfNeeded: ring.address))
    pv_write32(block + Register.baseHigh, UInt32(truncatingIfNeeded: UInt64(ring.address) >> 32))
    pv_write32(block + Register.length, UInt32(ring.count))
    pv_write32(block + Register.head, 0)
    pv_write32(block + Register.tail, 0)
  }
}
