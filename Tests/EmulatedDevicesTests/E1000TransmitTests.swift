import DeviceModel
import GuestMemory
import Testing

@testable import EmulatedDevices

@Suite struct E1000TransmitTests {
  let driver: E1000Driver
  init() throws { driver = try E1000Driver() }

  @Test func frameLeavesAsItWasAndIsReported() throws {
    try driver.start()
    let frame = Frames.ethernet(to: [6, 5, 4, 3, 2, 1], size: 100)
    try driver.send(frame)
    #expect(driver.port.sent == [frame])
    #expect(try driver.transmitStatus(0) & 1 == 1)
    #expect(driver.read(.transmitHead) == 1)
    #expect(driver.line.isAsserted)
    #expect(driver.read(.interruptCause) == UInt64(E1000Cause.descriptorWrittenBack | E1000Cause.transmitQueueEmpty))
  }

  @Test func descriptorWithoutReportIsNotWritten() throws {
    try driver.start()
    try driver.send(Frames.ethernet(), command: 0x03)
    #expect(driver.port.sent.count == 1)
    #expect(try driver.transmitStatus(0) == 0)
    #expect(driver.read(.interruptCause) == UInt64(E1000Cause.transmitQueueEmpty))
  }

  @Test func frameInPiecesLeavesWhole() throws {
    try driver.start()
    let frame = Frames.ethernet(size: 1000)
    try driver.memory.write(frame, at: GuestAddress(E1000Driver.transmitBuffers))
    try driver.queue(E1000Driver.transmitBuffers, lower: 0x0800_0000 | 299)
    try driver.queue(E1000Driver.transmitBuffers + 299, lower: 0x0800_0000 | 1)
    try driver.queue(E1000Driver.transmitBuffers + 300, lower: 0x0000_0000 | 300)
    driver.kick()
    #expect(driver.port.sent.isEmpty)
    try driver.queue(E1000Driver.transmitBuffers + 600, lower: 0x0900_0000 | 400)
    driver.kick()
    #expect(driver.port.sent == [frame])
    #expect(try (0..<4).map { try driver.transmitStatus($0) } == [1, 1, 0, 1])
  }

  @Test func ringWrapsAround() throws {
    try driver.start()
    let frames = (0..<50).map { Frames.ethernet(size: 60 + $0, seed: $0) }
    for frame in frames { try driver.send(frame) }
    #expect(driver.port.sent == frames)
    #expect(driver.read(.transmitHead) == 50 % driver.transmitCount)
  }

  @Test func shortFramesArePaddedWhereAsked() throws {
    try driver.start(transmitControl: 0xA)
    try driver.send(Frames.ethernet(size: 20))
    driver.write(0x2, .transmitControl)
    try driver.send(Frames.ethernet(size: 20))
    #expect(driver.port.sent.map(\.count) == [60, 20])
    #expect(driver.port.sent[0] == Frames.ethernet(size: 20) + [UInt8](repeating: 0, count: 40))
  }

  @Test func nothingLeavesWithoutBusMasteringOrBeforeTheTransmitterIsOn() throws {
    try driver.start(transmitControl: 0)
    try driver.send(Frames.ethernet())
    #expect(driver.port.sent.isEmpty)
    driver.becomeBusMaster(0x3)
    driver.write(0xA, .transmitControl)
    #expect(driver.port.sent.isEmpty)
    driver.becomeBusMaster(0x7)
    #expect(driver.port.sent.count == 1)
  }

  @Test func longRingIsSentInTurns() throws {
    try driver.start()
    let count: UInt64 = 4000
    driver.port.isForgetful = true
    try driver.memory.write(Frames.ethernet(), at: GuestAddress(E1000Driver.transmitBuffers))
    for index in 0..<count {
      let place = GuestAddress(0x300000 + index * 16)
      try driver.memory.write(E1000Driver.transmitBuffers, at: place)
      try driver.memory.write(UInt64(0x0B00_0040), at: place + 8)
    }
    driver.write(0x300000, .transmitBaseLow)
    driver.write(4096 * 16, .transmitLength)
    driver.write(count, .transmitTail)
    #expect(driver.port.counters.sent == 1024)
    let turns = (0..<100).filter { _ in driver.card.shared.withCore { $0.workerTurn() }.hasMore }
    #expect(driver.port.counters.sent == count)
    #expect(turns.count == Int(count - 1024 - 1) / 64)
  }

  @Test func vlanTagIsInserted() throws {
    try driver.start()
    driver.write(1 << 30 | 0x40, .control)
    let frame = Frames.ethernet(size: 100)
    try driver.memory.write(frame, at: GuestAddress(E1000Driver.transmitBuffers))
    try driver.queue(E1000Driver.transmitBuffers, lower: 0x4B00_0000 | 100, upper: 0x6123_0000)
    driver.kick()
    #expect(driver.port.sent == [frame[..<12] + [0x81, 0x00, 0x61, 0x23] + frame[12...]])
  }

  @Test func countersAreClearedByReading() throws {
    try driver.start()
    try driver.send(Frames.ethernet(to: [2, 2, 2, 2, 2, 2], size: 60))
    try driver.send(Frames.ethernet(to: [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], size: 600))
    try driver.send(Frames.ethernet(to: [3, 2, 2, 2, 2, 2], size: 1514))
    #expect(driver.count(.goodTransmitted) == 3)
    #expect(driver.count(.goodTransmitted) == 0)
    #expect(driver.count(.totalTransmitted) == 3)
    #expect(driver.count(.broadcastTransmitted) == 1)
    #expect(driver.count(.multicastTransmitted) == 1)
    #expect(driver.count(.transmitted64) == 1)
    #expect(driver.read(at: 0x40E8) == 1)
    #expect(driver.read(at: 0x40EC) == 1)
    #expect(driver.count(.goodOctetsTransmitted) == 60 + 600 + 1514 + 12)
    #expect(driver.read(at: 0x4094) == 0)
    #expect(driver.count(.goodOctetsTransmitted) == 0)
  }
}

@Suite struct E1000ChecksumTests {
  let driver: E1000Driver
  init() throws {
    driver = try E1000Driver()
    try driver.start()
  }

  /// A context descriptor for Ethernet, IPv4 without options, and TCP or UDP.
  private func queueContext(isTCP: Bool, segmentSize: UInt16 = 0, headerLength: UInt8 = 0, payload: Int = 0) throws {
    let network: UInt64 = 14 | 24 << 8 | 33 << 16
    let transport: UInt64 = 34 | (34 + (isTCP ? 16 : 6)) << 8
    let segments = segmentSize > 0
    let command: UInt32 = 0x22 | (isTCP ? 1 : 0) | (segments ? 4 : 0)
    try driver.queue(
      network | transport << 32, lower: UInt32(payload) | command << 24,
      upper: UInt32(segmentSize) << 16 | UInt32(headerLength) << 8)
  }

  private func queueData(_ bytes: [UInt8], segments: Bool, options: UInt32 = 3) throws {
    let buffer = E1000Driver.transmitBuffers + driver.transmitTail * 4096
    try driver.memory.write(bytes, at: GuestAddress(buffer))
    try driver.queue(
      buffer, lower: UInt32(bytes.count) | 0x2B10_0000 | (segments ? 1 << 26 : 0), upper: options << 8)
    driver.kick()
  }

  /// TCP in IPv4 as a driver hands it over: no IP checksum, the pseudo-header's sum (with this length) in the TCP checksum.
  private func tcp(_ payload: [UInt8], flags: UInt8, pseudoLength: Int, sequence: UInt32 = 0xFFFF_FF00) -> [UInt8] {
    let pseudo = Frames.onesComplementSum(
      Frames.pseudoHeader(Frames.source, Frames.destination, protocol: 6, length: pseudoLength))
    let header =
      Frames.big(UInt16(80)) + Frames.big(UInt16(81)) + Frames.big(sequence) + Frames.big(UInt32(7)) + [0x50, flags]
      + Frames.big(UInt16(500)) + Frames.big(pseudo) + [0, 0]
    return Frames.ethernet(type: 0x0800, size: 14) + Frames.ipv4(protocol: 6, length: 20 + payload.count) + header
      + payload
  }

  /// The ones' complement sums that must be all ones in a frame without options.
  private func sums(_ frame: [UInt8], protocol number: UInt8) -> [UInt16] {
    let transport = Array(frame[34...])
    let pseudo = Frames.pseudoHeader(
      Array(frame[26..<30]), Array(frame[30..<34]), protocol: number, length: transport.count)
    return [Frames.onesComplementSum(frame[14..<34]), Frames.onesComplementSum(pseudo + transport)]
  }

  @Test(arguments: [0, 1, 2, 3, 5, 100, 777, 1460])
  func tcpAndIPChecksumsAreInserted(count: Int) throws {
    let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 31 + 5) }
    try queueContext(isTCP: true)
    try queueData(tcp(payload, flags: 0x18, pseudoLength: 20 + count), segments: false)
    let frame = Array(driver.port.sent[0].prefix(54 + count))
    #expect(sums(frame, protocol: 6) == [0xFFFF, 0xFFFF])
    #expect(Array(frame[54...]) == payload)
  }

  @Test func udpChecksumIsTheOneOfAnotherImplementation() throws {
    let expected = Frames.udp(payload: (0..<333).map { UInt8(truncatingIfNeeded: $0) })
    var frame = expected
    frame.replaceSubrange(24..<26, with: [0, 0])
    let pseudo = Frames.pseudoHeader(Frames.source, Frames.destination, protocol: 17, length: 341)
    frame.replaceSubrange(40..<42, with: Frames.big(Frames.onesComplementSum(pseudo)))
    try queueContext(isTCP: false)
    try queueData(frame, segments: false)
    #expect(driver.port.sent == [expected])
  }

  @Test func udpChecksumOfZeroIsSentAsAllOnes() throws {
    // The last word makes the sum all ones, whose complement is 0.
    var frame = Frames.ethernet(type: 0x0800, size: 14) + Frames.ipv4Complete(protocol: 17, length: 50)
    frame += Frames.big(UInt16(1)) + Frames.big(UInt16(2)) + Frames.big(UInt16(50)) + [0, 0]
    frame += [UInt8](repeating: 1, count: 40)
    frame += Frames.big(~Frames.onesComplementSum(frame[34...]))
    try queueContext(isTCP: false)
    try queueData(frame, segments: false, options: 2)
    #expect(Frames.word(driver.port.sent[0][40..<42]) == 0xFFFF)
  }

  @Test func withoutOptionsNothingIsInserted() throws {
    let frame = tcp([1, 2, 3, 4, 5, 6, 7, 8], flags: 0x18, pseudoLength: 28)
    try queueContext(isTCP: true)
    try queueData(frame, segments: false, options: 0)
    #expect(driver.port.sent == [frame])
  }

  @Test func legacyDescriptorInsertsOneChecksum() throws {
    var frame = Frames.ethernet(size: 80)
    frame.replaceSubrange(50..<52, with: [0, 0])
    let buffer = E1000Driver.transmitBuffers
    try driver.memory.write(frame, at: GuestAddress(buffer))
    try driver.queue(buffer, lower: 0x0F00_0000 | 50 << 16 | 80, upper: 20 << 8)
    driver.kick()
    frame.replaceSubrange(50..<52, with: Frames.big(~Frames.onesComplementSum(frame[20...])))
    #expect(driver.port.sent == [frame])
  }

  @Test func checksumPlacesOutsideOfTheFrameAreIgnored() throws {
    let frame = Frames.ethernet(size: 60)
    try driver.queue(UInt64.max, lower: 0x2200_0000)
    try queueData(frame, segments: false)
    #expect(driver.port.sent == [frame])
  }

  // MARK: Segmentation

  @Test(arguments: [(4000, 1460), (4380, 1460), (1460, 1460), (10, 1460), (3000, 100), (0, 500)])
  func tcpIsSegmented(count: Int, segmentSize: Int) throws {
    let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 13 + $0 >> 8) }
    try queueContext(isTCP: true, segmentSize: UInt16(segmentSize), headerLength: 54, payload: count)
    try queueData(tcp(payload, flags: 0x19, pseudoLength: 0), segments: true)

    let frames = driver.port.sent.map { Array($0.prefix(14 + Int(Frames.word($0[16..<18])))) }
    let lengths = count == 0 ? [0] : stride(from: 0, to: count, by: segmentSize).map { min(segmentSize, count - $0) }
    #expect(frames.map { $0.count - 54 } == lengths)
    #expect(frames.flatMap { $0[54...] } == payload)
    #expect(frames.allSatisfy { sums($0, protocol: 6) == [0xFFFF, 0xFFFF] })
    #expect(frames.enumerated().allSatisfy { Frames.word($1[18..<20]) == 0x1234 + UInt16($0) })
    #expect(
      frames.enumerated().allSatisfy { Frames.long($1[38..<42]) == 0xFFFF_FF00 &+ UInt32($0 * segmentSize) })
    // PSH and FIN only in the last one, ACK in all.
    #expect(frames.map { $0[47] } == frames.indices.map { $0 == frames.count - 1 ? 0x19 : 0x10 })
    #expect(driver.count(.segmentationContexts) == 1)
  }

  @Test func segmentedPacketMayLieInAnyPieces() throws {
    let payload = (0..<5000).map { UInt8(truncatingIfNeeded: $0 * 3) }
    let packet = tcp(payload, flags: 0x18, pseudoLength: 0)
    let buffer = E1000Driver.transmitBuffers
    try driver.memory.write(packet, at: GuestAddress(buffer))
    try queueContext(isTCP: true, segmentSize: 1000, headerLength: 54, payload: 5000)
    var offset = 0
    for size in [20, 34, 1, 999, 1500, 2500] {
      let isLast = offset + size == packet.count
      try driver.queue(
        buffer + UInt64(offset), lower: UInt32(size) | 0x2E10_0000 | (isLast ? 1 << 24 : 0), upper: 3 << 8)
      offset += size
    }
    driver.kick()
    #expect(driver.port.sent.map(\.count) == [1054, 1054, 1054, 1054, 1054])
    #expect(driver.port.sent.flatMap { $0[54...] } == payload)
    #expect(driver.port.sent.allSatisfy { sums($0, protocol: 6) == [0xFFFF, 0xFFFF] })
  }

  @Test func segmentsCarryTheVLANTag() throws {
    driver.write(1 << 30, .control)
    let buffer = E1000Driver.transmitBuffers
    try driver.memory.write(
      tcp([UInt8](repeating: 9, count: 300), flags: 0x18, pseudoLength: 0), at: GuestAddress(buffer))
    try queueContext(isTCP: true, segmentSize: 100, headerLength: 54, payload: 300)
    try driver.queue(buffer, lower: 354 | 0x6F10_0000, upper: 0x0123_0300)
    driver.kick()
    #expect(driver.port.sent.map { Array($0[12..<18]) } == Array(repeating: [0x81, 0, 1, 0x23, 8, 0], count: 3))
    #expect(driver.port.sent.flatMap { $0[58...] } == [UInt8](repeating: 9, count: 300))
  }

  @Test(
    arguments: [
      (0, 54), (1, 54), (31, 54), (16384, 54), (65535, 255), (1460, 0), (1460, 13), (1460, 53),
    ] as [(UInt16, UInt8)])
  func absurdSegmentationIsRefused(segmentSize: UInt16, headerLength: UInt8) throws {
    let network: UInt64 = 14 | 24 << 8 | 33 << 16
    let transport: UInt64 = 34 | 50 << 8
    try driver.queue(
      network | transport << 32, lower: 0x2700_0000, upper: UInt32(segmentSize) << 16 | UInt32(headerLength) << 8)
    try queueData(tcp([UInt8](repeating: 1, count: 3000), flags: 0x18, pseudoLength: 0), segments: true)
    #expect(driver.port.sent.isEmpty)
    #expect(driver.card.counters.refused == 1)
    #expect(driver.read(.transmitHead) == 2)
  }
}
