import Backends
import DeviceModel
import GuestMemory
import ParavirtDevices
import Testing

struct VirtioNetTests {
  private func bytes(_ rig: NetRig, buffer: Int, from offset: Int = 0, count: Int) throws -> [UInt8] {
    try rig.memory.bytes(at: GuestAddress(NetRig.buffers + 0x1000 * UInt64(buffer) + UInt64(offset)), count: count)
  }

  @Test func echoedFrameArrivesBehindAHeader() throws {
    let rig = try NetRig(port: try EchoPort())
    try rig.giveBuffers(2, size: 2048)
    try rig.transmit(NetRig.frame(64))
    try rig.waitForUsed(1, of: 0)
    #expect(try rig.queues[0].used(0) == (0, 76))
    #expect(try bytes(rig, buffer: 0, count: 12) == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0])
    #expect(try bytes(rig, buffer: 0, from: 12, count: 64) == NetRig.echoed(64))
    #expect(try rig.queues[1].used(0) == (0, 0))
  }

  @Test func frameMayBeSplitAnywhere() throws {
    let rig = try NetRig(port: try EchoPort())
    try rig.giveBuffers(1, size: 2048)
    try rig.transmit(NetRig.frame(1400), parts: [1, 5, 700])
    try rig.waitForUsed(1, of: 0)
    #expect(try bytes(rig, buffer: 0, from: 12, count: 1400) == NetRig.echoed(1400))
  }

  @Test func longFrameFillsSeveralBuffers() throws {
    let rig = try NetRig(port: try EchoPort(maximumFrame: 1514))
    try rig.giveBuffers(16, size: 256)
    try rig.transmit(NetRig.frame(600))
    try rig.waitForUsed(3, of: 0)
    #expect(try (0..<3).map { try rig.queues[0].used($0).written } == [256, 256, 100])
    #expect(try bytes(rig, buffer: 0, from: 10, count: 2) == [3, 0])
    let data = try bytes(rig, buffer: 0, from: 12, count: 244) + bytes(rig, buffer: 1, count: 256)
    #expect(try data + bytes(rig, buffer: 2, count: 100) == NetRig.echoed(600))
    // The next frame begins in a buffer of its own.
    try rig.transmit(NetRig.frame(64))
    try rig.waitForUsed(4, of: 0)
    #expect(try rig.queues[0].used(3) == (3, 76))
  }

  @Test func withoutMergingAFrameStaysInItsChain() throws {
    let rig = try NetRig(port: try EchoPort(), features: [.version1, .netControlQueue])
    try rig.giveBuffers(2, size: 1526)
    try rig.transmit(NetRig.frame(1514))
    try rig.waitForUsed(1, of: 0)
    #expect(try rig.queues[0].used(0).written == 1526)
    #expect(try bytes(rig, buffer: 0, from: 10, count: 2) == [1, 0])
  }

  @Test func offloadHeaderPassesThrough() throws {
    let features = NetRig.features.union([.netChecksum, .netGuestChecksum, .netHostTSO4, .netGuestTSO4])
    let rig = try NetRig(port: try EchoPort(), features: features)
    try rig.giveBuffers(16, size: 4096)
    var offload = FrameOffload()
    offload.flags = 1
    offload.segmentation = 1
    offload.headerLength = 54
    offload.segmentSize = 1448
    offload.checksumStart = 34
    offload.checksumOffset = 16
    try rig.transmit(NetRig.frame(9000), header: offload)
    try rig.waitForUsed(3, of: 0)
    #expect(try rig.memory.read(FrameOffload.self, at: GuestAddress(NetRig.buffers)) == offload)
    #expect(try bytes(rig, buffer: 0, from: 10, count: 2) == [3, 0])
  }

  @Test func whatWasNotNegotiatedGoesNowhere() throws {
    let rig = try NetRig(port: try EchoPort())
    try rig.giveBuffers(2, size: 2048)
    var offload = FrameOffload()
    offload.flags = 1
    try rig.transmit(NetRig.frame(64), header: offload)
    try rig.transmit(NetRig.frame(1515))
    try rig.transmit(NetRig.frame(13))
    rig.stop()
    #expect(rig.card.worker.counters.droppedOutgoing == 3)
    #expect(rig.card.worker.counters.transmitted == 3)
    #expect(try rig.queues[0].usedIndex() == 0)
  }

  @Test func offloadThatTheDriverDoesNotTakeIsDroppedOnTheWayIn() throws {
    let rig = try NetRig(port: try EchoPort(), features: NetRig.features.union(.netChecksum))
    try rig.giveBuffers(2, size: 2048)
    var offload = FrameOffload()
    offload.flags = 1
    try rig.transmit(NetRig.frame(64), header: offload)
    try rig.transmit(NetRig.frame(64))
    try rig.waitForUsed(1, of: 0)
    rig.stop()
    #expect(rig.card.worker.counters.droppedIncoming == 1)
    #expect(rig.card.worker.counters.received == 1)
  }

  @Test func everyFrameIsAccountedFor() throws {
    let port = try EchoPort(capacity: 4)
    let rig = try NetRig(port: port)
    for _ in 0..<10 { try rig.transmit(NetRig.frame(64)) }
    rig.stop()
    #expect(rig.card.worker.counters.transmitted == 10)
    #expect(port.counters.sent == 4)
    #expect(port.counters.droppedOutgoing == 6)
    #expect(port.counters.received == 0)
  }

  @Test func framesWaitForBuffers() throws {
    let port = try EchoPort()
    let rig = try NetRig(port: port)
    try rig.transmit(NetRig.frame(64))
    try rig.transmit(NetRig.frame(65))
    try rig.giveBuffers(2, size: 2048)
    try rig.waitForUsed(2, of: 0)
    #expect(try (0..<2).map { try rig.queues[0].used($0).written } == [76, 77])
    rig.stop()
    #expect(port.counters.received == 2)
  }

  @Test func sourceFillsWhatItIsGivenAndNoMore() throws {
    let port = try SourcePort(size: 64, rate: 0)
    let rig = try NetRig(port: port)
    try rig.giveBuffers(16, size: 2048)
    try rig.waitForUsed(16, of: 0)
    rig.stop()
    #expect(try rig.queues[0].usedIndex() == 16)
    #expect(port.counters.received == 16)
    #expect(rig.card.worker.counters.received == 16)
  }

  @Test func aLongFrameWaitsForEnoughBuffers() throws {
    let port = try SourcePort(size: 9000, rate: 0)
    let rig = try NetRig(
      port: port, features: NetRig.features.union([.netGuestChecksum, .netGuestUSO4, .netGuestUSO6]))
    try rig.giveBuffers(4, size: 2048)
    try rig.giveBuffers(1, size: 2048)
    try rig.waitForUsed(5, of: 0)
    rig.stop()
    #expect(port.counters.received == 1)
    #expect(port.counters.droppedIncoming == 0)
  }

  @Test func configurationNamesAddressLinkAndPairs() throws {
    let card = try VirtioNet(port: try SinkPort(), address: [2, 3, 4, 5, 6, 7], queuePairs: 3)
    let bytes = (0..<10).map { card.configuration.read(at: $0, width: .byte) }
    #expect(bytes == [2, 3, 4, 5, 6, 7, 1, 0, 3, 0])
    #expect(card.queueSizes == [256, 256, 256, 256, 256, 256, 16])
    #expect(card.features.contains(.netMultiqueue))
  }

  @Test func offloadIsOfferedOnlyWhereThePortCarriesIt() throws {
    let offloads: VirtioFeatures = [.netChecksum, .netGuestChecksum, .netHostTSO4, .netHostTSO6, .netHostUSO]
    #expect(try VirtioNet(port: try EchoPort()).features.isSuperset(of: offloads))
    #expect(try VirtioNet(port: try EchoPort(maximumFrame: 1514)).features.isDisjoint(with: offloads))
  }
}

struct VirtioNetControlTests {
  private let rig: NetRig
  init() throws { rig = try NetRig(port: try EchoPort()) }

  @Test(arguments: [[0, 0, 1], [0, 1, 0]] as [[UInt8]]) func receiveModesAreAcknowledged(_ command: [UInt8]) throws {
    #expect(try rig.control(command) == 0)
  }

  @Test func tablesOfAddressesAreAcknowledged() throws {
    let unicast: [UInt8] = [1, 0, 0, 0, 2, 0, 0, 0, 0, 1]
    let multicast: [UInt8] = [2, 0, 0, 0, 1, 0, 94, 0, 0, 1, 1, 0, 94, 0, 0, 2]
    #expect(try rig.control([1, 0] + unicast + multicast) == 0)
  }

  @Test func newAddressIsTakenAndLastsUntilTheReset() throws {
    #expect(try rig.control([1, 1, 2, 9, 9, 9, 9, 1]) == 0)
    #expect(rig.card.configuration.read(at: 0, width: .long) == 0x0909_0902)
    try rig.restart()
    #expect(rig.card.configuration.read(at: 0, width: .long) == 0x7000_5452)
  }

  static let refused: [[UInt8]] = [
    [0], [9, 9, 9], [0, 0], [0, 2, 1], [1, 1, 2, 9], [1, 0, 1, 0, 0, 0, 2], [1, 0, 255, 255, 255, 255],
    [2, 0, 1, 0], [4, 0, 1, 0],
  ]

  @Test(arguments: refused) func whatCannotBeDoneIsRefused(_ command: [UInt8]) throws {
    #expect(try rig.control(command) == 1)
    #expect(!rig.driver.status.contains(.needsReset))
  }

  @Test func aDriverOfOnePairNeedsNotKnowOfOthers() throws {
    let rig = try NetRig(port: try EchoPort(), queuePairs: 2)
    try rig.giveBuffers(2, size: 2048)
    try rig.transmit(NetRig.frame(64))
    try rig.waitForUsed(1, of: 0)
    #expect(rig.card.features.contains(.netMultiqueue))
    #expect(try rig.queues[0].used(0) == (0, 76))
  }

  @Test func pairsAreUsedOnceTheDriverAskedForThem() throws {
    let rig = try NetRig(
      port: try EchoPort(), queuePairs: 2, features: NetRig.features.union(.netMultiqueue))
    try rig.giveBuffers(2, size: 2048, pair: 1)
    #expect(try rig.control([4, 0, 0, 0]) == 1)
    #expect(try rig.control([4, 0, 3, 0]) == 1)
    #expect(try rig.control([4, 0, 2, 0]) == 0)
    try rig.transmit(NetRig.frame(64), pair: 1)
    try rig.waitForUsed(1, of: 2)
    #expect(try rig.queues[2].used(0) == (0, 76))
    #expect(try rig.queues[0].usedIndex() == 0)
  }
}

/// Drivers that break the rules: the card asks for a reset, and works again after one.
struct HostileNetDriverTests {
  typealias Descriptor = GuestQueue.Descriptor
  private let rig: NetRig
  init() throws { rig = try NetRig(port: try EchoPort()) }

  /// A reset, new rings, and a frame that is echoed.
  private func expectRecovery() throws {
    try rig.waitForNeedsReset()
    rig.driver.write(0, to: .status)
    #expect(rig.driver.status == [])
    try rig.restart()
    try rig.giveBuffers(2, size: 2048)
    try rig.transmit(NetRig.frame(64))
    try rig.waitForUsed(1, of: 0)
    #expect(!rig.driver.status.contains(.needsReset))
  }

  private func publish(_ chain: [Descriptor], on queue: Int, head: UInt16 = 0) throws {
    try rig.queues[queue].writeChain(chain)
    try rig.queues[queue].publish(head)
    rig.ring(queue)
  }

  @Test func writableTransmitBufferNeedsReset() throws {
    try publish([Descriptor(address: NetRig.header, length: 100, flags: Descriptor.isWritable)], on: 1)
    try expectRecovery()
  }

  @Test func transmissionWithoutAHeaderNeedsReset() throws {
    try publish([Descriptor(address: NetRig.header, length: 11)], on: 1)
    try expectRecovery()
  }

  @Test func headOutsideTheTableNeedsReset() throws {
    try publish([], on: 1, head: 999)
    try expectRecovery()
  }

  @Test func readableReceiveBufferNeedsReset() throws {
    try rig.transmit(NetRig.frame(64))
    try publish([Descriptor(address: NetRig.buffers, length: 2048)], on: 0)
    try expectRecovery()
  }

  @Test func receiveBufferWithoutRoomForTheHeaderNeedsReset() throws {
    try rig.transmit(NetRig.frame(64))
    try publish([Descriptor(address: NetRig.buffers, length: 11, flags: Descriptor.isWritable)], on: 0)
    try expectRecovery()
  }

  @Test func receiveBufferOutsideRAMNeedsReset() throws {
    try rig.transmit(NetRig.frame(64))
    try publish([Descriptor(address: 1 << 40, length: 2048, flags: Descriptor.isWritable)], on: 0)
    try expectRecovery()
  }

  @Test func commandWithoutRoomForTheAnswerNeedsReset() throws {
    try publish([Descriptor(address: NetRig.frame, length: 3)], on: 2)
    try expectRecovery()
  }

  @Test func brokenCardTouchesNoQueueAgain() throws {
    try publish([], on: 1, head: 999)
    try rig.waitForNeedsReset()
    try rig.giveBuffers(4, size: 2048)
    try rig.queues[2].publish(0)
    rig.ring(2)
    rig.stop()
    #expect(try rig.queues.map { try $0.usedIndex() } == [0, 0, 0])
  }

  @Test func manyTinyBuffersHoldOneFrame() throws {
    let rig = try NetRig(port: try EchoPort(maximumFrame: 1514))
    let chain = (0..<16).map {
      Descriptor(address: NetRig.buffers + UInt64($0), length: 1, flags: Descriptor.isWritable)
    }
    for round in 0..<100 as Range<UInt16> {
      try rig.queues[0].writeChain(chain)
      try rig.queues[0].publish(0)
      rig.ring(0)
      try rig.transmit(NetRig.frame(64))
      #expect(try rig.queues[1].usedIndex() == round + 1)
    }
    #expect(!rig.driver.status.contains(.needsReset))
  }

  @Test(arguments: [UInt64(1), 0xF00D]) func randomRingsDoNotTrap(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let rig = try NetRig(port: try EchoPort())
    for _ in 0..<2000 {
      try rig.start([.version1, .indirectDescriptors, .netMergeableBuffers, .netControlQueue, .netControlReceive])
      for (number, queue) in rig.queues.enumerated() {
        for index in 0..<queue.size {
          let descriptor = Descriptor(
            address: UInt64.random(in: 0...0x10_0000, using: &generator),
            length: [1, 12, 76, 2048, 70_000, .max].randomElement(using: &generator) ?? 12,
            flags: UInt16.random(in: 0...7, using: &generator), next: UInt16.random(in: 0...16, using: &generator))
          try queue.write(descriptor, at: index)
          try rig.memory.write(UInt16.random(in: 0...16, using: &generator), at: queue.driver + (4 + 2 * UInt64(index)))
        }
        try queue.setAvailable(UInt16.random(in: 0...17, using: &generator))
        rig.ring(number)
      }
    }
    rig.driver.write(0, to: .status)
    #expect(rig.driver.status == [])
    #expect(rig.card.worker.counters.transmitted > 0)
  }
}
