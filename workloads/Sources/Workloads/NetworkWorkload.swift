import Drivers
import GuestKernel
import PVWire

/// network: numbered, checked frames between the guest and what stands behind its card.
///
/// Parameters: operation (roundtrip: sent and awaited back; transmit; receive: what a source sends; both: transmit and
/// receive at the same time), size (bytes of a frame without FCS), depth (frames in flight), rate (0: closed loop, the next
/// frame leaves when one has come back or has left; otherwise an open loop of this many frames a second), completion
/// (interrupt, polled). Latency of a round trip runs from the intended start of its frame to the moment at which the driver
/// hands the answer over; checking it is outside of it, but inside the throughput.
///
/// With port tap or peer, what is behind the card is another host: frames are UDP datagrams to its address, which it sends
/// back, or takes and acknowledges. Then a frame is in flight, and no operation, until the far side has seen it.
///
/// Frames of more than 1,514 bytes are UDP datagrams before segmentation, which the card leaves to whoever is behind it: they
/// are sent or received, and with an echo they would come back on the wrong way.
enum NetworkWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let card = try session.networkCard(offload: try session.number("size") > UInt64(ProbeFrame.fullSize))
    let loop = try NetworkLoop(session, card)
    Watchdog.start()
    try session.measure(loop)
    loop.sendCounts()
    try loop.verify()
  }
}

extension Session {
  /// The machine's network card.
  func networkCard(offload: Bool = false) throws(WorkloadFailure) -> any NetworkDriver {
    let isPolled = isWord("completion", "polled")
    let virtio = VirtioNetwork(
      polled: isPolled, offload: offload, firstSlot: UInt(MemoryMap.virtioMMIO),
      stride: UInt(MemoryMap.virtioMMIOStride),
      slots: MemoryMap.virtioMMIOSlots, interruptInput: virtioInterruptInput)
    guard let card: any NetworkDriver = virtio ?? E1000Network(polled: isPolled) else {
      throw .skipped(Text.bytes("no network card was found (neither in virtio-mmio slots nor on PCI)"))
    }
    send(.log(Text.bytes("network: ", card.name)))
    return card
  }
}

/// The loop itself. Nothing in it allocates.
private final class NetworkLoop: MeasuredLoop {
  let size: Int
  var bytesPerOperation: UInt64 { UInt64(size) }
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let card: any NetworkDriver
  /// Frames leave; they come back; they come in by themselves.
  private let sends: Bool
  private let echoes: Bool
  private let receives: Bool
  private let depth: Int
  private let rate: UInt64
  private let stream: ProbeStream
  private let patience: UInt64

  private var ledger = FrameLedger()
  private var sent: UInt64 = 0
  private var unsent: UInt64 = 0
  private var received: UInt64 = 0
  private var inFlight = 0
  /// What the far side has seen, where it says so.
  private var acknowledged: UInt64 = 0
  private var takenBefore: UInt64 = 0
  private var unacknowledged: UInt64 = 0
  private let isBesideAGuest: Bool
  private var isFarSideGone = false
  /// When frames last arrived or left.
  private var lastProgress: UInt64 = 0

  init(_ session: Session, _ card: any NetworkDriver) throws(WorkloadFailure) {
    let size = try session.number("size")
    guard size <= UInt64(ProbeFrame.fullSize) || card.maximumFrame > ProbeFrame.fullSize else {
      throw .skipped(Text.bytes("this network card leaves no segmentation to whoever is behind it"))
    }
    let depth = try session.number("depth")
    rate = try session.number("rate")
    isBesideAGuest = session.isWord("port", "peer")
    let isFar = isBesideAGuest || session.isWord("port", "tap")
    guard size >= (isFar ? ProbeDatagram.minimumSize : ProbeFrame.minimumSize), size <= card.maximumFrame, depth >= 1,
      rate <= 1_000_000_000
    else {
      throw .failed(Text.bytes("size, depth or rate do not fit the network card"))
    }
    echoes = session.isWord("operation", "roundtrip")
    receives = session.isWord("operation", "receive") || session.isWord("operation", "both")
    sends = echoes || session.isWord("operation", "transmit") || session.isWord("operation", "both")
    guard sends || receives, !(isFar && receives), !(echoes && size > UInt64(ProbeFrame.fullSize)) else {
      throw .failed(Text.bytes("network does not know the operation, or not with this port or size"))
    }
    self.session = session
    self.card = card
    self.size = Int(size)
    self.depth = Int(min(depth, 1 << 20))
    stream =
      isFar
      ? try ProbeStream(
        datagrams: card, size: Int(size), port: echoes ? ProbeDatagram.echoPort : ProbeDatagram.sinkPort,
        session: session)
      : size > UInt64(ProbeFrame.fullSize)
        ? ProbeStream(segmented: card, size: Int(size)) : ProbeStream(frames: card, size: Int(size))
    patience = session.ticks(nanoseconds: 500_000_000)
  }

  func forgetMeasurements() {
    operations = 0
    unsent = 0
    latency = LatencyHistogram()
  }

  /// Keeps frames flowing for this long, then waits for those that are under way.
  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let start = pv_tsc()
    let deadline = start &+ session.ticks(nanoseconds: nanoseconds)
    lastProgress = start
    do throws(NetworkError) {
      if rate > 0, sends { try flow(from: start, until: deadline) } else { try loop(until: deadline) }
    } catch {
      throw Self.failure(error)
    }
  }

  /// Stops the card and takes what it had received by then: from here on every count stands still.
  func settle() throws(WorkloadFailure) {
    do throws(NetworkError) {
      if isBesideAGuest { try dismissFarSide() }
      card.stop()
      _ = try takeReceived(counting: false)
    } catch { throw Self.failure(error) }
    if echoes { ledger.close(sent: sent) }
    // What the far side counts as lost lies before the last that it has seen.
    if stream.isAcknowledged { unacknowledged = sent - acknowledged }
  }

  /// Counts over the guest's whole life, warm-up included.
  func sendCounts() {
    let counts: [(StaticString, UInt64)] = [
      ("network.sent", sent), ("network.unsent", unsent), ("network.received", received),
      ("network.lost", ledger.lost + unacknowledged), ("network.reordered", ledger.reordered),
      ("network.duplicated", ledger.duplicated), ("network.corrupted", ledger.corrupted),
    ]
    for (name, count) in counts { session.send(.value(name: Text.bytes(name), count)) }
  }

  /// A network that changes or doubles frames is not measured.
  func verify() throws(WorkloadFailure) {
    guard ledger.corrupted == 0, ledger.duplicated == 0 else {
      throw .failed(
        Text.bytes("frame verification failed: corrupted ") + Text.decimal(ledger.corrupted)
          + Text.bytes(", duplicated ") + Text.decimal(ledger.duplicated))
    }
  }

  /// Asks the other guest to end: frames keep their order, so that it has seen by then whatever will ever arrive. One that
  /// does not answer is ended by its runner.
  private func dismissFarSide() throws(NetworkError) {
    for _ in 0..<3 where !isFarSideGone {
      guard let buffer = card.transmitBuffer() else { return }
      try card.transmit(length: stream.writeFarewell(to: buffer))
      card.kick()
      // Long: who asks twice sends to nobody.
      let deadline = pv_tsc() &+ 2 &* patience
      while pv_tsc() < deadline, !isFarSideGone {
        if try takeReceived(counting: false) == 0, !isFarSideGone { try card.wait(until: deadline) }
        session.beat()
      }
    }
  }

  // MARK: The two loops

  /// Closed: `depth` frames are in flight until the deadline.
  private func loop(until deadline: UInt64) throws(NetworkError) {
    while true {
      let isOpen = pv_tsc() < deadline
      var progress = 0
      while isOpen, sends, inFlight < depth, let buffer = card.transmitBuffer() {
        try send(buffer, stamp: pv_tsc())
        progress += 1
      }
      if progress > 0 { card.kick() }
      progress += try settle()
      guard isOpen || (sends && inFlight > 0) else { return }
      if progress == 0 {
        giveUpWhatIsLost()
        try card.wait()
      }
    }
  }

  /// Open: a frame is due every 1/rate seconds, whatever became of those before it.
  private func flow(from start: UInt64, until deadline: UInt64) throws(NetworkError) {
    // Ticks between frames in 44.20 fixed point: no drift that matters, and no wide division.
    let step = (session.orders.tscHertz << 20) / rate
    let planned = ((deadline &- start) << 20) / step
    var index: UInt64 = 0
    var isOpen = true
    while true {
      let now = pv_tsc()
      var progress = 0
      var due = start
      while isOpen, index < planned {
        due = start &+ (index &* step) >> 20
        guard due <= now, let buffer = card.transmitBuffer() else { break }
        try send(buffer, stamp: due)
        index += 1
        progress += 1
      }
      if progress > 0 { card.kick() }
      progress += try settle()
      isOpen = index < planned && now < deadline
      guard isOpen || inFlight > 0 else { break }
      if progress == 0 {
        giveUpWhatIsLost()
        try card.wait(until: isOpen ? max(due, now &+ 1) : now &+ patience)
      }
    }
    unsent += planned - index
  }

  private func send(_ buffer: UInt, stamp: UInt64) throws(NetworkError) {
    try stream.send(ProbeFrame.Content(sequence: sent, stamp: stamp), in: buffer)
    sent += 1
    inFlight += 1
  }

  /// Takes what has come in and what has left; how many frames.
  private func settle() throws(NetworkError) -> Int {
    var progress = try takeReceived(counting: true)
    if sends, !echoes, !stream.isAcknowledged {
      let left = try card.reclaim()
      inFlight -= min(left, inFlight)
      operations += UInt64(left)
      progress += left
    }
    if progress > 0 {
      lastProgress = pv_tsc()
      session.beat()
    }
    return progress
  }

  private func takeReceived(counting: Bool) throws(NetworkError) -> Int {
    var count = 0
    while count < 256 || !counting, let frame = try card.receive() {
      let now = pv_tsc()
      switch try stream.read(frame) {
      case .probe(let content):
        enter(content, arrival: now, counting: counting)
        count += 1
      case .acknowledgement(let next, let taken):
        if next > acknowledged, next <= sent, taken >= takenBefore {
          if counting { operations += taken - takenBefore }
          takenBefore = taken
          inFlight -= min(Int(next - acknowledged), inFlight)
          acknowledged = next
        }
        count += 1
      case .farewell: isFarSideGone = true
      case .other: break
      }
      card.release()
    }
    return count
  }

  private func enter(_ content: ProbeFrame.Content?, arrival: UInt64, counting: Bool) {
    ledger.enter(content)
    received += 1
    if counting, echoes || receives { operations += 1 }
    guard echoes else { return }
    inFlight -= min(1, inFlight)
    if let content, counting { latency.record(session.nanoseconds(arrival &- min(content.stamp, arrival))) }
  }

  /// After a long silence, nothing more will come of what is in flight.
  private func giveUpWhatIsLost() {
    if pv_tsc() &- lastProgress > patience {
      inFlight = 0
      lastProgress = pv_tsc()
    }
  }

  private static func failure(_ error: NetworkError) -> WorkloadFailure {
    .failed(
      Text.bytes("network error: ", error.what) + Text.bytes(", status ") + Text.hexadecimal(UInt64(error.status)))
  }
}
