import Drivers
import GuestKernel
import PVWire

/// cyclic: a task that is due once a period, as cyclictest (rt-tests) has one: deadlines lie on a grid, however late the task was
/// before. Latency runs from the deadline to the moment at which the task sees its interrupt. Deadlines that pass while it is late
/// are missed, and not made up for.
///
/// Parameters: timer (pit, lapic, tsc-deadline), cycle (oneshot: the timer is set to the next deadline each time; periodic: it
/// repeats by itself, and the deadlines are its own), period, wait (halt: the processor sleeps until the interrupt; spin: it is
/// busy). Values, in the window: timer.missed; of a one-shot timer timer.early, interrupts before their deadline; of a periodic one
/// timer.replayed, interrupts of deadlines that had been missed. A lost interrupt of the local APIC's timer leaves a sleeping guest
/// asleep, and the repetition fails for want of time.
enum CyclicWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let task = try CyclicTask(session)
    if session.isWord("cycle", "oneshot") {
      let timer = try session.oneShotTimer()
      guard task.period <= timer.reach else { throw .failed(Text.bytes("period: beyond the timer's reach")) }
      session.send(.log(Text.bytes("timer: ", timer.name)))
      let loop = OneShotLoop(task, timer)
      try session.measure(loop)
      session.send(.value(name: Text.bytes("timer.early"), task.early))
    } else {
      let timer = try session.periodicTimer(task.period)
      session.send(.log(Text.bytes("timer: ", timer.name)))
      let loop = PeriodicLoop(task, timer)
      try session.measure(loop)
      session.send(.value(name: Text.bytes("timer.replayed"), loop.replayed))
    }
    session.send(.value(name: Text.bytes("timer.missed"), task.missed))
  }
}

extension Session {
  fileprivate func periodicTimer(_ period: UInt64) throws(WorkloadFailure) -> any PeriodicTimer {
    if isWord("timer", "pit") {
      if let timer = PeriodicPIT(nanoseconds: period) { return timer }
      throw .skipped(Text.bytes("no 8254 counts at port 0x40"))
    }
    if isWord("timer", "lapic") {
      if let timer = PeriodicLocalAPIC(nanoseconds: period, tscHertz: orders.tscHertz) { return timer }
      throw .skipped(Text.bytes("the local APIC's timer does not count"))
    }
    throw .skipped(Text.bytes("only the 8254 and the local APIC's timer repeat by themselves"))
  }
}

/// The task, whatever wakes it.
private final class CyclicTask {
  let session: Session
  /// Nanoseconds.
  let period: UInt64
  let sleeps: Bool
  var operations: UInt64 = 0
  var latency = LatencyHistogram()
  var missed: UInt64 = 0
  var early: UInt64 = 0
  private let patience: UInt64

  init(_ session: Session) throws(WorkloadFailure) {
    self.session = session
    period = try session.number("period")
    sleeps = session.isWord("wait", "halt")
    patience = session.ticks(nanoseconds: 1_000_000_000)
    guard period >= 100_000, period <= 50_000_000 else { throw .failed(Text.bytes("period: expected 100us to 50ms")) }
  }

  func forget() {
    operations = 0
    latency = LatencyHistogram()
    missed = 0
    early = 0
  }

  /// Returns the TSC when the count of `interrupt` is no longer `seen`.
  @inline(__always) func wait(for interrupt: Interrupt, beyond seen: UInt64) throws(WorkloadFailure) -> UInt64 {
    let limit = pv_tsc() &+ patience
    while true {
      if sleeps { interrupt.wait(beyond: seen) } else { pv_pause() }
      let isLate = pv_tsc() > limit
      // The clock is read after the count: an interrupt in between would seem to be early. A guest that was kept from running
      // for longer than its patience has its interrupt all the same.
      if interrupt.count != seen { return pv_tsc() }
      guard !isLate else { throw .failed(Text.bytes("a timer interrupt never came")) }
    }
  }

  /// One period's work is done at `now`, and so many deadlines behind this one have passed.
  @inline(__always) func note(deadline: UInt64, at now: UInt64, missing more: UInt64) {
    if now < deadline { early += 1 }
    latency.record(now > deadline ? session.nanoseconds(now &- deadline) : 0)
    missed += more
    operations += 1
    session.beat()
  }
}

/// The task sets the timer to its next deadline.
private final class OneShotLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  var operations: UInt64 { task.operations }
  var latency: LatencyHistogram { task.latency }
  private let task: CyclicTask
  private let timer: any OneShotTimer
  private let periodTicks: UInt64

  init(_ task: CyclicTask, _ timer: any OneShotTimer) {
    self.task = task
    self.timer = timer
    periodTicks = task.session.ticks(nanoseconds: task.period)
    if !timer.isLocalAPIC { Watchdog.start() }
  }

  func forgetMeasurements() { task.forget() }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    var deadline = pv_tsc() &+ periodTicks
    let end = deadline &+ task.session.ticks(nanoseconds: nanoseconds)
    repeat {
      let seen = timer.interrupt.count
      timer.arm(until: deadline, task.session.nanoseconds)
      let now = try task.wait(for: timer.interrupt, beyond: seen)
      let missed = now > deadline ? (now &- deadline) / periodTicks : 0
      task.note(deadline: deadline, at: now, missing: missed)
      deadline &+= (missed + 1) &* periodTicks
    } while deadline < end
  }
}

/// The timer repeats by itself, and says when its deadlines were.
private final class PeriodicLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  var operations: UInt64 { task.operations }
  var latency: LatencyHistogram { task.latency }
  private(set) var replayed: UInt64 = 0
  private let task: CyclicTask
  private let timer: any PeriodicTimer
  private var isRunning = false
  /// The TSC at the last deadline that was served.
  private var served: UInt64 = 0
  /// Ticks that the fastest answer of the timer took.
  private var fastest = UInt64.max

  init(_ task: CyclicTask, _ timer: any PeriodicTimer) {
    self.task = task
    self.timer = timer
    if !timer.isLocalAPIC { Watchdog.start() }
  }

  func forgetMeasurements() {
    task.forget()
    replayed = 0
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let session = task.session
    let periodTicks = session.ticks(nanoseconds: timer.period)
    if isRunning {
      // What was due since the last run is none of this one's.
      let asked = ask()
      served = asked.tsc &- session.ticks(nanoseconds: asked.nanoseconds)
    } else {
      isRunning = true
      timer.start()
      // The first deadline is a period from here.
      served = ask().tsc
    }
    let end = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    var now: UInt64
    var seen = timer.interrupt.count
    repeat {
      now = try task.wait(for: timer.interrupt, beyond: seen)
      seen = timer.interrupt.count
      let asked = ask()
      let latest = asked.tsc &- session.ticks(nanoseconds: asked.nanoseconds)
      // How many periods lie between: rounded, for both are only known to within what asking costs.
      let periods = latest > served ? (latest &- served &+ periodTicks / 2) / periodTicks : 0
      let deadline = latest &- (max(periods, 1) - 1) &* periodTicks
      guard periods > 0, now >= deadline else {
        replayed += 1
        continue
      }
      task.note(deadline: deadline, at: now, missing: periods - 1)
      served = latest
    } while now < end
  }

  /// What the timer says of its last deadline. An answer that took long is of no certain moment: the guest was kept from running
  /// before it or after it.
  private func ask() -> DeadlineReading {
    var patience = 8
    while true {
      let reading = timer.sinceDeadline()
      fastest = min(fastest, reading.ticks)
      patience -= 1
      if reading.ticks <= 4 &* fastest || patience == 0 { return reading }
    }
  }
}
