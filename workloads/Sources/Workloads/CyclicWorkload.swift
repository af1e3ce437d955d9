import Drivers
import GuestKernel
import PVWire

/// cyclic: a task that is due once a period, as cyclictest (rt-tests) has one: deadlines lie on a grid, however late the task was
/// before. Latency runs from the deadline to the moment at which the task sees its interrupt. Deadlines that pass while it is late
/// are missed, and not made up for.
///
/// Parameters: timer (pit, lapic, tsc-deadline), cycle (oneshot: the timer is set to the next deadline each time; periodic: it
/// repeats by itself, and the deadlines are its own), period, wait (halt: the processor sleeps until the interrupt; spin: it is
/// busy). Values, in the window: timer.missed; where the timer is periodic also timer.replayed, interrupts of deadlines that had
/// been missed. A lost interrupt of the local APIC's timer leaves a sleeping guest asleep, and the repetition fails for want of time.
enum CyclicWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let task = try CyclicTask(session)
    if session.isWord("cycle", "oneshot") {
      let timer = try session.oneShotTimer()
      guard task.period <= timer.reach else { throw .failed(Text.bytes("period: beyond the timer's reach")) }
      session.send(.log(Text.bytes("timer: ", timer.name)))
      let loop = OneShotLoop(task, timer)
      try session.measure(loop)
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
  }

  /// Returns the TSC when the count of `interrupt` is no longer `seen`.
  @inline(__always) func wait(for interrupt: Interrupt, beyond seen: UInt64) throws(WorkloadFailure) -> UInt64 {
    let limit = pv_tsc() &+ patience
    while true {
      if sleeps { interrupt.wait(beyond: seen) } else { pv_pause() }
      let now = pv_tsc()
      // A guest that was kept from running for longer than its patience has its interrupt all the same.
      if interrupt.count != seen { return now }
      guard now < limit else { throw .failed(Text.bytes("a timer interrupt never came")) }
    }
  }

  /// One period's work is done, this late, and so many further deadlines have passed.
  @inline(__always) func note(late nanoseconds: UInt64, missing more: UInt64) {
    latency.record(nanoseconds)
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
      let late = now > deadline ? now &- deadline : 0
      let missed = late / periodTicks
      task.note(late: task.session.nanoseconds(late), missing: missed)
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
    if !isRunning {
      isRunning = true
      timer.start()
      // The first deadline is a period from here.
      served = timer.sinceDeadline().tsc
    }
    let end = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    var now: UInt64
    var seen = timer.interrupt.count
    repeat {
      now = try task.wait(for: timer.interrupt, beyond: seen)
      seen = timer.interrupt.count
      let asked = timer.sinceDeadline()
      let latest = asked.tsc &- session.ticks(nanoseconds: asked.nanoseconds)
      // How many periods lie between: rounded, for both are only known to within what asking costs.
      let periods = latest > served ? (latest &- served &+ periodTicks / 2) / periodTicks : 0
      guard periods > 0 else {
        replayed += 1
        continue
      }
      let first = latest &- (periods - 1) &* periodTicks
      task.note(late: now > first ? session.nanoseconds(now &- first) : 0, missing: periods - 1)
      served = latest
    } while now < end
  }
}
