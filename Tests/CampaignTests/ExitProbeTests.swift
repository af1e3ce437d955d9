import MachineLauncher
import Measurement
import Testing

@testable import Campaign

@Suite("what a run asks its host first")
struct ExitProbeTests {
  /// A guest that made `count` exits of a reason, as everyone has them.
  private func report(_ reason: String, place: String, _ count: UInt64, elements: UInt64 = 1, seconds: Double = 25e-6)
    -> RunnerReport
  {
    var report = RunnerReport.ok
    report.metrics = [
      "window.ops": Double(count), "latency.p50": seconds, "latency.mean": 1.2 * seconds,
      "exits.kernel_total": Double(count),
    ]
    report.lifetimeExits = LifetimeExits(byReason: [reason: count], byPlace: [place: count])
    report.exits.byDetail = [place: ExitTally(exits: count, elements: count * elements)]
    return report
  }

  private func findings(_ change: (inout [String: RunnerReport]) -> Void = { _ in }) -> ExitFindings {
    var reports = [
      "exits.pio.out": report("io", place: "io:0x5070:out", 4000),
      "exits.pio.in": report("io", place: "io:0x5070:in", 4000, seconds: 20e-6),
      "exits.string.in": report("io", place: "io:0x5070:in", 1000, elements: 8, seconds: 24e-6),
      "exits.sector.in": report("io", place: "io:0x5070:in", 1000, elements: 256, seconds: 148e-6),
      "exits.mmio.write": report("mmio", place: "mmio:0xfeb02000:out", 3000),
    ]
    reports["exits.pio.out"]?.lifetimeStats = ["exits": 4100]
    reports["exits.mmio.write"]?.lifetimeStats = ["mmio_exits": 3000]
    change(&reports)
    return ExitProbe.findings(reports.map { ($0.key, $0.value) })
  }

  @Test func whoCountsEveryExitIsBelieved() {
    let findings = findings()
    #expect(findings.sources["stats:mmio_exits"] == SourceFinding(expected: 3000, found: 3000))
    #expect(findings.sources["counter:kvm_userspace_exit"] == SourceFinding(expected: 13000, found: 13000))
    #expect(findings.exact == [.counter, .mmioStatistic])
  }

  @Test(arguments: [UInt64(0), 1500, 6000])
  func whoCountsOtherwiseIsNot(found: UInt64) {
    let findings = findings { $0["exits.mmio.write"]?.lifetimeStats = ["mmio_exits": found] }
    #expect(findings.sources["stats:mmio_exits"] == SourceFinding(expected: 3000, found: found))
    #expect(findings.exact == [.counter])
  }

  @Test func aCounterThatStaysWhereItIsDoesNotCount() throws {
    let sources = findings().sources
    #expect(try #require(sources["stats:exits"]).counts)
    #expect(try #require(sources["stats:io_exits"]).counts == false)
    #expect(sources["trace:kvm_exit"] == nil)
    #expect(
      sources["stats:io_exits"]?.record
        == .object(["counts": .bool(false), "expected": .number(4000), "found": .number(0)]))
  }

  @Test func tracepointsAreAskedWhereTheyAreRecorded() throws {
    let trace = TraceCounts(events: [
      "kvm_exit": .init(count: 0), "kvm_pio": .init(count: 4000, byKey: ["0x5070:out": 4000]),
      "kvm_userspace_exit": .init(count: 4000, byKey: ["io": 4000]),
    ])
    let findings = findings { $0["exits.pio.out"]?.trace = trace }
    #expect(try #require(findings.sources["trace:kvm_exit"]).counts == false)
    #expect(findings.exact == [.counter, .mmioStatistic, .userspaceRecords, .portRecords])
    // The zero of a tracepoint that does not count is none; nobody knows about the last one.
    let told = TraceCounts(events: [
      "kvm_exit": .init(count: 0), "kvm_pio": .init(count: 7), "kvm_eoi": .init(count: 0),
    ])
    #expect(findings.believed(told)?.events.keys.sorted() == ["kvm_eoi", "kvm_pio"])
    #expect(findings.believed(nil) == nil)
  }

  @Test func anElementCostsWhatIsLeftOfItsInstruction() throws {
    let costs = findings().costs
    #expect(costs["io:in"]?.median == 20e-6)
    // (148 − 24) / (256 − 8), and what is left of the short one: 24 − 20 − 7 × 0.5
    #expect(abs(try #require(costs["io:in:element"]).median - 0.5e-6) < 1e-12)
    #expect(abs(try #require(costs["io:in:string"]).median - 0.5e-6) < 1e-12)
    #expect(costs["io:out"] == ExitCost(median: 25e-6, mean: 30e-6))
    #expect(costs["io:out:element"] == nil)
  }

  @Test func aHostThatLeavesForEveryElementHasNoFurtherOnes() {
    let findings = findings {
      $0["exits.sector.in"]?.exits.byDetail = ["io:0x5070:in": ExitTally(exits: 256_000, elements: 256_000)]
    }
    #expect(findings.costs["io:in:element"] == nil)
    #expect(findings.costs["io:in:string"] == nil)
  }

  @Test func elementsOfWritesBearAllThatTheyTakeMore() throws {
    let costs = findings {
      $0["exits.string.out"] = report("io", place: "io:0x5070:out", 1000, elements: 8, seconds: 39e-6)
    }.costs
    #expect(abs(try #require(costs["io:out:element"]).median - 2e-6) < 1e-12)
  }

  @Test func whatRecordingAddsIsTheDifferenceBetweenTheSameGuests() throws {
    let traced = ("exits.pio.out", report("io", place: "io:0x5070:out", 100, seconds: 28e-6))
    let untraced = report("io", place: "io:0x5070:out", 100, seconds: 25e-6)
    let findings = ExitProbe.findings([traced], untraced: [untraced])
    #expect(abs(try #require(findings.costs["trace"]).median - 3e-6) < 1e-12)
    #expect(findings.traceRemark == "recording tracepoints adds 3.0 µs to a userspace exit on this host")
    #expect(ExitProbe.findings([traced]).traceRemark == nil)
  }

  @Test func aGuestThatCannotRunLeavesAGapWithItsReason() {
    let findings = findings { $0["exits.mmio.write"] = .skipped("no such way here") }
    #expect(findings.costs["mmio:out"] == nil)
    #expect(findings.notes.contains("exits.mmio.write tells nothing here: no such way here"))
    #expect(findings.notes.contains("exits.mmio.read tells nothing here: it is no row of the suites"))
  }

  @Test func everyRowOfTheProbeIsOneOfTheSuites() throws {
    let library = try SuiteLibrary.embedded()
    let run = try Planner.plan(.of("disk.randread.4k.qd1"), library: library)
    let plan = try #require(ExitProbe.plan(run, library: library))
    #expect(Set(plan.cells.map(\.workload.id)) == Set(ExitProbe.rows.map(\.workload)))
    #expect(plan.cells.allSatisfy { $0.windowNanoseconds == ExitProbe.windowNanoseconds && $0.label == "full" })
    #expect(plan.steps.count == ExitProbe.rounds * ExitProbe.rows.count)
    #expect(!plan.needsDisk)
  }
}
