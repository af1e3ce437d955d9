import Machine
import MachineLauncher
import Measurement
import Testing

/// A row of the platform suite, run for a short time.
private func time(
  _ kernel: String, _ choices: [String: String], parameters: [(name: String, value: String)] = [],
  windowMilliseconds: UInt64 = 200
) throws -> RunnerReport {
  var specification = MachineSpecification()
  specification.kernel = kernel
  specification.choices = choices
  specification.parameters = parameters
  specification.warmupNanoseconds = 10_000_000
  specification.windowNanoseconds = windowMilliseconds * 1_000_000
  return try GuestRun.run(specification)
}

extension RealGuests {
  @Suite("clocks and timers")
  struct TimeTests {
    @Test(arguments: ["pmtimer", "pit", "tsc", "kvmclock"])
    func aClockNeverGoesBackAndKeepsPaceWithTheTSC(_ clock: String) throws {
      let report = try time("clock", ["clock": clock, "cpuid": "kvm"])
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.log.contains("clock: \(clock)"))
      #expect(try #require(report.metrics["window.ops"]) > 100)
      // A wrong frequency, or a turn of the counter that is always missed, would be far from that.
      #expect(try #require(report.metrics["clock.drift"]) < 0.25)
    }

    @Test func theRealTimeClockStepsOnceASecond() throws {
      let report = try time("clock", ["clock": "rtc"], windowMilliseconds: 3500)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(try #require(report.metrics["clock.drift"]) < 0.25)
      #expect(try #require(report.metrics["exits.per_op"]) >= 4)
    }

    @Test func aClockThatStepsTooSeldomHasNoDrift() throws {
      let report = try time("clock", ["clock": "rtc"], windowMilliseconds: 50)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.metrics["clock.drift"] == nil)
    }

    /// A clock, and the exits to userspace that a read of it makes.
    @Test(arguments: [("pmtimer", 1.0...1.1), ("pit", 0.0...0.1), ("tsc", 0.0...0.1), ("kvmclock", 0.0...0.1)])
    func aReadCostsItsExits(clock: String, exits: ClosedRange<Double>) throws {
      let report = try time("clock", ["clock": clock, "cpuid": "kvm"])
      #expect(exits.contains(try #require(report.metrics["exits.per_op"])))
    }

    @Test(arguments: [
      ("kvmclock", "CPUID shows no KVM that has a kvmclock"),
      ("sundial", "clock: expected pmtimer, pit, rtc, tsc or kvmclock"),
    ]) func aClockThatIsNotThereIsNamed(clock: String, reason: String) throws {
      let report = try time("clock", ["clock": clock, "cpuid": "hidden"])
      #expect(report.status != .ok)
      #expect(report.reason == reason)
    }

    @Test(arguments: ["pmtimer", "pit", "rtc"]) func aMachineHasNoClockThatWasNotChosen(_ clock: String) throws {
      let report = try time("clock", [:], parameters: [("clock", clock)])
      #expect(report.status == .skipped)
    }

    @Test(arguments: ["pit", "lapic", "tsc-deadline"])
    func everyTimerThatIsArmedIsHandled(_ timer: String) throws {
      let report = try time(
        "timer", ["timer": timer], parameters: [("period", "100000")], windowMilliseconds: 500)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.log.contains("timer: \(timer)"))
      let armed = try #require(report.metrics["timer.armed"])
      #expect(armed > 100)
      #expect(report.metrics["timer.handled"] == armed)
      #expect(report.metrics["timer.lost"] == 0)
      #expect(report.histograms["latency"] != nil)
    }

    @Test(arguments: ["pit", "lapic", "tsc-deadline"])
    func noTimerIsEarly(_ timer: String) throws {
      let report = try time("timer", ["timer": timer], parameters: [("period", "2000000")])
      let operations = try #require(report.metrics["window.ops"])
      #expect(operations * 0.002 <= (try #require(report.metrics["window.seconds"])))
    }

    @Test func aPeriodBeyondTheTimersReachFails() throws {
      let report = try time("timer", ["timer": "pit"], parameters: [("period", "60000000")])
      #expect(report.status == .failed)
      #expect(report.reason == "period: beyond the timer's reach")
    }
  }
}
