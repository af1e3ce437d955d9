import Machine
import MachineLauncher
import Measurement
import Testing

/// A row about clocks or timers of the platform suite, run for a short time.
private func run(
  _ kernel: String, _ choices: [String: String] = [:], _ parameters: KeyValuePairs<String, String> = [:],
  vcpus: Int = 1, cpus: [Int] = [], windowMilliseconds: UInt64 = 200
) throws -> RunnerReport {
  var specification = MachineSpecification()
  specification.kernel = kernel
  specification.vcpus = vcpus
  specification.vcpuCPUs = cpus
  specification.choices = ["cpuid": "kvm"].merging(choices) { $1 }
  specification.parameters = parameters.map { ($0.key, $0.value) }
  specification.warmupNanoseconds = 10_000_000
  specification.windowNanoseconds = windowMilliseconds * 1_000_000
  return try GuestRun.run(specification)
}

extension RealGuests {
  @Suite("clocks against the host's and each other")
  struct ClockTests {
    @Test(arguments: ["pmtimer", "pit", "tsc", "kvmclock"])
    func aClockRunsAsFastAsTheHosts(_ clock: String) throws {
      let report = try run("drift", ["clock": clock], windowMilliseconds: 500)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      let drift = try #require(report.metrics["clock.host_drift"])
      let uncertainty = try #require(report.metrics["clock.host_drift_uncertainty"])
      // A clock may be wrong by some parts in ten thousand, and no more than that beyond what the pairs allow for.
      #expect(drift < uncertainty + 1e-3)
      #expect(uncertainty > 0)
      #expect(try #require(report.metrics["clock.host_seconds"]) > 0)
      #expect(report.notes.contains { $0.contains("than the host's CLOCK_MONOTONIC_RAW") })
    }

    @Test func theRealTimeClockIsCaughtAtItsSteps() throws {
      let report = try run("drift", ["clock": "rtc"], windowMilliseconds: 1500)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      let drift = try #require(report.metrics["clock.host_drift"])
      #expect(drift < (try #require(report.metrics["clock.host_drift_uncertainty"])) + 1e-3)
    }

    /// Why a host cannot be held to it.
    static let noPromise: Set<String?> = [
      "KVM does not promise on this host that its clock never goes back",
      "CPUID shows no invariant TSC: those of several vCPUs may differ",
    ]

    @Test(arguments: [("kvmclock", 2), ("kvmclock", 4), ("tsc", 2), ("kvmclock", 1)])
    func noReadIsEarlierThanOneBefore(clock: String, vcpus: Int) throws {
      let report = try run("monotonic", ["clock": clock], ["reads": "1000000"], vcpus: vcpus)
      let ends: [RepetitionStatus: Set<String?>] = [.ok: [nil], .skipped: Self.noPromise]
      #expect(ends[report.status]?.contains(report.reason) == true, "\(report.reason ?? "")")
      #expect(report.metrics["clock.reads", default: 1_000_000] >= 1_000_000)
    }

    @Test(arguments: [1, 2])
    func aStepBackwardsFailsAndSaysByHowMuch(vcpus: Int) throws {
      let report = try run(
        "monotonic", ["clock": "kvmclock"], ["reads": "1000000", "backstep": "4000000000"], vcpus: vcpus)
      #expect(report.status != .ok)
      let step = try Regex(#"time went backwards by 39\d{8} ns on vCPU \d, against a read of vCPU \d"#)
      #expect(report.reason?.wholeMatch(of: step) != nil || Self.noPromise.contains(report.reason))
    }

    @Test func aClockWithOneReaderIsNotForSeveral() throws {
      #expect(try run("monotonic", ["clock": "pmtimer"], ["reads": "1"], vcpus: 2).status == .skipped)
    }

    static let cycles: [(timer: String, cycle: String, wait: String)] = [
      ("pit", "oneshot", "halt"), ("pit", "periodic", "halt"), ("pit", "periodic", "spin"),
      ("lapic", "oneshot", "halt"),
      ("lapic", "periodic", "halt"), ("lapic", "periodic", "spin"), ("tsc-deadline", "oneshot", "halt"),
      ("tsc-deadline", "oneshot", "spin"),
    ]

    /// Every period of the window is either served or missed: none is forgotten, and none counted twice.
    @Test(arguments: cycles)
    func everyDeadlineIsServedOrMissed(timer: String, cycle: String, wait: String) throws {
      let report = try run(
        "cyclic", ["timer": timer], ["period": "1000000", "cycle": cycle, "wait": wait], windowMilliseconds: 500)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.log.contains("timer: \(timer)"))
      let deadlines = try #require(report.metrics["window.ops"]) + (try #require(report.metrics["timer.missed"]))
      let periods = try #require(report.metrics["window.seconds"]) * 1000
      // A calibrated timer's period is right to within parts in a thousand, and the window ends a deadline early or late.
      #expect(abs(deadlines - periods) < 5 + 0.01 * periods)
      #expect(report.histograms["latency"] != nil)
    }

    @Test(arguments: ["halt", "spin"]) func noInterruptIsBeforeItsDeadline(wait: String) throws {
      let report = try run(
        "cyclic", ["timer": "tsc-deadline"], ["period": "1000000", "cycle": "oneshot", "wait": wait])
      #expect(report.metrics["timer.early"] == 0)
    }

    @Test func aDeadlineDoesNotRepeatByItself() throws {
      let report = try run(
        "cyclic", ["timer": "tsc-deadline"], ["period": "1000000", "cycle": "periodic", "wait": "halt"])
      #expect(report.status == .skipped)
      #expect(report.reason == "only the 8254 and the local APIC's timer repeat by themselves")
    }

    @Test func stealTimeIsWhatTheSchedulerSays() throws {
      let report = try run("steal", vcpus: 2, cpus: [0], windowMilliseconds: 500)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      // Two that are always busy share a CPU: whatever else runs there, each waits for a quarter of the time and more.
      #expect(try #require(report.metrics["steal.host"]) > 0.125)
      #expect((0.8...1.2).contains(try #require(report.metrics["steal.ratio"])))
    }

    @Test func aGuestWithoutTheLeavesHasNoStealTime() throws {
      let report = try run("steal", ["cpuid": "hidden"])
      #expect(report.status == .skipped)
      #expect(report.reason == "CPUID shows no KVM that tells of steal time")
    }
  }
}
