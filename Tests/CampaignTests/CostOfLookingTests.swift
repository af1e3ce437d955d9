import Foundation
import MachineLauncher
import Measurement
import Testing

@testable import Campaign

/// Runners are shell scripts here.
@Suite("the cost of looking")
struct CostOfLookingTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static func report(latency: Double) -> RunnerReport {
    var report = RunnerReport.ok
    report.metrics["latency.p50"] = latency
    report.metrics["exits.per_op"] = 2
    return report
  }

  private func looking(_ runner: String, rounds: Int = 6, host: HostServices = .fixed) throws -> CostOfLooking {
    var options = CampaignOptions(library: try .embedded())
    options.request.repetitions = rounds
    options.out = folder.file("results")
    options.environment = ["PVBENCH_VM": runner, "PVBENCH_KVM_PATH": try folder.write("", to: "kvm")]
    return try CostOfLooking.prepare(options, host: host)
  }

  /// A guest whose operations take 10 µs, and 300 ns less where nobody takes times.
  private func honestRunner() throws -> String {
    let slow = try folder.write(Self.report(latency: 10e-6).text, to: "slow.txt")
    let fast = try folder.write(Self.report(latency: 9.7e-6).text, to: "fast.txt")
    return try folder.runner("case \"$*\" in *without=stamps*) cat '\(fast)';; *) cat '\(slow)';; esac")
  }

  @Test func eachInstrumentIsComparedWithTheWholeSet() async throws {
    let record = try await looking(honestRunner()).measure(progress: SilentProgress())
    #expect(record.fingerprint == "fingerprint of tester")
    let rows = record.rows.filter { $0.workload == "exits.pio.out" }
    #expect(record.rows.count == 2 * rows.count)
    #expect(rows.map(\.instrument) == ["stamps", "histograms", "statistics", "counter", "all"])
    #expect(rows.allSatisfy { $0.n == 6 && $0.on == 10e-6 })
    let stamps = try #require(rows.first)
    #expect(abs(stamps.ratio - 10 / 9.7) < 1e-9)
    // Two exits an operation.
    #expect(try abs(#require(stamps.exitSeconds) - 150e-9) < 1e-12)
    #expect(stamps.verdict == .above)
    #expect(rows[1].ratio == 1 && rows[1].exitSeconds == 0 && rows[1].verdict == .within)
    // The scripts know `without=stamps` only as the first of a list.
    #expect(rows[4].verdict == .above)
  }

  @Test func theRecordIsThereForLaterRunsOfThisHost() async throws {
    let record = try await looking(honestRunner(), rounds: 1).measure(progress: SilentProgress())
    #expect(CostOfLooking.last(in: folder.file("results")) == record)
    #expect(CostOfLooking.last(in: folder.path) == nil)
    var options = CampaignOptions(library: try .embedded())
    options.request = .of("console.write.80b", modes: ["full"], repetitions: 1)
    options.out = folder.file("results")
    options.environment = ["PVBENCH_VM": try honestRunner(), "PVBENCH_KVM_PATH": folder.file("kvm")]
    let here = try await Campaign.prepare(options, host: .fixed).run(progress: SilentProgress()) { _, _ in }
    #expect(here.record?.looking == record)
    let elsewhere = try await Campaign.prepare(options, host: .named("other")).run(progress: SilentProgress()) { _, _ in
    }
    #expect(elsewhere.record != nil && elsewhere.record?.looking == nil)
  }

  @Test func aGuestThatFailsIsNoCost() async throws {
    let looking = try looking(folder.runner("exit 9"))
    await #expect(throws: CampaignError.failure("exits.pio.out full: runner exited with code 9")) {
      try await looking.measure(progress: SilentProgress())
    }
  }

  @Test func roundsWithADisturbedBootDoNotCount() async throws {
    let flag = folder.file("stopped")
    var report = Self.report(latency: 10e-6)
    let good = try folder.write(report.text, to: "good.txt")
    report.metrics["host.stood_still"] = 3
    let bad = try folder.write(report.text, to: "bad.txt")
    let runner = try folder.runner("if [ -e '\(flag)' ]; then cat '\(good)'; else touch '\(flag)'; cat '\(bad)'; fi")
    let record = try await looking(runner, rounds: 3).measure(progress: SilentProgress())
    #expect(record.rows.map(\.n) == Array(repeating: 2, count: 5) + Array(repeating: 3, count: 5))
  }

  @Test func theTextHasALineForEachRow() throws {
    let row = LookingRecord.Row(
      workload: "exits.pio.out", mode: "full", instrument: "stamps", metric: "latency.p50", n: 10, on: 25.02e-6,
      off: 25e-6, ratio: (1.0008, 0.999, 1.002), exitSeconds: (20e-9, -25e-9, 50e-9))
    let record = LookingRecord(measured: "", version: "", fingerprint: "", rows: [row])
    #expect(
      record.text == """
        WORKLOAD            INSTRUMENT  WITHOUT   WITH   RATIO  95 % INTERVAL       AN EXIT  95 % INTERVAL      LIMIT
        exits.pio.out full  stamps        25 µs  25 µs  1.0008  [0.9990 to 1.0020]    20 ns  [-25 ns to 50 ns]  within

        limit: 50 ns a userspace exit, or 2 % of latency.p50

        """)
  }
}
