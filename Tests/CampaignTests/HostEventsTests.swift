import HostTopology
import Testing

@testable import Campaign

@Suite("what happened to the host")
struct HostEventsTests {
  /// CPU 1 of a host of which everything is known; ten seconds pass.
  private static let first = HostMoment(
    cpus: [cpu(1)], clocksource: "tsc",
    clocks: HostClocks(realtime: 1_000_000_000_000, raw: 0, monotonic: 500, boot: 700))

  private static func cpu(_ id: Int) -> CPUMoment {
    var cpu = CPUMoment(id: id)
    cpu.stealSeconds = 12
    cpu.throttles = 4
    cpu.governor = "performance"
    cpu.frequencyLimits = "800000-3500000"
    cpu.frequency = 3_500_000
    return cpu
  }

  private func seen(_ change: (inout HostMoment) -> Void) -> [String] {
    var last = Self.first
    last.clocks = HostClocks(
      realtime: 1_010_000_000_000, raw: 10_000_000_000, monotonic: 10_000_000_500, boot: 10_000_000_700)
    change(&last)
    return HostEvents(before: Self.first, after: last).seen.map(\.text)
  }

  @Test func nothingIsSeenWhereNothingHappened() { #expect(seen { _ in } == []) }

  @Test func stolenTimeIsSeenWithItsNumbers() {
    #expect(
      seen { $0.cpus[0].stealSeconds = 12.51 } == [
        "steal: the host's hypervisor took 510 ms of CPU 1's 10.00 s"
      ])
    #expect(seen { $0.cpus[0].stealSeconds = 12.5 } == [])
  }

  @Test func aShortRepetitionMayLoseFiveTicks() {
    let change: (inout HostMoment, Double) -> Void = { host, stolen in
      host.clocks = HostClocks(
        realtime: 1_000_100_000_000, raw: 100_000_000, monotonic: 100_000_500, boot: 100_000_700)
      host.cpus[0].stealSeconds = 12 + stolen
    }
    #expect(seen { change(&$0, 0.05) } == [])
    #expect(seen { change(&$0, 0.06) } == ["steal: the host's hypervisor took 60 ms of CPU 1's 100 ms"])
  }

  @Test func throttlingIsSeen() {
    #expect(seen { $0.cpus[0].throttles = 7 } == ["throttling: CPU 1 or its package was throttled 3 times"])
  }

  @Test func anotherGovernorOrOtherLimitsAreSeen() {
    #expect(
      seen { $0.cpus[0].governor = "powersave" } == [
        "frequency: the governor of CPU 1 went from performance to powersave"
      ])
    #expect(
      seen { $0.cpus[0].frequencyLimits = "800000-2000000" } == [
        "frequency: the frequency limits of CPU 1 went from 800000-3500000 kHz to 800000-2000000 kHz"
      ])
  }

  @Test func aFrequencyThatFallsUnderPerformanceIsSeen() {
    #expect(
      seen { $0.cpus[0].frequency = 2_100_000 } == [
        "frequency: the frequency of CPU 1 went from 3500000 kHz to 2100000 kHz"
      ])
    #expect(seen { $0.cpus[0].frequency = 2_900_000 } == [])
  }

  @Test func otherGovernorsMoveTheFrequencyAsTheyLike() {
    var first = Self.first
    first.cpus[0].governor = "schedutil"
    var last = first
    last.cpus[0].frequency = 800_000
    #expect(HostEvents(before: first, after: last).seen == [])
  }

  @Test(arguments: [(3, "forward"), (-3, "back")]) func aClockThatIsSetIsSeen(seconds: Int64, direction: String) {
    #expect(
      seen { $0.clocks.realtime += seconds * 1_000_000_000 } == [
        "clock: the host's clock was set \(direction) by 3.00 s"
      ])
  }

  @Test func slewingIsNoStep() { #expect(seen { $0.clocks.realtime += 5_000_000 } == []) }

  @Test func suspensionIsSeenAndIsNoStep() {
    #expect(
      seen {
        $0.clocks.boot += 4_000_000_000
        $0.clocks.realtime += 4_000_000_000
      } == ["clock: the host was suspended for 4.00 s"])
  }

  @Test func anotherClocksourceIsSeen() {
    #expect(seen { $0.clocksource = "hpet" } == ["clocksource: the clocksource went from tsc to hpet"])
  }

  @Test func whatCannotBeReadIsUnwatchedAndNotSeen() {
    #expect(Self.first.unwatched == [])
    let blind = HostMoment(cpus: [CPUMoment(id: 1)], clocksource: nil, clocks: Self.first.clocks)
    #expect(blind.unwatched == [.steal, .throttling, .frequency, .clocksource])
    #expect(HostEvents(before: blind, after: Self.first).seen == [])
  }
}
