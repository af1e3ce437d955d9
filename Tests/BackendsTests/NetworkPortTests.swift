import Backends
import Glibc
import GuestMemory
import PVWire
import Testing

/// Memory that stands for a guest's.
private final class Parts {
  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: 70_000, alignment: 8)
  var ranges: [HostRange] = []

  /// Parts of these lengths, one behind the other.
  init(_ counts: Int..., filledFrom first: UInt8 = 0) {
    for index in bytes.indices { bytes[index] = UInt8(truncatingIfNeeded: Int(first) + index) }
    var offset = 0
    for count in counts {
      if let start = bytes.baseAddress { ranges.append(HostRange(start: start + offset, count: count)) }
      offset += count
    }
  }

  deinit { bytes.deallocate() }
}

extension NetworkPort {
  fileprivate func send(_ parts: Parts, offload: FrameOffload = FrameOffload()) {
    let ranges = parts.ranges
    send(ranges.span, offload: offload)
  }

  fileprivate func receive(into parts: Parts) -> (count: Int?, offload: FrameOffload) {
    var offload = FrameOffload()
    let ranges = parts.ranges
    return (receive(into: ranges.span, offload: &offload), offload)
  }
}

struct EchoPortTests {
  private let port: EchoPort
  init() throws { port = try EchoPort(maximumFrame: 1514, capacity: 4) }

  @Test func frameComesBackWithItsAddressesExchanged() {
    let back = Parts(5, 100)
    port.send(Parts(10, 50))
    #expect(port.hasInput)
    #expect(port.receive(into: back).count == 60)
    let expected = [UInt8](6..<12) + [UInt8](0..<6) + [UInt8](12..<60)
    #expect(Array(back.bytes[0..<60]) == expected)
    #expect(!port.hasInput)
  }

  @Test func offloadComesBackToo() {
    var offload = FrameOffload()
    offload.flags = 1
    offload.checksumStart = 34
    offload.checksumOffset = 16
    port.send(Parts(60), offload: offload)
    #expect(port.receive(into: Parts(1514)).offload == offload)
  }

  @Test func framesComeBackInOrder() {
    for count in 60..<64 { port.send(Parts(count)) }
    #expect((0..<5).map { _ in port.receive(into: Parts(1514)).count } == [60, 61, 62, 63, nil])
  }

  @Test func whatDoesNotFitIsDroppedAndCounted() {
    for _ in 0..<6 { port.send(Parts(60)) }
    port.send(Parts(13))
    port.send(Parts(1515))
    #expect(port.counters.sent == 4)
    #expect(port.counters.droppedOutgoing == 4)
  }

  @Test func whatTheReceiverHasNoRoomForIsDroppedAndCounted() {
    port.send(Parts(60))
    port.send(Parts(40))
    #expect(port.receive(into: Parts(50)).count == 40)
    #expect(port.counters.droppedIncoming == 1)
    #expect(port.counters.received == 1)
  }
}

struct SourceAndSinkTests {
  @Test func sourceNumbersItsFramesAndTheSinkFindsThemIntact() throws {
    let source = try SourcePort(size: 64, rate: 0)
    let sink = try SinkPort()
    let frame = Parts(30, 34)
    for _ in 0..<1000 {
      #expect(source.receive(into: frame).count == 64)
      sink.send(frame)
    }
    #expect(source.counters.received == 1000)
    #expect(sink.counters.sent == 1000)
    #expect(sink.verdict == NetworkPortVerdict())
  }

  @Test func sinkSeesLossDamageAndRepetition() throws {
    let source = try SourcePort(size: 1514, rate: 0)
    let sink = try SinkPort()
    let frame = Parts(1514)
    _ = source.receive(into: frame)
    sink.send(frame)
    sink.send(frame)
    _ = source.receive(into: frame)
    _ = source.receive(into: frame)
    sink.send(frame)
    frame.bytes[1000] ^= 1
    sink.send(frame)
    var expected = NetworkPortVerdict()
    expected.lost = 1
    expected.duplicated = 1
    expected.corrupted = 1
    #expect(sink.verdict == expected)
  }

  @Test func aSourceOf64KiBGivesADatagramToBeSegmented() throws {
    let source = try SourcePort(size: 65_549, rate: 0)
    let frame = Parts(30_000, 40_000)
    let received = source.receive(into: frame)
    #expect(received.count == 65_549)
    #expect(source.maximumFrame == 65_550)
    #expect([received.offload.flags, received.offload.segmentation] == [1, 5])
    #expect(received.offload.segmentSize == 1472)
    #expect([received.offload.checksumStart, received.offload.checksumOffset] == [34, 6])
    let start = try #require(frame.bytes.baseAddress)
    #expect(ProbeDatagram.route(of: start, size: 65_549)?.destination == ProbeDatagram.guestAddress)
    #expect(ProbeDatagram.content(of: start)?.sequence == 0)
  }

  @Test func aSinkChecksDatagramsToItsPort() throws {
    let sink = try SinkPort()
    let frame = Parts(65_549)
    let start = try #require(frame.bytes.baseAddress)
    let route = ProbeDatagram.Route(
      hardwareSource: 1, hardwareDestination: 2, source: ProbeDatagram.guestAddress,
      destination: ProbeDatagram.farAddress, sourcePort: ProbeDatagram.guestPort,
      destinationPort: ProbeDatagram.sinkPort)
    let constants = ProbeDatagram.prepare(start, size: 65_549, route: route, leavesChecksum: true)
    for sequence: UInt64 in [0, 2] {
      ProbeDatagram.seal(start, constants, content: ProbeFrame.Content(sequence: sequence, stamp: 0))
      sink.send(frame)
    }
    frame.bytes[65_548] ^= 1
    sink.send(frame)
    #expect(sink.verdict.lost == 1)
    #expect(sink.verdict.corrupted == 1)
  }

  @Test func otherFramesAreNobodysBusiness() throws {
    let sink = try SinkPort()
    sink.send(Parts(60))
    #expect(sink.counters.sent == 1)
    #expect(sink.verdict == NetworkPortVerdict())
  }

  @Test func shortBufferLosesAFrameAndItsNumber() throws {
    let source = try SourcePort(size: 64, rate: 0)
    #expect(source.receive(into: Parts(63)).count == nil)
    let frame = Parts(64)
    _ = source.receive(into: frame)
    let start = try #require(frame.bytes.baseAddress)
    #expect(ProbeFrame.content(of: start, size: 64)?.sequence == 1)
    #expect(source.counters.droppedIncoming == 1)
  }

  @Test func rateHoldsFramesBackUntilTheyAreDue() throws {
    let source = try SourcePort(size: 64, rate: 1)
    #expect(source.receive(into: Parts(64)).count == 64)
    #expect(source.receive(into: Parts(64)).count == nil)
    #expect(!source.hasInput)
    #expect(source.inputDescriptor >= 0)
  }

  @Test func lateReceiverLosesWhatIsBeyondTheBacklog() throws {
    let source = try SourcePort(size: 64, rate: 1_000_000_000)
    _ = source.receive(into: Parts(64))
    usleep(10_000)
    _ = source.receive(into: Parts(64))
    #expect(source.counters.received == 2)
    #expect(source.counters.droppedIncoming > 1_000_000)
  }
}

struct SocketPortTests {
  private let ends: (SocketPort, SocketPort)

  init() throws {
    var descriptors: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &descriptors) == 0)
    ends = (try SocketPort(descriptor: descriptors[0]), try SocketPort(descriptor: descriptors[1]))
  }

  @Test func frameArrivesWithItsOffload() {
    var offload = FrameOffload()
    offload.flags = 1
    offload.segmentation = 1
    offload.segmentSize = 1448
    ends.0.send(Parts(1000, 60_000), offload: offload)
    let frame = Parts(10, 65_540)
    let received = ends.1.receive(into: frame)
    #expect(received.count == 61_000)
    #expect(received.offload == offload)
    #expect(frame.bytes[60_999] == UInt8(truncatingIfNeeded: 60_999))
  }

  @Test func frameThatIsTooLongIsDroppedAndTheNextOneArrives() {
    ends.0.send(Parts(200))
    ends.0.send(Parts(60))
    #expect(ends.1.hasInput)
    #expect(ends.1.receive(into: Parts(100)).count == 60)
    #expect(ends.1.counters.droppedIncoming == 1)
    #expect(ends.1.receive(into: Parts(100)).count == nil)
  }

  @Test func everyFrameIsSentOrCountedAsDropped() {
    let frame = Parts(1514)
    for _ in 0..<5000 { ends.0.send(frame) }
    let received = (0..<5001).prefix { _ in ends.1.receive(into: frame).count != nil }.count
    #expect(ends.0.counters.droppedOutgoing > 0)
    #expect(ends.0.counters.sent + ends.0.counters.droppedOutgoing == 5000)
    #expect(ends.0.counters.sent == UInt64(received))
    #expect(ends.1.counters.received == UInt64(received))
  }

  @Test func thePeersEndIsNoInput() throws {
    var descriptors: [Int32] = [0, 0]
    try #require(socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue), 0, &descriptors) == 0)
    let port = try SocketPort(descriptor: descriptors[0])
    close(descriptors[1])
    #expect(port.receive(into: Parts(100)).count == nil)
    #expect(port.inputDescriptor == -1)
    port.send(Parts(60))
    #expect(port.counters.droppedOutgoing == 1)
  }

  @Test func otherDescriptorsAreRefused() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    defer { ends.forEach { close($0) } }
    #expect(throws: NetworkPortError.notASocket(descriptor: ends[0])) { try SocketPort(descriptor: ends[0]) }
  }
}

struct TapPortTests {
  @Test(arguments: ["", "a name", "a/b", "sixteen-letters-"]) func impossibleNamesAreRefused(name: String) {
    #expect(throws: NetworkPortError.badName(name)) { try TapPort(name: name) }
  }
}
