import DeviceModel
import GuestMemory
import Testing

@testable import EmulatedDevices

@Suite struct E1000ReceiveTests {
  let driver: E1000Driver
  init() throws { driver = try E1000Driver() }

  private static let done: UInt8 = 0x03

  @Test func frameArrivesAsItWasAndInterrupts() throws {
    try driver.start()
    let frame = Frames.ethernet(size: 100)
    driver.deliver([frame])
    let received = try driver.received(0)
    #expect(received.bytes == frame)
    #expect(received.status & Self.done == Self.done)
    #expect(received.errors == 0)
    #expect(driver.read(.receiveHead) == 1)
    #expect(driver.line.isAsserted)
    #expect(driver.read(.interruptCause) == UInt64(E1000Cause.received))
  }

  @Test func packetChecksumCoversWhatItIsToldTo() throws {
    try driver.start()
    let frame = Frames.ethernet(size: 101)
    driver.deliver([frame])
    driver.write(14, .receiveChecksum)
    driver.deliver([frame])
    #expect(try driver.received(0).checksum == Frames.onesComplementSum(frame))
    #expect(try driver.received(1).checksum == Frames.onesComplementSum(frame[14...]))
  }

  @Test func shortFramesArePaddedAndTheCheckSequenceIsAppended() throws {
    try driver.start(receiveControl: 0x8002)
    driver.deliver([Frames.ethernet(size: 40)])
    let received = try driver.received(0)
    #expect(received.length == 64)
    #expect(received.bytes[40..<60].allSatisfy { $0 == 0 })
    // Over a frame and its check sequence the CRC register always ends with this residue (IEEE 802.3, 3.2.9).
    let register = received.bytes.reduce(UInt32.max) { register, byte in
      (0..<8).reduce(register ^ UInt32(byte)) { value, _ in value >> 1 ^ (value & 1 != 0 ? 0xEDB8_8320 : 0) }
    }
    #expect(register == 0xDEBB_20E3)
  }

  @Test func ringWrapsAround() throws {
    try driver.start()
    var arrived: [[UInt8]] = []
    let frames = (0..<60).map { Frames.ethernet(size: 60 + $0, seed: $0) }
    for (index, frame) in frames.enumerated() {
      driver.deliver([frame])
      let slot = UInt64(index) % driver.receiveCount
      arrived.append(try driver.received(slot).bytes)
      try driver.provide(slot, address: E1000Driver.receiveBuffers + slot * 4096)
      driver.giveBack(slot)
    }
    #expect(arrived == frames)
  }

  @Test(
    arguments: [
      (0x0001_0000, 1024), (0x0002_0000, 512), (0x0003_0000, 256), (0x0203_0000, 4096), (0x0202_0000, 8192),
    ] as [(UInt64, Int)])
  func frameFillsAsManyBuffersAsItNeeds(bits: UInt64, size: Int) throws {
    try driver.start(receiveControl: 0x0400_8022 | bits)
    for index in 0..<driver.receiveCount { try driver.provide(index, address: 0x100000 + index * 0x4000) }
    let frame = Frames.ethernet(size: 2500)
    driver.deliver([frame])
    let pieces = try (0..<UInt64((2500 + size - 1) / size)).map { try driver.received($0) }
    #expect(pieces.flatMap(\.bytes) == frame)
    #expect(pieces.dropLast().allSatisfy { $0.status & Self.done == 1 && $0.length == size })
    #expect(pieces.last.map { $0.status & Self.done } == Self.done)
  }

  @Test func frameWaitsForDescriptors() throws {
    try driver.start()
    let frames = (0..<20).map { Frames.ethernet(seed: $0) }
    driver.deliver(frames)
    #expect(driver.read(.receiveHead) == 15)
    #expect(driver.port.incoming.count == 5)
    #expect(driver.read(.interruptCause) & UInt64(E1000Cause.receiverOverrun | E1000Cause.receiveThreshold) == 0x50)
    #expect(driver.count(.noBuffers) == 1)
    driver.giveBack(4)
    #expect(try (0..<4).map { try driver.received($0).bytes } == Array(frames[16...]))
    #expect(driver.card.counters.received == 20)
  }

  @Test func frameThatNeedsMoreThanIsThereIsHeldWhole() throws {
    try driver.start(receiveControl: 0x0403_8022)
    driver.giveBack(3)
    driver.port.incoming = [Frames.ethernet(size: 1000), Frames.ethernet(size: 64)]
    driver.giveBack(3)
    #expect(driver.read(.receiveHead) == 0)
    driver.giveBack(4)
    #expect(try (0..<4).flatMap { try driver.received($0).bytes } == Frames.ethernet(size: 1000))
    driver.giveBack(5)
    #expect(try driver.received(4).bytes == Frames.ethernet(size: 64))
    #expect(driver.card.counters.dropped == 0)
  }

  @Test func frameThatTheRingCanNeverHoldIsMissed() throws {
    try driver.start(receiveControl: 0x0403_8022)
    driver.deliver([Frames.ethernet(size: 9000), Frames.ethernet(size: 64)])
    #expect(driver.count(.missedPackets) == 1)
    #expect(try driver.received(0).length == 64)
  }

  @Test func nothingArrivesWithoutBusMasteringOrBeforeTheReceiverIsOn() throws {
    try driver.start(receiveControl: 0x0400_8000)
    driver.deliver([Frames.ethernet()])
    driver.becomeBusMaster(0x3)
    driver.write(0x0400_8002, .receiveControl)
    #expect(driver.card.counters.received == 0)
    driver.work()
    #expect(driver.card.counters.received == 0)
    driver.becomeBusMaster(0x7)
    driver.work()
    #expect(driver.card.counters.received == 1)
  }

  @Test func longFramesNeedLeave() throws {
    try driver.start()
    driver.deliver([Frames.ethernet(size: 1518), Frames.ethernet(size: 1519), [1, 2, 3]])
    driver.write(0x0400_8022, .receiveControl)
    driver.deliver([Frames.ethernet(size: 1519)])
    #expect(driver.count(.oversize) == 1)
    #expect(driver.count(.undersize) == 1)
    #expect(driver.card.counters.received == 2)
    #expect(driver.card.counters.dropped == 2)
  }

  @Test func frameThatIsStillToBeSegmentedIsDropped() throws {
    try driver.start()
    driver.port.offload.segmentation = 1
    driver.deliver([Frames.ethernet(size: 1000)])
    #expect(driver.card.counters.dropped == 1)
    #expect(driver.card.counters.received == 0)
  }

  // MARK: Filters

  private func accepted(_ address: [UInt8], receiveControl: UInt64) throws -> Bool {
    let before = driver.card.counters
    driver.write(receiveControl | 0x0400_0002, .receiveControl)
    driver.deliver([Frames.ethernet(to: address)])
    let after = driver.card.counters
    #expect(after.received + after.filtered == before.received + before.filtered + 1)
    return after.received > before.received
  }

  private static let other: [UInt8] = [0x52, 0x54, 0, 1, 1, 1]
  private static let group: [UInt8] = [0x01, 0x00, 0x5E, 0x12, 0x34, 0x56]
  private static let everyone: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]

  @Test func onlyOwnAddressPassesByDefault() throws {
    try driver.start()
    #expect(try accepted(E1000Driver.address, receiveControl: 0))
    #expect(try !accepted(Self.other, receiveControl: 0))
    #expect(try !accepted(Self.group, receiveControl: 0))
    #expect(try !accepted(Self.everyone, receiveControl: 0))
  }

  @Test func promiscuousModesPassWhatTheyName() throws {
    try driver.start()
    #expect(try accepted(Self.other, receiveControl: 1 << 3))
    #expect(try !accepted(Self.group, receiveControl: 1 << 3))
    #expect(try accepted(Self.group, receiveControl: 1 << 4))
    #expect(try !accepted(Self.other, receiveControl: 1 << 4))
    #expect(try accepted(Self.everyone, receiveControl: 1 << 15))
  }

  @Test func everyReceiveAddressCounts() throws {
    try driver.start()
    driver.write(0x0100_5452, at: 0x5478)
    driver.write(0x0000_0101, at: 0x547C)
    #expect(try !accepted(Self.other, receiveControl: 0))
    driver.write(0x8000_0101, at: 0x547C)
    #expect(try accepted(Self.other, receiveControl: 0))
  }

  /// The four hashes of 01:00:5E:12:34:56, from the manual's definition: bits 47:36, 46:35, 45:34 and 43:32.
  @Test(arguments: [(0, 0x563), (1, 0xAC6), (2, 0x58D), (3, 0x634)] as [(UInt64, Int)])
  func multicastHashSelectsItsBit(offset: UInt64, hash: Int) throws {
    try driver.start()
    driver.write(1 << UInt64(hash & 31), at: 0x5200 + 4 * (hash >> 5))
    #expect(try accepted(Self.group, receiveControl: offset << 12))
    driver.write(~(1 << UInt64(hash & 31)), at: 0x5200 + 4 * (hash >> 5))
    #expect(try !accepted(Self.group, receiveControl: offset << 12))
  }

  private static func tagged(_ tag: UInt16) -> [UInt8] {
    let frame = Frames.ethernet(size: 100)
    return frame[..<12] + [0x81, 0x00] + Frames.big(tag) + frame[12...]
  }

  @Test func vlanFilterPassesItsMembers() throws {
    try driver.start(receiveControl: 0x0404_8002)
    driver.deliver([Self.tagged(0x123)])
    driver.write(1 << (0x123 & 31), at: 0x5600 + 4 * (0x123 >> 5))
    driver.deliver([Self.tagged(0x123), Self.tagged(0x124), Frames.ethernet(size: 70)])
    #expect(driver.card.counters.filtered == 2)
    #expect(try (0..<2).map { try driver.received($0).length } == [104, 70])
  }

  @Test func vlanTagIsStripped() throws {
    try driver.start()
    driver.write(1 << 30, .control)
    driver.deliver([Self.tagged(0x6123)])
    let received = try driver.received(0)
    #expect(received.bytes == Frames.ethernet(size: 100))
    #expect(received.special == 0x6123)
    #expect(received.status & 8 == 8)
  }

  // MARK: Checksums and counters

  private static let payload = (0..<501).map { UInt8(truncatingIfNeeded: $0 * 5) }

  @Test func goodChecksumsAreConfirmed() throws {
    try driver.start()
    driver.deliver([Frames.udp(payload: Self.payload)])
    #expect(try driver.received(0).status & 0x64 == 0x60)
    #expect(try driver.received(0).errors == 0)
  }

  @Test(arguments: [(30, 0x60), (22, 0x40), (100, 0x20)] as [(Int, UInt8)])
  func badChecksumsAreReported(broken: Int, errors: UInt8) throws {
    try driver.start()
    var frame = Frames.udp(payload: Self.payload)
    frame[broken] ^= 0x10
    driver.deliver([frame])
    #expect(try driver.received(0).errors == errors)
  }

  @Test func otherFramesAreMarkedAsNotLookedAt() throws {
    try driver.start()
    driver.deliver([Frames.ethernet()])
    #expect(try driver.received(0).status & 0x64 == 0x04)
  }

  @Test func checksumLeftByTheFarSideIsComputed() throws {
    try driver.start()
    let expected = Frames.udp(payload: Self.payload)
    var frame = expected
    let pseudo = Frames.pseudoHeader(Frames.source, Frames.destination, protocol: 17, length: 8 + Self.payload.count)
    frame.replaceSubrange(40..<42, with: Frames.big(Frames.onesComplementSum(pseudo)))
    driver.port.offload.flags = 1
    driver.port.offload.checksumStart = 34
    driver.port.offload.checksumOffset = 6
    driver.deliver([frame])
    #expect(try driver.received(0).bytes == expected)
  }

  @Test func countersAreClearedByReading() throws {
    try driver.start()
    driver.deliver([
      Frames.ethernet(size: 60), Frames.ethernet(to: Self.everyone, size: 200), Frames.ethernet(to: Self.other),
    ])
    #expect(driver.count(.goodReceived) == 2)
    #expect(driver.count(.goodReceived) == 0)
    #expect(driver.count(.totalReceived) == 3)
    #expect(driver.count(.broadcastReceived) == 1)
    #expect(driver.count(.received64) == 1)
    #expect(driver.read(at: 0x4064) == 1)
    #expect(driver.count(.goodOctetsReceived) == 60 + 200 + 8)
    #expect(driver.read(at: 0x408C) == 0)
    #expect(driver.count(.totalOctetsReceived) == 60 + 200 + 64 + 12)
  }

  @Test func answeringPortIsAskedNoMoreThanItsAnswersAreTaken() throws {
    try driver.start(receiveControl: 0x0400_800A)
    driver.port.isEcho = true
    let frames = (0..<3).map { Frames.ethernet(to: Self.other, size: 300, seed: $0) }
    for frame in frames { try driver.send(frame) }
    #expect(driver.port.sent.count == 1)
    driver.work()
    #expect(driver.port.sent == frames)
    #expect(try (0..<3).map { try driver.received($0).bytes } == frames)
    #expect(driver.read(.interruptCause) & UInt64(E1000Cause.received) != 0)
  }

  @Test func answersThatNobodyTakesDoNotHoldUpTheTransmitter() throws {
    try driver.start()
    driver.write(0, .receiveLength)
    driver.port.isEcho = true
    for seed in 0..<3 { try driver.send(Frames.ethernet(seed: seed)) }
    #expect(driver.port.sent.count == 3)
  }
}
