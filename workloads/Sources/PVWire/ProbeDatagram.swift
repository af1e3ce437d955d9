/// A probe as the payload of a UDP datagram over IPv4 in an Ethernet frame (RFC 768, RFC 791, RFC 894): what goes through the
/// host's own network stack, or to another guest. Its header never changes; its checksum does.
public enum ProbeDatagram {
  /// Bytes before the payload: Ethernet (14), IPv4 (20), UDP (8).
  public static let headerSize = 42
  /// Shortest frame without FCS.
  public static let minimumSize = headerSize + ProbeBody.minimumSize
  /// The guest's IPv4 address, 10.86.0.2.
  public static let guestAddress: UInt32 = 10 << 24 | 86 << 16 | 2
  /// The far side's IPv4 address, 10.86.0.1.
  public static let farAddress: UInt32 = 10 << 24 | 86 << 16 | 1
  /// The far side's port that sends everything back (RFC 862).
  public static let echoPort: UInt16 = 7
  /// The far side's port that takes everything, and answers with a body whose sequence number is the one that it waits for,
  /// and whose stamp says how many it has taken.
  public static let sinkPort: UInt16 = 9
  /// The far side's port that ends its service, if it is a guest, with the answer.
  public static let farewellPort: UInt16 = 0x5057
  /// The guest's own port.
  public static let guestPort: UInt16 = 0x5056

  /// From where a datagram goes to where; hardware addresses with their first byte lowest.
  public struct Route: Equatable, Sendable {
    /// The sender's hardware address.
    public var hardwareSource: UInt64
    /// The receiver's hardware address.
    public var hardwareDestination: UInt64
    /// The sender's IPv4 address.
    public var source: UInt32
    /// The receiver's IPv4 address.
    public var destination: UInt32
    /// The sender's UDP port.
    public var sourcePort: UInt16
    /// The receiver's UDP port.
    public var destinationPort: UInt16

    /// A route; see the properties.
    public init(
      hardwareSource: UInt64, hardwareDestination: UInt64, source: UInt32, destination: UInt32, sourcePort: UInt16,
      destinationPort: UInt16
    ) {
      self.hardwareSource = hardwareSource
      self.hardwareDestination = hardwareDestination
      self.source = source
      self.destination = destination
      self.sourcePort = sourcePort
      self.destinationPort = destinationPort
    }

    /// True where this is the way back of `route`, whatever hardware is on it.
    public func answers(_ route: Route) -> Bool {
      source == route.destination && destination == route.source && sourcePort == route.destinationPort
        && destinationPort == route.sourcePort
    }

    /// The way back.
    public var reversed: Route {
      Route(
        hardwareSource: hardwareDestination, hardwareDestination: hardwareSource, source: destination,
        destination: source, sourcePort: destinationPort, destinationPort: sourcePort)
    }
  }

  /// What stays the same from datagram to datagram: `seal` adds the rest.
  public struct Constants: Equatable, Sendable {
    @usableFromInline let fillerHash: UInt64
    /// One's complement sum of everything that the UDP checksum covers but number, stamp and checksum of the body.
    @usableFromInline let sum: UInt64
    /// True where whoever forwards the datagram computes its checksum.
    @usableFromInline let leavesChecksum: Bool
  }

  /// The longest frame: an IPv4 packet of 65,535 bytes.
  public static let maximumSize = 65_549
  /// Payload of a datagram that fills an MTU of 1,500: what longer ones are cut into.
  public static let segmentSize = 1472

  /// Writes headers and filler of a datagram in a frame of `size` bytes.
  /// With `leavesChecksum` the checksum field has the sum of the pseudo-header, for a card that does the rest.
  public static func prepare(
    _ frame: UnsafeMutableRawPointer, size: Int, route: Route, leavesChecksum: Bool = false
  ) -> Constants {
    let length = UInt16(truncatingIfNeeded: size - 34)
    ProbeFrame.putAddresses(frame, destination: route.hardwareDestination, source: route.hardwareSource)
    put16(frame, 12, 0x0800)
    put16(frame, 14, 0x4500)
    put16(frame, 16, length &+ 20)
    // Not to be fragmented, so that its identification means nothing (RFC 6864).
    put16(frame, 18, 0)
    put16(frame, 20, 0x4000)
    put16(frame, 22, 64 << 8 | 17)
    put16(frame, 24, 0)
    put32(frame, 26, route.source)
    put32(frame, 30, route.destination)
    put16(frame, 24, ~fold(sum(frame + 14, count: 20)))
    put16(frame, 34, route.sourcePort)
    put16(frame, 36, route.destinationPort)
    put16(frame, 38, length)
    put16(frame, 40, 0)
    let hash = ProbeBody.prepare(frame + headerSize, count: size - headerSize)
    let filler = sum(frame + minimumSize, count: size - minimumSize)
    // Addresses, protocol, the length once more, then the UDP header.
    let header = sum(frame + 26, count: 16) + 17 + UInt64(length)
    if leavesChecksum { put16(frame, 40, fold(sum(frame + 26, count: 8) + 17 + UInt64(length))) }
    return Constants(fillerHash: hash, sum: header + filler, leavesChecksum: leavesChecksum)
  }

  /// Numbers and stamps a prepared datagram, and gives it its checksum.
  public static func seal(_ frame: UnsafeMutableRawPointer, _ constants: Constants, content: ProbeFrame.Content) {
    let body = frame + headerSize
    ProbeBody.seal(body, fillerHash: constants.fillerHash, content: content)
    guard !constants.leavesChecksum else { return }
    let checksum = ~fold(constants.sum + sum(body, count: ProbeBody.minimumSize))
    // Zero would mean that there is none.
    put16(frame, 40, checksum == 0 ? 0xFFFF : checksum)
  }

  /// The route of a frame that carries an unfragmented UDP datagram without IPv4 options; nil for any other. Neither checksum
  /// is looked at: the body has its own.
  public static func route(of frame: UnsafeRawPointer, size: Int) -> Route? {
    guard size >= headerSize, get16(frame, 12) == 0x0800, get16(frame, 14) >> 8 == 0x45, get16(frame, 20) & 0x3FFF == 0,
      get16(frame, 22) & 0xFF == 17, (8...size - 34).contains(Int(get16(frame, 38)))
    else { return nil }
    return Route(
      hardwareSource: address(frame, 6), hardwareDestination: address(frame, 0), source: get32(frame, 26),
      destination: get32(frame, 30), sourcePort: get16(frame, 34), destinationPort: get16(frame, 36))
  }

  /// What a datagram says, padding not counted; nil where its body is not what a sender sealed. Ask for its route first.
  public static func content(of frame: UnsafeRawPointer) -> ProbeFrame.Content? {
    ProbeBody.content(of: frame + headerSize, count: Int(get16(frame, 38)) - 8)
  }

  // MARK: Big-endian words

  private static func put16(_ frame: UnsafeMutableRawPointer, _ offset: Int, _ value: UInt16) {
    frame.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt16.self)
  }

  private static func put32(_ frame: UnsafeMutableRawPointer, _ offset: Int, _ value: UInt32) {
    frame.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt32.self)
  }

  private static func get16(_ frame: UnsafeRawPointer, _ offset: Int) -> UInt16 {
    UInt16(bigEndian: frame.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
  }

  private static func get32(_ frame: UnsafeRawPointer, _ offset: Int) -> UInt32 {
    UInt32(bigEndian: frame.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
  }

  private static func address(_ frame: UnsafeRawPointer, _ offset: Int) -> UInt64 {
    UInt64(frame.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      | UInt64(frame.loadUnaligned(fromByteOffset: offset + 4, as: UInt16.self)) << 32
  }

  /// The sum of big-endian 16-bit words, an odd byte at the end counting as the upper half of one (RFC 1071).
  private static func sum(_ bytes: UnsafeRawPointer, count: Int) -> UInt64 {
    var sum: UInt64 = 0
    var offset = 0
    while offset + 2 <= count {
      sum += UInt64(get16(bytes, offset))
      offset += 2
    }
    if offset < count { sum += UInt64(bytes.loadUnaligned(fromByteOffset: offset, as: UInt8.self)) << 8 }
    return sum
  }

  private static func fold(_ sum: UInt64) -> UInt16 {
    var folded = sum
    while folded >> 16 != 0 { folded = folded & 0xFFFF + folded >> 16 }
    return UInt16(truncatingIfNeeded: folded)
  }
}
