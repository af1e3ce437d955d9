import Drivers
import GuestKernel
import PVWire

/// clock: reads a clock, over and over. No read may give an earlier time than the one before.
///
/// Parameter: clock (pmtimer, pit, rtc, tsc, kvmclock). Value: clock.drift, the relative difference of the clock against the
/// TSC between the first and the last step that it was seen to make in the window, in parts per billion; a clock that steps
/// less than twice has none. The real-time clock steps once a second: its drift is what two readings of a step are apart.
enum ClockWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let clock = try session.clock()
    session.send(.log(Text.bytes("clock: ", clock.name)))
    let loop = ClockLoop(session, clock)
    try session.measure(loop)
    if let drift = loop.drift { session.send(.value(name: Text.bytes("clock.drift"), drift)) }
  }
}

extension Session {
  /// The clock that the parameter `clock` names.
  func clock() throws(WorkloadFailure) -> any ClockSource {
    if isWord("clock", "tsc") { return TSCClock(hertz: orders.tscHertz) }
    if isWord("clock", "pmtimer") {
      if let clock = PMTimerClock(port: MemoryMap.acpiTimer) { return clock }
      throw .skipped(Text.bytes("no ACPI PM timer counts at port 0x608"))
    }
    if isWord("clock", "pit") {
      if let clock = PITClock() { return clock }
      throw .skipped(Text.bytes("no 8254 counts at port 0x40"))
    }
    if isWord("clock", "rtc") {
      if let clock = RTCClock() { return clock }
      throw .skipped(Text.bytes("no real-time clock was found at port 0x70"))
    }
    if isWord("clock", "kvmclock") {
      if let clock = KVMClock() { return clock }
      throw .skipped(Text.bytes("CPUID shows no KVM that has a kvmclock"))
    }
    throw .failed(Text.bytes("clock: expected pmtimer, pit, rtc, tsc or kvmclock"))
  }
}

extension ClockSource {
  /// A clock that showed `earlier` and then `later`, before it.
  func failure(from earlier: UInt64, to later: UInt64) -> WorkloadFailure {
    .failed(Text.bytes("time went backwards by ") + Text.decimal(earlier - later) + Text.bytes(" ns: ", name))
  }
}

private final class ClockLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let clock: any ClockSource
  private var last: UInt64 = 0
  /// Ticks that the fastest read of a step took.
  private var fastest = UInt64.max
  private var steps = 0
  private var firstStep = (time: UInt64(0), tsc: UInt64(0))
  private var lastStep = (time: UInt64(0), tsc: UInt64(0))

  init(_ session: Session, _ clock: any ClockSource) {
    self.session = session
    self.clock = clock
    last = clock.nanoseconds()
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
    steps = 0
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    var after: UInt64
    repeat {
      let before = pv_tsc()
      let time = clock.nanoseconds()
      after = pv_tsc()
      guard time >= last else { throw clock.failure(from: last, to: time) }
      if time != last { note(time, at: after, ticks: after &- before) }
      last = time
      latency.record(session.nanoseconds(after &- before))
      operations += 1
      session.beat()
    } while after < deadline
  }

  /// A read during which the guest was kept from running does not say when it was: it is left out of the drift, unless it took
  /// next to nothing of the step that it saw.
  @inline(__always) private func note(_ time: UInt64, at tsc: UInt64, ticks: UInt64) {
    fastest = min(fastest, ticks)
    guard ticks <= 4 &* fastest || session.nanoseconds(ticks) <= (time &- last) >> 5 else { return }
    if steps == 0 { firstStep = (time, tsc) }
    lastStep = (time, tsc)
    steps += 1
  }

  /// Parts per billion.
  var drift: UInt64? {
    let expected = session.nanoseconds(lastStep.tsc &- firstStep.tsc)
    guard steps >= 2, expected > 0 else { return nil }
    let measured = lastStep.time - firstStep.time
    let difference = measured > expected ? measured - expected : expected - measured
    // Beyond 18 s the product would not fit, and no number says more.
    return min(difference, 18_000_000_000) * 1_000_000_000 / expected
  }
}
