import PVWire
import Testing

struct ProbeDatagramTests {
  static let route = ProbeDatagram.Route(
    hardwareSource: 0x0605_0403_0201, hardwareDestination: 0x1615_1413_1211, source: ProbeDatagram.guestAddress,
    destination: ProbeDatagram.farAddress, sourcePort: ProbeDatagram.guestPort, destinationPort: ProbeDatagram.sinkPort)
  static let size = 71
  private let frame = UnsafeMutableRawBufferPointer.allocate(byteCount: 80, alignment: 8)
  private let start: UnsafeMutableRawPointer

  init() throws {
    start = try #require(frame.baseAddress)
    frame.initializeMemory(as: UInt8.self, repeating: 0xEE)
    let constants = ProbeDatagram.prepare(start, size: Self.size, route: Self.route)
    ProbeDatagram.seal(start, constants, content: ProbeFrame.Content(sequence: 7, stamp: 99))
  }

  /// The one's complement sum of big-endian words, which is all ones where a checksum among them is right (RFC 1071).
  private func sum(_ bytes: [UInt8]) -> UInt32 {
    let padded = bytes + [UInt8](repeating: 0, count: bytes.count % 2)
    let sum = stride(from: 0, to: padded.count, by: 2).reduce(UInt32(0)) {
      $0 + UInt32(padded[$1]) << 8 + UInt32(padded[$1 + 1])
    }
    return sum & 0xFFFF + sum >> 16
  }

  @Test func headersAreWhereEthernetAndIPv4HaveThem() {
    #expect(Array(frame[0..<14]) == [0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 1, 2, 3, 4, 5, 6, 8, 0])
    #expect(Array(frame[14..<24]) == [0x45, 0, 0, 57, 0, 0, 0x40, 0, 64, 17])
    #expect(Array(frame[26..<40]) == [10, 86, 0, 2, 10, 86, 0, 1, 0x50, 0x56, 0, 9, 0, 37])
  }

  @Test func bothChecksumsAreRight() {
    #expect(sum(Array(frame[14..<34])) == 0xFFFF)
    #expect(sum([0, 17, 0, 37] + Array(frame[26..<Self.size])) == 0xFFFF)
  }

  @Test func whatWasSealedIsRead() {
    #expect(ProbeDatagram.route(of: start, size: Self.size) == Self.route)
    #expect(ProbeDatagram.content(of: start) == ProbeFrame.Content(sequence: 7, stamp: 99))
  }

  @Test func nothingIsWrittenBehindTheFrame() {
    #expect(Array(frame[Self.size...]) == [UInt8](repeating: 0xEE, count: 9))
  }

  @Test func paddingIsNoDamage() {
    #expect(ProbeDatagram.route(of: start, size: 80) == Self.route)
    #expect(ProbeDatagram.content(of: start)?.sequence == 7)
  }

  @Test(arguments: ProbeDatagram.headerSize..<ProbeDatagramTests.size) func anyChangedByteOfTheBodyIsSeen(offset: Int) {
    frame[offset] ^= 1
    #expect(ProbeDatagram.content(of: start) == nil)
  }

  // The EtherType, the header's length, a fragment, the protocol, a length beyond the frame.
  @Test(arguments: [(12, 1), (14, 3), (21, 1), (23, 1), (38, 1)]) func anythingElseIsNoDatagram(change: (Int, UInt8)) {
    frame[change.0] ^= change.1
    #expect(ProbeDatagram.route(of: start, size: Self.size) == nil)
  }

  @Test func shorterThanItsHeadersIsNoDatagram() { #expect(ProbeDatagram.route(of: start, size: 41) == nil) }

  @Test func theWayBackOfTheWayBackIsTheWay() {
    #expect(Self.route.reversed != Self.route)
    #expect(Self.route.reversed.reversed == Self.route)
  }
}
