import Drivers
import GuestKernel
import PVWire

/// ipi: a token goes round all processors; each is interrupted by the one before and interrupts the next. One operation is a
/// round: as many handshaken interrupts as there are processors.
///
/// Parameters: ipi (xapic, x2apic, hypercall: how one processor interrupts another), wait (halt: a processor sleeps until the
/// token comes; spin: it stays awake).
enum IPIWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let ring = try IPIRing(session)
    Watchdog.start()
    ring.begin()
    try session.measure(ring)
    session.send(.value(name: Text.bytes("ipi.sent"), ring.sent))
    session.send(.value(name: Text.bytes("ipi.handled"), ring.handled))
    guard ring.sent == ring.handled else {
      throw .failed(
        Text.bytes("interrupts were lost or came twice: sent ") + Text.decimal(ring.sent) + Text.bytes(", handled ")
          + Text.decimal(ring.handled))
    }
  }
}

/// The ring. Processor 0 measures; the others only pass the token on. Nothing in it allocates.
private final class IPIRing: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let method: InterprocessorInterrupts
  private let sleeps: Bool
  private let processors: Int
  private let patience: UInt64
  /// Interrupts that every processor has sent, a cache line each, and behind them the word that ends the ring.
  private let counters: DMAMemory
  private var seen: UInt64 = 0

  /// Vector of processor 0; the next ones follow.
  private static let firstVector: UInt8 = 0x50
  private static let line = 64

  init(_ session: Session) throws(WorkloadFailure) {
    processors = try session.processors(atLeast: 2)
    self.session = session
    method =
      session.isWord("ipi", "hypercall") ? .hypercall : session.isWord("ipi", "x2apic") ? .x2APIC : .xAPIC
    sleeps = session.isWord("wait", "halt")
    patience = session.ticks(nanoseconds: 1_000_000_000)
    counters = DMAMemory(count: Self.line * (Processors.most + 1))
  }

  /// Gives every other processor its part.
  func begin() {
    LocalAPIC.enable(acceptsPIC: false)
    session.useForIPIs(method, processors: processors)
    seen = token(0).count
    session.startOthers(of: processors) { self.pass($0) }
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      let start = pv_tsc()
      send(from: 0, to: 1)
      try awaitToken(since: start)
      latency.record(session.nanoseconds(pv_tsc() &- start))
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
  }

  /// Ends the ring: one last interrupt to each processor, which counts it and leaves.
  func settle() throws(WorkloadFailure) {
    counters.store(UInt64(1), at: Self.line * Processors.most)
    for index in 1..<processors { send(from: 0, to: index) }
    try session.awaitProcessors(processors, ticks: patience, "a processor has not ended: its interrupt was lost")
  }

  /// Interrupts sent by all processors.
  var sent: UInt64 { (0..<processors).reduce(0) { $0 + pv_load64(counters.address + UInt(Self.line * $1)) } }

  /// Interrupts handled by all processors.
  var handled: UInt64 { (0..<processors).reduce(0) { $0 + token($1).count } }

  /// The part of processor `index`: hands every token on.
  private func pass(_ index: Int) {
    let token = token(index)
    let next = index + 1 == processors ? 0 : index + 1
    var seen: UInt64 = 0
    while true {
      while token.count == seen { if sleeps { token.wait(beyond: seen) } else { pv_pause() } }
      seen += 1
      if pv_load64(counters.address + UInt(Self.line * Processors.most)) != 0 { return }
      send(from: index, to: next)
    }
  }

  private func awaitToken(since start: UInt64) throws(WorkloadFailure) {
    let token = token(0)
    while token.count == seen {
      if sleeps { token.wait(beyond: seen) } else { pv_pause() }
      guard pv_tsc() &- start < patience else {
        throw .failed(
          Text.bytes("the token is lost: sent ") + Text.decimal(sent) + Text.bytes(", handled ") + Text.decimal(handled)
        )
      }
    }
    seen += 1
  }

  @inline(__always) private func send(from index: Int, to other: Int) {
    // Counted before it is sent: whoever handles it may already be done when this goes on.
    let counter = counters.address + UInt(Self.line * index)
    pv_store64(counter, pv_load64(counter) + 1)
    LocalAPIC.interrupt(other, vector: Self.firstVector + UInt8(other))
  }

  private func token(_ index: Int) -> Interrupt { Interrupt(vector: Self.firstVector + UInt8(index)) }
}
