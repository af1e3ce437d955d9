import GuestKernel

/// What a timer says of its last deadline.
public struct DeadlineReading {
  /// The TSC in the middle of the question.
  public let tsc: UInt64
  /// Ticks of the TSC that the question took: the answer is of some moment in it.
  public let ticks: UInt64
  /// Nanoseconds since the deadline, by the timer's own count: no other clock runs exactly as fast.
  public let nanoseconds: UInt64

  init(before: UInt64, after: UInt64, nanoseconds: UInt64) {
    tsc = before + (after - before) / 2
    ticks = after - before
    self.nanoseconds = nanoseconds
  }
}

/// A timer that interrupts again and again, and that can be asked how long ago it should have.
public protocol PeriodicTimer: AnyObject {
  /// `pit` or `lapic`.
  var name: StaticString { get }
  /// The interrupt that it raises.
  var interrupt: Interrupt { get }
  /// True where it is the local APIC's own timer, which then is nobody else's.
  var isLocalAPIC: Bool { get }
  /// Nanoseconds between two deadlines.
  var period: UInt64 { get }
  /// Begins.
  func start()
  /// When its last deadline was.
  func sinceDeadline() -> DeadlineReading
}

/// Counter 0 of the 8254 in mode 2 (Intel 8254 data sheet), whose output is IRQ 0 of the 8259.
public final class PeriodicPIT: PeriodicTimer {
  /// The choice that this timer is.
  public let name: StaticString = "pit"
  /// What it raises.
  public let interrupt: Interrupt
  /// Whether it is the local APIC's own timer.
  public let isLocalAPIC = false
  /// Nanoseconds between two deadlines: a whole number of its ticks.
  public let period: UInt64
  private let ticks: UInt64

  /// A timer of about `nanoseconds`, of its 54.9 ms at most; nil where nothing counts.
  public init?(nanoseconds: UInt64) {
    PIC.initialize()
    guard PIT.startFreeRunning() else { return nil }
    LocalAPIC.enable(acceptsPIC: true)
    ticks = max(2, nanoseconds * PIT.hertz / 1_000_000_000)
    period = ticks * 1_000_000_000 / PIT.hertz
    interrupt = Interrupt(vector: 0x20)
  }

  /// Begins.
  public func start() {
    pv_out8(PIT.control, 0x34)  // counter 0, low byte then high byte, mode 2
    pv_out8(PIT.counter0, UInt8(truncatingIfNeeded: ticks))
    pv_out8(PIT.counter0, UInt8(truncatingIfNeeded: ticks >> 8))
    _ = PIC.enable(line: 0)
  }

  /// By its count, which goes down from the period's ticks to one.
  public func sinceDeadline() -> DeadlineReading {
    let before = pv_tsc()
    pv_out8(PIT.control, 0)  // latches it
    let after = pv_tsc()
    let count = UInt64(PIT.latch())
    let elapsed = ticks - min(count, ticks)
    return DeadlineReading(before: before, after: after, nanoseconds: elapsed * 1_000_000_000 / PIT.hertz)
  }
}

/// The local APIC's timer, periodic (Intel SDM 3, 11.5.4), by xAPIC MMIO.
public final class PeriodicLocalAPIC: PeriodicTimer {
  /// The choice that this timer is.
  public let name: StaticString = "lapic"
  /// What it raises.
  public let interrupt = Interrupt(vector: LocalAPIC.timerVector)
  /// Whether it is the local APIC's own timer.
  public let isLocalAPIC = true
  /// Nanoseconds between two deadlines.
  public let period: UInt64
  private let counts: UInt64
  private let countsPerNanosecond: UInt64

  /// A timer of `nanoseconds`, of a frequency that is measured against a TSC of `hertz`; nil where it does not count.
  public init?(nanoseconds: UInt64, tscHertz hertz: UInt64) {
    guard let timer = LocalAPICTimer(tscHertz: hertz), nanoseconds <= timer.reach else { return nil }
    period = nanoseconds
    countsPerNanosecond = timer.countsPerNanosecond
    counts = timer.counts(nanoseconds)
  }

  /// Begins.
  public func start() {
    LocalAPIC.write(.timer, 1 << 17 | UInt32(LocalAPIC.timerVector))  // periodic
    LocalAPIC.write(.initialCount, UInt32(truncatingIfNeeded: counts))
  }

  /// By its count, which goes down to zero.
  public func sinceDeadline() -> DeadlineReading {
    let before = pv_tsc()
    let count = UInt64(LocalAPIC.read(.currentCount))
    let after = pv_tsc()
    let elapsed = counts - min(count, counts)
    return DeadlineReading(before: before, after: after, nanoseconds: (elapsed << 32) / countsPerNanosecond)
  }
}
