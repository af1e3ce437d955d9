import GuestKernel

/// A clock as the workloads see it.
public protocol ClockSource: AnyObject {
  /// `pmtimer`, `pit`, `rtc`, `tsc` or `kvmclock`.
  var name: StaticString { get }
  /// Nanoseconds that one of its steps is long, at most.
  var resolution: UInt64 { get }
  /// Nanoseconds after which its counter is where it was, and a reader that was kept away misses a turn; 0 where that is never.
  var turn: UInt64 { get }
  /// Nanoseconds since some moment, in steps of the clock's own resolution. It must be read more often than the clock's
  /// counter wraps around.
  func nanoseconds() -> UInt64
}

/// A factor in 32.32 fixed point: a multiplication where a division would cost more than the clock.
struct FixedPointFactor {
  private let factor: UInt64

  /// Nanoseconds a tick of a counter.
  init(nanosecondsPerTickAt hertz: UInt64) { factor = (1_000_000_000 << 32) / hertz }

  @inline(__always) func callAsFunction(_ ticks: UInt64) -> UInt64 {
    let product = ticks.multipliedFullWidth(by: factor)
    return product.high << 32 | product.low >> 32
  }
}

/// The processor's time stamp counter.
public final class TSCClock: ClockSource {
  /// The choice that this clock is.
  public let name: StaticString = "tsc"
  /// Nanoseconds of a step.
  public let resolution: UInt64 = 1
  /// It has no turns.
  public let turn: UInt64 = 0
  private let factor: FixedPointFactor

  /// A clock over a counter of this frequency.
  public init(hertz: UInt64) { factor = FixedPointFactor(nanosecondsPerTickAt: hertz) }

  /// Nanoseconds since the counter was zero.
  public func nanoseconds() -> UInt64 { factor(pv_tsc()) }
}

/// The ACPI power management timer (ACPI 6.5, 4.8.3.3) at a port that the FADT would name. Its 32 bits last for twenty minutes.
public final class PMTimerClock: ClockSource {
  /// The choice that this clock is.
  public let name: StaticString = "pmtimer"
  /// Nanoseconds of a step.
  public let resolution: UInt64 = 280
  /// Nanoseconds of a turn of its counter.
  public let turn: UInt64 = 1_199_864_031_882
  private static let hertz: UInt64 = 3_579_545
  private let port: UInt16
  private let factor = FixedPointFactor(nanosecondsPerTickAt: hertz)
  private var last: UInt32
  private var ticks: UInt64 = 0

  /// The timer at `port`; nil where nothing counts there.
  public init?(port: UInt16) {
    self.port = port
    last = pv_in32(port)
    var patience = 100
    while pv_in32(port) == last {
      patience -= 1
      guard patience > 0 else { return nil }
    }
  }

  /// Nanoseconds since the timer was found.
  public func nanoseconds() -> UInt64 {
    let count = pv_in32(port)
    ticks += UInt64(count &- last)
    last = count
    return factor(ticks)
  }
}

/// Counter 0 of the 8254 as a clock (Intel 8254 data sheet): mode 2 from 65,536 down, latched and read. It wraps around every
/// 54.9 ms; a reader that is kept away for longer misses a turn, and its clock is late from then on.
public final class PITClock: ClockSource {
  /// The choice that this clock is.
  public let name: StaticString = "pit"
  /// Nanoseconds of a step.
  public let resolution: UInt64 = 839
  /// Nanoseconds of a turn of its counter.
  public let turn: UInt64 = 54_925_401
  private let factor = FixedPointFactor(nanosecondsPerTickAt: PIT.hertz)
  private var last: UInt16 = 0
  private var ticks: UInt64 = 0

  /// Starts the counter, its interrupt masked at both 8259; nil where nothing counts.
  public init?() {
    PIC.initialize()
    guard PIT.startFreeRunning() else { return nil }
    last = PIT.latched()
  }

  /// Nanoseconds since the counter was started.
  public func nanoseconds() -> UInt64 {
    let count = PIT.latched()
    ticks += UInt64(last &- count)
    last = count
    return factor(ticks)
  }
}

/// The CMOS clock (MC146818 data sheet): its seconds, read while no update goes on. A reader that is kept away for a minute
/// misses it.
public final class RTCClock: ClockSource {
  /// The choice that this clock is.
  public let name: StaticString = "rtc"
  /// Nanoseconds of a step.
  public let resolution: UInt64 = 1_000_000_000
  /// Nanoseconds of a turn of its counter.
  public let turn: UInt64 = 60_000_000_000
  private static let index: UInt16 = 0x70
  private static let data: UInt16 = 0x71
  private let isBinary: Bool
  private var last: UInt64 = 0
  private var seconds: UInt64 = 0

  /// The clock at its PC ports; nil where there is none (its battery is always good).
  public init?() {
    guard Self.read(0x0D) == 0x80 else { return nil }
    isBinary = Self.read(0x0B) & 0x04 != 0
    last = second()
  }

  /// Nanoseconds since the clock was found, in whole seconds.
  public func nanoseconds() -> UInt64 {
    let now = second()
    seconds += now >= last ? now - last : now + 60 - last
    last = now
    return seconds * 1_000_000_000
  }

  private func second() -> UInt64 {
    while Self.read(0x0A) & 0x80 != 0 { pv_pause() }
    let byte = UInt64(Self.read(0))
    return isBinary ? byte : (byte >> 4) * 10 + byte & 15
  }

  private static func read(_ register: UInt8) -> UInt8 {
    pv_out8(index, register)
    return pv_in8(data)
  }
}

/// KVM's clock page of one processor (Linux, virt/kvm/x86/msr.rst, MSR_KVM_SYSTEM_TIME_NEW): the TSC with a factor and an origin
/// that the host keeps up to date.
public struct KVMClockPage {
  private enum Field {
    static let version = 0
    static let timestamp = 8
    static let systemTime = 16
    static let factor = 24
    static let shift = 28
    static let flags = 29
  }
  private static let systemTimeMSR: UInt32 = 0x4B56_4D01
  private static let featureBit: UInt32 = 1 << 3
  private let page: DMAMemory

  /// A page that nobody fills yet; nil where CPUID shows no KVM, or none that has this clock.
  public init?() {
    guard KVMLeaves.features & Self.featureBit != 0 else { return nil }
    page = DMAMemory(count: 4096)
  }

  /// Asks KVM to fill it for the processor that calls; before anyone reads it.
  public func enable() { pv_wrmsr(Self.systemTimeMSR, UInt64(page.address) | 1) }

  /// Makes KVM forget the page of the processor that calls.
  public static func disable() { pv_wrmsr(systemTimeMSR, 0) }

  /// True where KVM promises that the pages of all processors agree (PVCLOCK_TSC_STABLE_BIT).
  public var agreesWithOthers: Bool { page.load(UInt8.self, at: Field.flags) & 1 != 0 }

  /// Nanoseconds since the host's own origin, on the processor that the page is of.
  @inline(__always) public func nanoseconds() -> UInt64 {
    while true {
      let version = page.load(UInt32.self, at: Field.version)
      // Each fence keeps the page's fields on their side of the version.
      pv_full_fence()
      let ticks = pv_tsc() &- page.load(UInt64.self, at: Field.timestamp)
      let shift = page.load(Int8.self, at: Field.shift)
      let scaled = shift >= 0 ? ticks << UInt64(shift) : ticks >> UInt64(-Int(shift))
      let product = scaled.multipliedFullWidth(by: UInt64(page.load(UInt32.self, at: Field.factor)))
      let now = page.load(UInt64.self, at: Field.systemTime) &+ (product.high << 32 | product.low >> 32)
      pv_full_fence()
      if version & 1 == 0, page.load(UInt32.self, at: Field.version) == version { return now }
    }
  }
}

/// KVM's clock on one processor, as a kernel reads it.
public final class KVMClock: ClockSource {
  /// The choice that this clock is.
  public let name: StaticString = "kvmclock"
  /// Nanoseconds of a step.
  public let resolution: UInt64 = 1
  /// It has no turns.
  public let turn: UInt64 = 0
  private let page: KVMClockPage
  private var latest: UInt64 = 0

  /// Asks for the page; nil where CPUID shows no KVM, or none that has this clock.
  public init?() {
    guard let page = KVMClockPage() else { return nil }
    self.page = page
    page.enable()
  }

  deinit { KVMClockPage.disable() }

  /// Nanoseconds since the host's own origin.
  public func nanoseconds() -> UInt64 {
    let now = page.nanoseconds()
    // Without that promise, kernels remember what they have seen.
    latest = page.agreesWithOthers ? now : max(now, latest)
    return latest
  }
}

/// What KVM says of itself by CPUID (Linux, virt/kvm/x86/cpuid.rst).
public enum KVMLeaves {
  /// The feature bits; 0 where the processor shows no KVM.
  public static var features: UInt32 {
    let signature = CPUID.words(0x4000_0000)
    let isKVM = signature[1] == 0x4B4D_564B && signature[2] == 0x564B_4D56 && signature[3] == 0x4D
    return isKVM && signature[0] >= 0x4000_0001 ? CPUID.words(0x4000_0001)[0] : 0
  }
}

/// The processor's identification, read in ring 0: some hosts show ring 3 the physical processor.
public enum CPUID {
  /// EAX, EBX, ECX and EDX of a leaf.
  public static func words(_ leaf: UInt32, subleaf: UInt32 = 0) -> [UInt32] {
    var words: [UInt32] = [0, 0, 0, 0]
    words.withUnsafeMutableBufferPointer { pv_cpuid(leaf, subleaf, $0.baseAddress) }
    return words
  }

  /// True where the TSC runs at one rate whatever happens (AMD APM 3, Fn8000_0007_EDX bit 8; the same with Intel).
  public static var hasInvariantTSC: Bool {
    words(0x8000_0000)[0] >= 0x8000_0007 && words(0x8000_0007)[3] & 1 << 8 != 0
  }
}

/// The 8254 (Intel 8254 data sheet) at its PC ports.
public enum PIT {
  /// Ticks a second.
  static let hertz: UInt64 = 1_193_182
  static let counter0: UInt16 = 0x40
  static let control: UInt16 = 0x43

  /// Counter 0 in mode 2 from 65,536 down, over and over; false where nothing counts.
  public static func startFreeRunning() -> Bool {
    pv_out8(control, 0x34)  // low byte then high byte, mode 2, binary
    pv_out8(counter0, 0)
    pv_out8(counter0, 0)
    let first = latched()
    var patience = 100
    while latched() == first {
      patience -= 1
      guard patience > 0 else { return false }
    }
    return true
  }

  /// What counter 0 was when it was latched.
  @inline(__always) static func latched() -> UInt16 {
    pv_out8(control, 0)
    return latch()
  }

  /// What was latched.
  @inline(__always) static func latch() -> UInt16 {
    let low = UInt16(pv_in8(counter0))
    return UInt16(pv_in8(counter0)) << 8 | low
  }
}
