import Drivers
import GuestKernel
import PVWire

/// timer: one-shot timers, one after the other, each slept for.
///
/// Parameters: timer (pit, lapic, tsc-deadline), period (nanoseconds from arming to the deadline), vcpus (each has a timer of
/// its own, and sets it again and again like the first, which alone is measured). Latency runs from the
/// deadline, reckoned from before the timer was armed, to the moment at which the driver sees the interrupt's count: what arming
/// costs is part of it, as it is for a kernel. Values: timer.armed, timer.handled and timer.lost, whole life. Where the timer is
/// not the local APIC's, that one's watchdog finds out what was lost; a lost interrupt of its own leaves the guest asleep, and
/// the repetition fails for want of time.
enum TimerWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let timer = try session.oneShotTimer()
    session.send(.log(Text.bytes("timer: ", timer.name)))
    let loop = try TimerLoop(session, timer)
    try loop.begin()
    try session.measure(loop)
    session.send(.value(name: Text.bytes("timer.armed"), loop.armed))
    session.send(.value(name: Text.bytes("timer.handled"), loop.handled))
    session.send(.value(name: Text.bytes("timer.lost"), loop.armed - min(loop.handled, loop.armed)))
    guard loop.handled <= loop.armed else { throw .failed(Text.bytes("more timer interrupts came than were armed")) }
  }
}

extension Session {
  /// The timer that the parameter `timer` names.
  func oneShotTimer() throws(WorkloadFailure) -> any OneShotTimer {
    let hertz = orders.tscHertz
    if isWord("timer", "pit") {
      if let timer = PITTimer() { return timer }
      throw .skipped(Text.bytes("no 8254 counts at port 0x40"))
    }
    if isWord("timer", "lapic") {
      if let timer = LocalAPICTimer(tscHertz: hertz) { return timer }
      throw .skipped(Text.bytes("the local APIC's timer does not count"))
    }
    if isWord("timer", "tsc-deadline") {
      if let timer = TSCDeadlineTimer(tscHertz: hertz) { return timer }
      throw .skipped(Text.bytes("CPUID shows no TSC-deadline mode"))
    }
    throw .failed(Text.bytes("timer: expected pit, lapic or tsc-deadline"))
  }
}

private final class TimerLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let timer: any OneShotTimer
  private let period: UInt64
  private let periodTicks: UInt64
  /// How long after its deadline an interrupt is given up.
  private let patienceTicks: UInt64
  private let base: UInt64
  private let processors: Int
  /// Timers that every other processor has armed, a cache line each, and behind them the word that ends them.
  private let counters: DMAMemory
  /// Timers of the first processor.
  private var ownArmed: UInt64 = 0

  /// Vector of processor 1's timer, less one; the next ones follow.
  private static let firstVector: UInt8 = 0x60
  private static let line = 64

  /// Timers that were armed, on all processors.
  var armed: UInt64 {
    (1..<processors).reduce(ownArmed) { $0 + pv_load64(counters.address + UInt(Self.line * $1)) }
  }

  /// Interrupts that came, the late ones included, on all processors.
  var handled: UInt64 {
    (1..<processors).reduce(timer.interrupt.count - base) { $0 + Self.interrupt(of: $1).count }
  }

  init(_ session: Session, _ timer: any OneShotTimer) throws(WorkloadFailure) {
    period = try session.number("period")
    guard period >= 1, period <= timer.reach else { throw .failed(Text.bytes("period: beyond the timer's reach")) }
    self.session = session
    self.timer = timer
    periodTicks = session.ticks(nanoseconds: period)
    patienceTicks = session.ticks(nanoseconds: 1_000_000_000)
    base = timer.interrupt.count
    processors = try session.processors()
    counters = DMAMemory(count: Self.line * (Processors.most + 1))
    guard processors == 1 || timer.isLocalAPIC else {
      throw .skipped(Text.bytes("there is one timer of this kind, not one for each vCPU"))
    }
    if !timer.isLocalAPIC { Watchdog.start() }
  }

  /// Every other processor begins to set its timer.
  func begin() throws(WorkloadFailure) {
    let context = UInt(bitPattern: Unmanaged.passUnretained(self).toOpaque())
    for index in 1..<processors {
      Processors.start(index, context: context) { index, context in
        // SAFETY: the loop lives until every processor has left it.
        Unmanaged<TimerLoop>.fromOpaque(UnsafeRawPointer(bitPattern: context).unsafelyUnwrapped).takeUnretainedValue()
          .repeatTimers(index)
      }
    }
  }

  /// Ends the other processors' timers. A processor whose interrupt is lost sleeps for ever.
  func settle() throws(WorkloadFailure) {
    pv_store64(counters.address + UInt(Self.line * Processors.most), 1)
    try session.awaitProcessors(processors, ticks: periodTicks &+ patienceTicks, "a vCPU's timer interrupt never came")
  }

  /// The part of processor `index`.
  private func repeatTimers(_ index: Int) {
    let interrupt = Self.interrupt(of: index)
    guard timer.adopt(vector: interrupt.vector) else { return }
    let counter = counters.address + UInt(Self.line * index)
    var armed: UInt64 = 0
    while pv_load64(counters.address + UInt(Self.line * Processors.most)) == 0 {
      armed += 1
      pv_store64(counter, armed)
      timer.arm(nanoseconds: period)
      while interrupt.count != armed { interrupt.wait(beyond: armed - 1) }
    }
  }

  private static func interrupt(of index: Int) -> Interrupt { Interrupt(vector: firstVector + UInt8(index)) }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let end = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    var now: UInt64
    repeat {
      let interrupt = timer.interrupt
      let seen = interrupt.count
      let deadline = pv_tsc() &+ periodTicks
      ownArmed += 1
      timer.arm(nanoseconds: period)
      repeat {
        interrupt.wait(beyond: seen)
        now = pv_tsc()
      } while interrupt.count == seen && now < deadline &+ patienceTicks
      if interrupt.count != seen { latency.record(session.nanoseconds(now > deadline ? now &- deadline : 0)) }
      operations += 1
      session.beat()
    } while now < end
  }
}
