import EmulatedDevices
import Glibc
import KVM

/// Clocks and timers: those that were chosen and are no part of the processor.
extension Wiring {
  mutating func attachTime(_ machine: borrowing VirtualMachine) throws(MachineError) {
    switch choices["clock"] {
    case "pmtimer":
      let timer = ACPITimer(clock: HostClock.sinceBoot)
      try Self.map(timer, at: Port.acpiTimer, count: ACPITimer.portCount, on: &ports)
    case "rtc":
      let clock = RealTimeClock(clock: HostClock.since1970())
      try Self.map(clock, at: Port.realTimeClock, count: RealTimeClock.portCount, on: &ports)
    default: break
    }
    if choices["clock"] == "pit" || choices["timer"] == "pit" || way == .timerIn || way == .timerOut {
      do { try machine.createPIT() } catch { throw .kvm(error) }
    }
  }
}

/// The host's time as devices are given it.
enum HostClock {
  /// Nanoseconds of CLOCK_MONOTONIC, which never goes back.
  @Sendable static func sinceBoot() -> UInt64 { read(CLOCK_MONOTONIC) }

  /// Nanoseconds since the start of 1970 that never go back: from now on they are counted, and a host that is put right
  /// meanwhile does not matter.
  static func since1970() -> @Sendable () -> UInt64 {
    let ahead = read(CLOCK_REALTIME) &- sinceBoot()
    return { sinceBoot() &+ ahead }
  }

  private static func read(_ clock: clockid_t) -> UInt64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
