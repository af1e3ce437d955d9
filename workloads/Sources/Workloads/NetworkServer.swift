import Drivers
import GuestKernel
import PVWire

/// netserver: answers whoever asks for as long as warm-up and window last: ARP (RFC 826) and ICMP echo (RFC 792) for its own
/// address, UDP to any port of it with what it was sent (RFC 862), and probe frames with their addresses exchanged. The sink's
/// port takes and checks datagrams, and says now and then what it has seen; the farewell's port answers and ends the service.
///
/// Parameter: address (its IPv4 address as a number, 10.86.0.2 where there is none).
enum NetworkServer {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let card = try session.networkCard()
    let responder = Responder(card, address: (try? session.number("address")).map { UInt32(truncatingIfNeeded: $0) })
    Watchdog.start()
    session.ring(.ready)
    do throws(NetworkError) {
      try responder.serve(session, nanoseconds: session.orders.warmupNanoseconds)
      let empty = session.emptyMeasurement()
      let before = responder.answered
      session.ring(.windowOpen)
      let start = pv_tsc()
      try responder.serve(session, nanoseconds: session.orders.windowNanoseconds)
      let end = pv_tsc()
      session.ring(.windowClose)
      session.send(
        .window(
          operations: responder.answered - before, bytes: responder.bytes, startTSC: start, endTSC: end,
          emptyLoopTicks: empty))
      session.send(.value(name: Text.bytes("network.received"), responder.received))
      session.send(.value(name: Text.bytes("network.sent"), responder.answered))
      session.send(.value(name: Text.bytes("network.unsent"), responder.dropped))
      let ledger = responder.ledger
      for (name, count) in [
        (Text.bytes("network.taken"), ledger.received), (Text.bytes("network.lost"), ledger.lost),
        (Text.bytes("network.reordered"), ledger.reordered), (Text.bytes("network.duplicated"), ledger.duplicated),
        (Text.bytes("network.corrupted"), ledger.corrupted),
      ] { session.send(.value(name: name, count)) }
    } catch {
      throw .failed(
        Text.bytes("network error: ", error.what) + Text.bytes(", status ") + Text.hexadecimal(UInt64(error.status)))
    }
  }
}

/// Turns questions into answers, in a transmit buffer.
private final class Responder {
  private(set) var received: UInt64 = 0
  private(set) var answered: UInt64 = 0
  private(set) var bytes: UInt64 = 0
  /// Questions for whose answers there was no buffer.
  private(set) var dropped: UInt64 = 0
  /// What the sink's port has seen.
  private(set) var ledger = FrameLedger()
  private let card: any NetworkDriver
  private let address: UInt32
  /// Where datagrams came from that nobody has acknowledged yet.
  private var owed: ProbeDatagram.Route?
  private var isDismissed = false

  init(_ card: any NetworkDriver, address: UInt32?) {
    self.card = card
    self.address = address ?? ProbeDatagram.guestAddress
  }

  func serve(_ session: Session, nanoseconds: UInt64) throws(NetworkError) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    while pv_tsc() < deadline, !isDismissed {
      var progress = 0
      while progress < 32, let frame = try card.receive() {
        progress += 1
        received += 1
        if !takes(frame) { try answer(frame) }
        card.release()
      }
      try acknowledge()
      if progress > 0 { card.kick() } else { try card.wait() }
      session.beat()
    }
  }

  /// True where the frame is one for the sink's port, which is entered in the ledger.
  private func takes(_ frame: ReceivedFrame) -> Bool {
    // SAFETY: the driver's own buffer of `length` bytes.
    let bytes = UnsafeRawPointer(bitPattern: frame.address).unsafelyUnwrapped
    guard let route = ProbeDatagram.route(of: bytes, size: frame.length), route.destination == address else {
      return false
    }
    if route.destinationPort == ProbeDatagram.farewellPort { isDismissed = true }
    guard route.destinationPort == ProbeDatagram.sinkPort else { return false }
    ledger.enter(ProbeDatagram.content(of: bytes))
    owed = route
    return true
  }

  /// Says what the sink's port has seen, if it has seen anything since this was last said.
  private func acknowledge() throws(NetworkError) {
    guard let owed, let buffer = card.transmitBuffer() else { return }
    self.owed = nil
    // SAFETY: the driver's own buffer, longer than any frame.
    let frame = UnsafeMutableRawPointer(bitPattern: buffer).unsafelyUnwrapped
    let constants = ProbeDatagram.prepare(frame, size: ProbeDatagram.minimumSize, route: owed.reversed)
    ProbeDatagram.seal(frame, constants, content: ProbeFrame.Content(sequence: ledger.next, stamp: ledger.received))
    try card.transmit(length: ProbeDatagram.minimumSize)
    answered += 1
  }

  private func answer(_ question: ReceivedFrame) throws(NetworkError) {
    guard question.length >= 42, question.length <= card.maximumFrame else { return }
    guard let buffer = card.transmitBuffer() else { return dropped += 1 }
    let frame = WireFrame(address: buffer, count: question.length)
    frame.copy(from: question.address)
    guard makeAnswer(frame) else { return }
    frame.copy(0, from: frame, at: 6, count: 6)
    for index in 0..<6 { frame.put(card.address[index], at: 6 + index) }
    try card.transmit(length: question.length)
    answered += 1
    bytes += UInt64(question.length)
  }

  /// Turns the question in `frame` into its answer, but for the Ethernet addresses; false where there is none.
  private func makeAnswer(_ frame: WireFrame) -> Bool {
    switch frame.word(at: 12) {
    case 0x0806: return frame.answersARP(for: address, at: card.address)
    case 0x0800: return makeIPv4(frame)
    default:
      // SAFETY: the driver's own buffer of `count` bytes.
      return ProbeFrame.isProbe(
        UnsafeRawPointer(bitPattern: frame.address).unsafelyUnwrapped, size: frame.count)
    }
  }

  /// No options, no fragments.
  private func makeIPv4(_ frame: WireFrame) -> Bool {
    guard frame.byte(at: 14) == 0x45, frame.word(at: 20) & 0x3FFF == 0, frame.long(at: 30) == address else {
      return false
    }
    switch frame.byte(at: 23) {
    case 1:
      guard frame.byte(at: 34) == 8 else { return false }
      // Type 8 becomes 0, and the checksum grows by as much (RFC 1624).
      let sum = UInt32(frame.word(at: 36)) + 0x0800
      let folded = sum & 0xFFFF + sum >> 16
      frame.put(0, at: 34)
      frame.put(UInt8(truncatingIfNeeded: folded >> 8), at: 36)
      frame.put(UInt8(truncatingIfNeeded: folded), at: 37)
    case 17: frame.swap(34, 36, count: 2)
    default: return false
    }
    // Exchanged addresses and ports leave every checksum as it was.
    frame.swap(26, 30, count: 4)
    return true
  }
}
