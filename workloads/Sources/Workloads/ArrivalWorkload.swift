import Drivers
import GuestKernel
import PVWire

/// sendipi, irqfd: processor 0 interrupts another one, or all others, and waits for its answer. One operation is one such
/// interrupt; latency runs from sending it to the first instructions of the handler, the last one's where there are several.
///
/// Parameters: vcpus, target (running: the others spin; halted: they sleep, and so does the sender for a while before each
/// interrupt, that they get there even where they share its CPU), ipi (of sendipi: xapic, x2apic, hypercall). irqfd writes to a
/// port that is an ioeventfd, whose eventfd is an irqfd too: what a device would do, without one. Values, whole life: ipi.sent
/// and ipi.handled.
enum ArrivalWorkload {
  static func byIPI(_ session: Session) throws(WorkloadFailure) {
    let method: InterprocessorInterrupts =
      session.isWord("ipi", "hypercall") ? .hypercall : session.isWord("ipi", "x2apic") ? .x2APIC : .xAPIC
    try run(session, .processor(method), method)
  }

  static func byRelay(_ session: Session) throws(WorkloadFailure) { try run(session, .relay, .xAPIC) }

  private static func run(
    _ session: Session, _ sender: StampedInterrupt.Sender, _ method: InterprocessorInterrupts
  ) throws(WorkloadFailure) {
    let processors = try session.processors(atLeast: 2)
    LocalAPIC.enable(acceptsPIC: false)
    session.useForIPIs(method, processors: processors)
    let loop = try ArrivalLoop(session, StampedInterrupt(sender, targets: processors - 1), processors)
    loop.begin()
    try session.measure(loop)
    session.send(.value(name: Text.bytes("ipi.sent"), loop.sent))
    session.send(.value(name: Text.bytes("ipi.handled"), loop.handled))
    guard loop.sent == loop.handled else {
      throw .failed(
        Text.bytes("interrupts were lost or came twice: sent ") + Text.decimal(loop.sent) + Text.bytes(", handled ")
          + Text.decimal(loop.handled))
    }
  }
}

/// Nothing in it allocates.
private final class ArrivalLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  /// Interrupts that were sent, one for each target.
  private(set) var sent: UInt64 = 0
  private let session: Session
  private let stamped: StampedInterrupt
  private let processors: Int
  private let sleeps: Bool
  private let patienceTicks: UInt64
  private let timer: LocalAPICTimer
  private let answer = Interrupt(vector: 0x50)
  private let base: UInt64
  /// A cache line for each processor, and behind them the word that ends it all.
  private let board: DMAMemory

  /// Offsets in a processor's line: the last arrival that it has answered, and the last one that processor 0 has taken.
  private enum Place {
    static let answered: UInt = 0
    static let taken: UInt = 8
    static let size: UInt = 64
  }
  /// How long the sender sleeps before it sends, nanoseconds. Longer than it takes to halt anywhere; whether the host then still
  /// polls for the halted processor (KVM's parameter halt_poll_ns) is part of what is measured.
  private static let rest: UInt64 = 200_000
  /// After how long an interrupt is lost, nanoseconds: vCPUs may have to wait for a CPU of the host for long.
  private static let patience: UInt64 = 2_000_000_000

  init(_ session: Session, _ stamped: StampedInterrupt, _ processors: Int) throws(WorkloadFailure) {
    guard let timer = LocalAPICTimer(tscHertz: session.orders.tscHertz) else {
      throw .skipped(Text.bytes("the local APIC's timer does not count"))
    }
    self.session = session
    self.stamped = stamped
    self.processors = processors
    self.timer = timer
    sleeps = session.isWord("target", "halted")
    patienceTicks = session.ticks(nanoseconds: Self.patience)
    base = stamped.interrupt.count
    board = DMAMemory(count: Int(Place.size) * (Processors.most + 1))
  }

  /// Every other processor begins to wait.
  func begin() { session.startOthers(of: processors) { self.receive($0) } }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      if sleeps { rest() }
      latency.record(session.nanoseconds(try interruptOthers()))
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
  }

  /// One last interrupt to each, which is counted and ends its part.
  func settle() throws(WorkloadFailure) {
    pv_store64(line(Processors.most), 1)
    sent += UInt64(processors - 1)
    _ = stamped.send()
    try session.awaitProcessors(processors, ticks: patienceTicks, "a vCPU has not ended: its interrupt was lost")
  }

  /// Interrupts that were handled.
  var handled: UInt64 { stamped.interrupt.count - base }

  private func rest() {
    let seen = timer.interrupt.count
    timer.arm(nanoseconds: Self.rest)
    while timer.interrupt.count == seen { timer.interrupt.wait(beyond: seen) }
  }

  /// Ticks until the last of the others had it.
  private func interruptOthers() throws(WorkloadFailure) -> UInt64 {
    // Whoever sleeps for an answer that never comes is woken when it is time to give up.
    if sleeps { timer.arm(nanoseconds: Self.patience + 1_000_000_000) }
    sent += UInt64(processors - 1)
    let start = stamped.send()
    var last = start
    for index in 1..<processors { last = max(last, try awaitArrival(on: index, since: start)) }
    return last &- start
  }

  private func awaitArrival(on index: Int, since start: UInt64) throws(WorkloadFailure) -> UInt64 {
    let taken = pv_load64(line(index) + Place.taken)
    while true {
      // Read before the answer is looked for: one that comes meanwhile changes the count, and nobody sleeps.
      let seen = answer.count
      let arrival = pv_load64(line(index) + Place.answered)
      guard arrival == taken else {
        guard arrival > start, arrival < pv_tsc() else {
          throw .skipped(Text.bytes("the time stamp counters of the vCPUs are apart"))
        }
        pv_store64(line(index) + Place.taken, arrival)
        return arrival
      }
      guard pv_tsc() &- start < patienceTicks else {
        throw .failed(
          Text.bytes("an interrupt never came: sent ") + Text.decimal(sent) + Text.bytes(", handled ")
            + Text.decimal(handled))
      }
      if sleeps { answer.wait(beyond: seen) } else { pv_pause() }
    }
  }

  /// The part of processor `index`: it answers every arrival.
  private func receive(_ index: Int) {
    var seen: UInt64 = 0
    while true {
      while stamped.arrival(on: index) == seen {
        if sleeps { stamped.wait(on: index, beyond: seen) } else { pv_pause() }
      }
      seen = stamped.arrival(on: index)
      pv_store64(line(index) + Place.answered, seen)
      if pv_load64(line(Processors.most)) != 0 { return }
      if sleeps { LocalAPIC.interrupt(0, vector: answer.vector) }
    }
  }

  @inline(__always) private func line(_ index: Int) -> UInt { board.address + Place.size * UInt(index) }
}
