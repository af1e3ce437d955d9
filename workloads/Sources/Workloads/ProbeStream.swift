import Drivers
import GuestKernel
import PVWire

/// How probes travel: as bare Ethernet frames, whose far side is the runner itself, or as UDP datagrams to another host on
/// the link, whose hardware address is asked for first.
final class ProbeStream {
  /// What a received frame means.
  enum Arrival {
    /// A probe, nil where it was changed on the way.
    case probe(ProbeFrame.Content?)
    /// The far side waits for the probe with this number, after it has taken so many: what it does not have of those before
    /// is lost.
    case acknowledgement(next: UInt64, taken: UInt64)
    /// The far side has ended its service.
    case farewell
    /// Not part of the stream.
    case other
  }

  private enum Envelope {
    case frame(destination: UInt64, source: UInt64, fillerHash: UInt64)
    case datagram(ProbeDatagram.Route, ProbeDatagram.Constants)
  }

  private static let everyone: UInt64 = 0xFFFF_FFFF_FFFF
  /// How often an address is asked for, and how long an answer is awaited each time.
  private static let attempts = 20
  private static let questionSize = 60
  private static let patienceNanoseconds: UInt64 = 100_000_000

  private let card: any NetworkDriver
  private let size: Int
  private let envelope: Envelope
  /// True where frames are longer than any link carries, and are cut by whoever forwards them.
  private let isSegmented: Bool
  /// True where the far side says what it has seen.
  let isAcknowledged: Bool

  /// A stream of frames of `size` bytes to everyone on the link.
  init(frames card: any NetworkDriver, size: Int) {
    self.card = card
    self.size = size
    let source = Self.number(card.address)
    let hash = ProbeFrame.prepare(
      Self.pointer(DMAMemory(count: size).address), size: size, destination: Self.everyone, source: source)
    envelope = .frame(destination: Self.everyone, source: source, fillerHash: hash)
    isAcknowledged = false
    isSegmented = false
  }

  /// A stream of datagrams in frames of `size` bytes, before segmentation, to whoever is on the link.
  init(segmented card: any NetworkDriver, size: Int) {
    self.card = card
    self.size = size
    let route = ProbeDatagram.Route(
      hardwareSource: Self.number(card.address), hardwareDestination: Self.everyone,
      source: ProbeDatagram.guestAddress, destination: ProbeDatagram.farAddress, sourcePort: ProbeDatagram.guestPort,
      destinationPort: ProbeDatagram.sinkPort)
    let constants = ProbeDatagram.prepare(
      Self.pointer(DMAMemory(count: size).address), size: size, route: route, leavesChecksum: true)
    envelope = .datagram(route, constants)
    isAcknowledged = false
    isSegmented = true
  }

  /// A stream of datagrams in frames of `size` bytes to a port of the far side, which is looked for at once.
  init(datagrams card: any NetworkDriver, size: Int, port: UInt16, session: Session) throws(WorkloadFailure) {
    self.card = card
    self.size = size
    let route = ProbeDatagram.Route(
      hardwareSource: Self.number(card.address), hardwareDestination: try Self.resolve(card, session),
      source: ProbeDatagram.guestAddress, destination: ProbeDatagram.farAddress, sourcePort: ProbeDatagram.guestPort,
      destinationPort: port)
    let constants = ProbeDatagram.prepare(
      Self.pointer(DMAMemory(count: size).address), size: size, route: route,
      leavesChecksum: size > ProbeFrame.fullSize)
    isSegmented = size > ProbeFrame.fullSize
    envelope = .datagram(route, constants)
    isAcknowledged = port == ProbeDatagram.sinkPort
  }

  /// Sends a probe by way of a transmit buffer.
  func send(_ content: ProbeFrame.Content, in buffer: UInt) throws(NetworkError) {
    write(content, to: buffer)
    if isSegmented {
      try card.transmit(length: size, segment: ProbeDatagram.segmentSize)
    } else {
      try card.transmit(length: size)
    }
  }

  private func write(_ content: ProbeFrame.Content, to buffer: UInt) {
    let frame = Self.pointer(buffer)
    switch envelope {
    case .frame(let destination, let source, let hash):
      if !ProbeFrame.isProbe(frame, size: size) {
        _ = ProbeFrame.prepare(frame, size: size, destination: destination, source: source)
      }
      ProbeFrame.seal(frame, fillerHash: hash, content: content)
    case .datagram(let route, let constants):
      if ProbeDatagram.route(of: frame, size: size) != route {
        _ = ProbeDatagram.prepare(frame, size: size, route: route, leavesChecksum: isSegmented)
      }
      ProbeDatagram.seal(frame, constants, content: content)
    }
  }

  /// Writes a datagram that asks the far side to end its service; how long its frame is.
  func writeFarewell(to buffer: UInt) -> Int {
    guard case .datagram(let route, _) = envelope else { return 0 }
    let frame = Self.pointer(buffer)
    let constants = ProbeDatagram.prepare(
      frame, size: ProbeDatagram.minimumSize, route: Self.farewell(route))
    ProbeDatagram.seal(frame, constants, content: ProbeFrame.Content(sequence: 0, stamp: 0))
    return ProbeDatagram.minimumSize
  }

  private static func farewell(_ route: ProbeDatagram.Route) -> ProbeDatagram.Route {
    var farewell = route
    farewell.destinationPort = ProbeDatagram.farewellPort
    return farewell
  }

  /// Understands a received frame; whoever asks for this guest's address is answered.
  func read(_ frame: ReceivedFrame) throws(NetworkError) -> Arrival {
    let bytes = UnsafeRawPointer(Self.pointer(frame.address))
    switch envelope {
    case .frame:
      // Whoever else speaks on this network is not part of the stream.
      guard ProbeFrame.isProbe(bytes, size: frame.length) else { return .other }
      return .probe(ProbeFrame.content(of: bytes, size: frame.length))
    case .datagram(let route, _):
      guard let found = ProbeDatagram.route(of: bytes, size: frame.length) else {
        try answer(frame)
        return .other
      }
      guard found.answers(route) else {
        return found.answers(Self.farewell(route)) ? .farewell : .other
      }
      let content = ProbeDatagram.content(of: bytes)
      guard isAcknowledged else { return .probe(content) }
      return content.map { .acknowledgement(next: $0.sequence, taken: $0.stamp) } ?? .other
    }
  }

  private func answer(_ question: ReceivedFrame) throws(NetworkError) {
    guard question.length >= 42, question.length <= card.maximumFrame, let buffer = card.transmitBuffer() else {
      return
    }
    let frame = WireFrame(address: buffer, count: question.length)
    frame.copy(from: question.address)
    guard frame.answersARP(for: ProbeDatagram.guestAddress, at: card.address) else { return }
    frame.copy(0, from: frame, at: 6, count: 6)
    for index in 0..<6 { frame.put(card.address[index], at: 6 + index) }
    try card.transmit(length: question.length)
    card.kick()
  }

  /// The far side's hardware address.
  private static func resolve(_ card: any NetworkDriver, _ session: Session) throws(WorkloadFailure) -> UInt64 {
    do throws(NetworkError) {
      for _ in 0..<attempts {
        guard let buffer = card.transmitBuffer() else { break }
        WireFrame(address: buffer, count: questionSize).askARP(
          for: ProbeDatagram.farAddress, from: ProbeDatagram.guestAddress, at: card.address)
        try card.transmit(length: questionSize)
        card.kick()
        let deadline = pv_tsc() &+ session.ticks(nanoseconds: patienceNanoseconds)
        while pv_tsc() < deadline {
          session.beat()
          guard let frame = try card.receive() else {
            try card.wait(until: deadline)
            continue
          }
          let address = WireFrame(address: frame.address, count: frame.length).addressInARP(
            of: ProbeDatagram.farAddress)
          card.release()
          if let address {
            _ = try card.reclaim()
            return address
          }
        }
        _ = try card.reclaim()
      }
    } catch {
      throw .failed(
        Text.bytes("network error: ", error.what) + Text.bytes(", status ") + Text.hexadecimal(UInt64(error.status)))
    }
    throw .failed(Text.bytes("nobody on the link answers for 10.86.0.1"))
  }

  private static func number(_ address: [UInt8]) -> UInt64 { address.reversed().reduce(0) { $0 << 8 | UInt64($1) } }

  private static func pointer(_ address: UInt) -> UnsafeMutableRawPointer {
    // SAFETY: a driver's buffer, in the guest's identity-mapped memory.
    UnsafeMutableRawPointer(bitPattern: address).unsafelyUnwrapped
  }
}
