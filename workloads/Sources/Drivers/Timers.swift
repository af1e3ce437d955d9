import GuestKernel

/// A timer that interrupts once, some time from now.
public protocol OneShotTimer: AnyObject {
  /// `pit`, `lapic` or `tsc-deadline`.
  var name: StaticString { get }
  /// The interrupt that it raises.
  var interrupt: Interrupt { get }
  /// Longest span in nanoseconds.
  var reach: UInt64 { get }
  /// True where it is the local APIC's own timer, which then is nobody else's.
  var isLocalAPIC: Bool { get }
  /// Interrupts `nanoseconds` from now, not earlier. A span that has not ended yet is forgotten. Where it is the local APIC's,
  /// it is that of the processor that calls.
  func arm(nanoseconds: UInt64)
  /// Interrupts when the TSC is at `deadline`, not earlier.
  func arm(until deadline: UInt64, _ nanoseconds: (UInt64) -> UInt64)
  /// Makes the timer of the processor that calls raise `vector`; false where only one processor has this timer.
  func adopt(vector: UInt8) -> Bool
}

extension OneShotTimer {
  /// A timer that counts from now on; `nanoseconds` are those of a span of TSC ticks.
  public func arm(until deadline: UInt64, _ nanoseconds: (UInt64) -> UInt64) {
    let now = pv_tsc()
    arm(nanoseconds: deadline > now ? nanoseconds(deadline - now) + 1 : 0)
  }
}

/// Counter 0 of the 8254 in mode 0 (Intel 8254 data sheet), whose output is IRQ 0 of the 8259.
public final class PITTimer: OneShotTimer {
  /// The choice that this timer is.
  public let name: StaticString = "pit"
  /// What it raises.
  public let interrupt: Interrupt
  /// Longest span in nanoseconds.
  public let reach: UInt64 = 54_900_000
  /// Whether it is the local APIC's own timer.
  public let isLocalAPIC = false

  /// Opens IRQ 0; nil where nothing counts.
  public init?() {
    PIC.initialize()
    guard PIT.startFreeRunning() else { return nil }
    LocalAPIC.enable(acceptsPIC: true)
    pv_out8(PIT.control, 0x30)  // counter 0, low byte then high byte, mode 0: silent until its count is written
    interrupt = PIC.enable(line: 0)
  }

  /// Interrupts `nanoseconds` from now.
  public func arm(nanoseconds: UInt64) {
    let ticks = max(1, (nanoseconds * PIT.hertz + 999_999_999) / 1_000_000_000)
    pv_out8(PIT.control, 0x30)
    pv_out8(PIT.counter0, UInt8(truncatingIfNeeded: ticks))
    pv_out8(PIT.counter0, UInt8(truncatingIfNeeded: ticks >> 8))
  }

  /// There is one.
  public func adopt(vector: UInt8) -> Bool { false }
}

/// The local APIC's timer, one-shot (Intel SDM 3, 11.5.4), by xAPIC MMIO.
public final class LocalAPICTimer: OneShotTimer {
  /// The choice that this timer is.
  public let name: StaticString = "lapic"
  /// What it raises.
  public let interrupt = Interrupt(vector: LocalAPIC.timerVector)
  /// Longest span in nanoseconds.
  public let reach: UInt64
  /// Whether it is the local APIC's own timer.
  public let isLocalAPIC = true
  /// Counts a nanosecond, 32.32 fixed point.
  let countsPerNanosecond: UInt64

  /// Measures the timer's frequency against a TSC of `hertz`; nil where it does not count.
  public init?(tscHertz hertz: UInt64) {
    LocalAPIC.enable(acceptsPIC: false)
    LocalAPIC.write(.divide, 0b1011)  // by one
    LocalAPIC.write(.timer, 1 << 16 | UInt32(LocalAPIC.timerVector))  // masked meanwhile
    var best = Self.measured(spanTicks: hertz / 400)
    for _ in 0..<3 {
      let next = Self.measured(spanTicks: hertz / 400)
      if next.doubt < best.doubt { best = next }
    }
    LocalAPIC.write(.initialCount, 0)
    guard best.counts > 0 else { return nil }
    let nanoseconds = best.ticks * 1_000_000_000 / hertz
    countsPerNanosecond = (best.counts << 32) / max(nanoseconds, 1)
    reach = countsPerNanosecond == 0 ? 0 : (UInt64(UInt32.max) << 32) / countsPerNanosecond
    LocalAPIC.write(.timer, UInt32(LocalAPIC.timerVector))
  }

  /// Counts in some ticks of the TSC, and by how many ticks that may be wrong: a guest that is kept from running between a look at
  /// one and at the other sees a wrong frequency.
  private static func measured(spanTicks: UInt64) -> (counts: UInt64, ticks: UInt64, doubt: UInt64) {
    let start = pv_tsc()
    LocalAPIC.write(.initialCount, .max)
    let started = pv_tsc()
    while pv_tsc() &- started < spanTicks { pv_pause() }
    let end = pv_tsc()
    let count = LocalAPIC.read(.currentCount)
    let ended = pv_tsc()
    let doubt = (started &- start) + (ended &- end)
    return (UInt64(UInt32.max - count), (end &- start) + (ended &- end) / 2 - (started &- start) / 2, doubt)
  }

  /// Interrupts `nanoseconds` from now.
  public func arm(nanoseconds: UInt64) {
    LocalAPIC.write(.initialCount, UInt32(truncatingIfNeeded: counts(nanoseconds)) &+ 1)
  }

  /// Whole counts in this time.
  func counts(_ nanoseconds: UInt64) -> UInt64 {
    let product = nanoseconds.multipliedFullWidth(by: countsPerNanosecond)
    return product.high << 32 | product.low >> 32
  }

  /// Every processor's runs at the same frequency.
  public func adopt(vector: UInt8) -> Bool {
    LocalAPIC.write(.divide, 0b1011)
    LocalAPIC.write(.timer, UInt32(vector))
    return true
  }
}

/// The local APIC's timer in TSC-deadline mode (Intel SDM 3, 11.5.4.1): armed by one MSR.
public final class TSCDeadlineTimer: OneShotTimer {
  /// The choice that this timer is.
  public let name: StaticString = "tsc-deadline"
  /// What it raises.
  public let interrupt = Interrupt(vector: LocalAPIC.timerVector)
  /// Longest span in nanoseconds.
  public let reach: UInt64 = 1_000_000_000_000
  /// Whether it is the local APIC's own timer.
  public let isLocalAPIC = true
  private static let deadlineMSR: UInt32 = 0x6E0
  private static let featureBit: UInt32 = 1 << 24
  private let hertz: UInt64

  /// Chooses the mode, for a TSC of `hertz`; nil where the processor has it not.
  public init?(tscHertz hertz: UInt64) {
    guard CPUID.words(1)[2] & Self.featureBit != 0 else { return nil }
    self.hertz = hertz
    LocalAPIC.enable(acceptsPIC: false)
    LocalAPIC.write(.timer, 2 << 17 | UInt32(LocalAPIC.timerVector))
    // The mode has to be there before the first deadline.
    pv_full_fence()
  }

  /// Interrupts `nanoseconds` from now.
  public func arm(nanoseconds: UInt64) {
    let second: UInt64 = 1_000_000_000
    let ticks = nanoseconds / second * hertz + nanoseconds % second * hertz / second
    pv_wrmsr(Self.deadlineMSR, pv_tsc() &+ ticks &+ 1)
  }

  /// Interrupts when the TSC is at `deadline`.
  public func arm(until deadline: UInt64, _ nanoseconds: (UInt64) -> UInt64) {
    pv_wrmsr(Self.deadlineMSR, deadline)
  }

  /// Every processor has its own.
  public func adopt(vector: UInt8) -> Bool {
    LocalAPIC.write(.timer, 2 << 17 | UInt32(vector))
    pv_full_fence()
    return true
  }
}
