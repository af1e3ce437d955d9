import GuestMemory
import MachineLauncher
import Measurement
import PVWire
import Testing

@testable import Machine

private let window = GuestRecord.window(
  operations: 1000, bytes: 4_096_000, startTSC: 10_000_000, endTSC: 2_010_000_000, emptyLoopTicks: 20)

/// A guest that did everything right, at 1 GHz.
private func honest() -> GuestOutcome {
  var outcome = GuestOutcome()
  outcome.stopReason = .done
  outcome.tscHertz = 1_000_000_000
  outcome.createTSC = 1_000_000
  outcome.firstInstructionTSC = 3_000_000
  outcome.readyTSC = 6_000_000
  outcome.memoryUsage = (guest: 4096, runner: 8192)
  outcome.loopExits = 77
  outcome.kernelExits = 78
  outcome.records = [window, .slots([600, 400])]
  outcome.exits = ExitCounts(
    total: 2100, userspace: 2000, byReason: ["io": 1500, "mmio": 500],
    latency: [
      "io": ExitLatency(count: 1500, p50: 1e-6, p99: 1e-6, sum: 0.5),
      "mmio": ExitLatency(count: 500, p50: 1e-6, p99: 1e-6, sum: 0.25),
    ])
  var measured = WindowMeasurement()
  measured.cpuSeconds = 1.5
  measured.kvmStats = ["exits": 4000]
  outcome.window = measured
  outcome.log = ["pvbench guest"]
  outcome.notes = ["a remark"]
  return outcome
}

@Suite("how a repetition ended")
struct VerdictTests {
  @Test func anHonestGuestIsOK() {
    let report = ReportBuilder.report(honest())
    #expect(report.status == .ok)
    #expect(report.reason == nil)
  }

  /// Ends of a guest, with what the user reads.
  static let ends: [(reason: StopReason, text: String)] = [
    (.panic, "the guest panicked"), (.tripleFault, "the guest triple-faulted"),
    (.powerOff, "the guest halted without a result"), (.interrupted, "the guest was interrupted"),
    (.machineCheck("KVM_RUN failed, errno 14"), "KVM_RUN failed, errno 14"),
  ]

  @Test(arguments: ends)
  func everyOtherEndIsAFailure(reason: StopReason, text: String) {
    var outcome = honest()
    outcome.stopReason = reason
    #expect(ReportBuilder.report(outcome).status == .failed)
    #expect(ReportBuilder.report(outcome).reason == text)
  }

  @Test func aPanicTellsItsRegisters() {
    var outcome = honest()
    outcome.stopReason = .panic
    outcome.panic = (vector: 14, error: 2, rip: 0x10_0000, cr2: 0xDEAD)
    #expect(
      ReportBuilder.report(outcome).reason
        == "the guest panicked: exception 14, error code 0x2, at 0x100000, CR2 0xdead")
  }

  @Test func aTimeOutTellsTheHeartbeat() {
    var outcome = honest()
    outcome.stopReason = .interrupted
    outcome.timedOutAfterSeconds = 2.5
    outcome.heartbeat = 41
    #expect(ReportBuilder.report(outcome).status == .failed)
    #expect(
      ReportBuilder.report(outcome).reason == "the guest did not finish within 2.5 s (its heartbeat stands at 41)")
  }

  @Test func anErrorOfTheHostComesFirst() {
    var outcome = honest()
    outcome.stopReason = .tripleFault
    outcome.timedOutAfterSeconds = 1
    outcome.hostError = "I/O thread 0: out of memory"
    outcome.records = [.skip(Array("no disk".utf8))]
    #expect(ReportBuilder.report(outcome).status == .failed)
    #expect(ReportBuilder.report(outcome).reason == "I/O thread 0: out of memory")
  }

  @Test func aFailureOfTheWorkloadIsItsOwnWords() {
    var outcome = honest()
    outcome.records.append(.failure(Array("disk error".utf8)))
    #expect(ReportBuilder.report(outcome).status == .failed)
    #expect(ReportBuilder.report(outcome).reason == "disk error")
  }

  @Test func aSkipIsNotAFailure() {
    var outcome = honest()
    outcome.records = [.skip(Array("no disk".utf8))]
    outcome.window = nil
    #expect(ReportBuilder.report(outcome).status == .skipped)
    #expect(ReportBuilder.report(outcome).reason == "no disk")
  }

  @Test func aGuestThatMeasuredNothingFailed() {
    var silent = honest()
    silent.records = []
    #expect(ReportBuilder.report(silent).reason == "the guest ended without a measured window")
    var unseen = honest()
    unseen.window = nil
    #expect(ReportBuilder.report(unseen).reason == "the guest ended without a measured window")
    #expect(ReportBuilder.report(unseen).status == .failed)
  }
}

@Suite("what a report says")
struct ReportBuilderTests {
  @Test func timesAreMeasuredFromTheCreationOfTheVM() {
    let metrics = ReportBuilder.report(honest()).metrics
    #expect(metrics["boot.first_instruction"] == 0.002)
    #expect(metrics["boot.ready"] == 0.005)
  }

  @Test func everyPageBesideItsNodeIsReported() throws {
    let memory = try GuestMemory(byteCount: 1 << 20)
    for page in 0..<3 { try memory.write(UInt8(1), at: GuestAddress(UInt64(page * GuestMemory.pageByteCount))) }
    var outcome = honest()
    outcome.residence = memory.residence()
    outcome.memoryNodes = [0]
    let there = ReportBuilder.report(outcome)
    #expect(there.metrics["memory.misplaced"] == 0)
    #expect(there.notes.contains("touched pages of guest RAM: 3 on node 0"))
    outcome.memoryNodes = [1, 2]
    #expect(ReportBuilder.report(outcome).metrics["memory.misplaced"] == 12288)
    #expect(ReportBuilder.report(honest()).metrics["memory.misplaced"] == nil)
  }

  @Test func memoryAndExitTotalsAreReported() {
    let metrics = ReportBuilder.report(honest()).metrics
    #expect(metrics["memory.guest_touched"] == 4096)
    #expect(metrics["memory.runner_overhead"] == 8192)
    #expect(metrics["exits.loop_total"] == 77)
    #expect(metrics["exits.kernel_total"] == 78)
  }

  @Test func theWindowIsDividedByItsOperationsAndSeconds() {
    let report = ReportBuilder.report(honest())
    #expect(report.metrics["window.seconds"] == 2)
    #expect(report.metrics["window.ops"] == 1000)
    #expect(report.metrics["window.loop_seconds"] == 2e-8)
    #expect(report.metrics["throughput.ops"] == 500)
    #expect(report.metrics["throughput.bytes"] == 2_048_000)
    #expect(report.metrics["exits.per_op"] == 2)
    #expect(report.metrics["exits.handler_seconds_per_op"] == 0.00075)
    #expect(report.metrics["host.cpu_seconds"] == 1.5)
    #expect(report.metrics["host.cpu_seconds_per_op"] == 0.0015)
    #expect(report.exits.total == 2100)
    #expect(report.kvmStats == ["exits": 4000])
    #expect(report.slots == [600, 400])
  }

  @Test func logAndNotesArePassedOn() {
    var outcome = honest()
    outcome.records.append(.log(Array("disk: ide".utf8)))
    let report = ReportBuilder.report(outcome)
    #expect(report.log == ["pvbench guest", "disk: ide"])
    #expect(report.notes == ["a remark"])
  }

  @Test func whatWasNotMeasuredIsMissing() {
    var outcome = GuestOutcome()
    outcome.stopReason = .tripleFault
    #expect(ReportBuilder.report(outcome).metrics == ["exits.loop_total": 0])
  }

  @Test func operationsThatMoveNothingHaveNoBytesASecond() {
    var outcome = honest()
    outcome.records = [.window(operations: 10, bytes: 0, startTSC: 5, endTSC: 1_000_000_005, emptyLoopTicks: 0)]
    let report = ReportBuilder.report(outcome)
    #expect(report.metrics["throughput.ops"] == 10)
    #expect(report.metrics["throughput.bytes"] == nil)
  }

  /// A hostile guest's window must not divide by zero.
  @Test(arguments: [(UInt64(0), UInt64(9)), (1, 5)])
  func aWindowOfNothingHasNoThroughput(operations: UInt64, end: UInt64) {
    var outcome = honest()
    outcome.records = [.window(operations: operations, bytes: 0, startTSC: 5, endTSC: end, emptyLoopTicks: 0)]
    let metrics = ReportBuilder.report(outcome).metrics
    #expect(metrics["throughput.ops"] == nil)
    #expect(metrics["exits.per_op"] == nil)
  }

  @Test func valuesGoByTheirName() {
    var outcome = honest()
    outcome.records.append(.value(name: Array("steal.seconds".utf8), 3))
    #expect(ReportBuilder.report(outcome).metrics["steal.seconds"] == 3)
  }

  @Test func driftIsSentInPartsPerBillion() {
    var outcome = honest()
    outcome.records.append(.value(name: Array("clock.drift".utf8), 84))
    #expect(ReportBuilder.report(outcome).metrics["clock.drift"] == 84e-9)
  }

  private func compared(_ billionths: Int64) -> RunnerReport {
    var outcome = honest()
    outcome.notes = []
    for (name, value) in [
      ("clock.host_drift", UInt64(bitPattern: billionths)), ("clock.host_seconds", 60_000_000_000),
      ("clock.host_drift_uncertainty", 500),
    ] { outcome.records.append(.value(name: Array(name.utf8), value)) }
    return ReportBuilder.report(outcome)
  }

  @Test func driftAgainstTheHostIsASizeAndASentence() {
    let report = compared(-1250)
    #expect(report.metrics["clock.host_drift"] == 1250e-9)
    #expect(report.metrics["clock.host_drift_uncertainty"] == 500e-9)
    #expect(
      report.notes == [
        "the guest's clock ran 1.25 ppm slower than the host's CLOCK_MONOTONIC_RAW, ± 0.5 ppm over 60.0 s"
      ])
    #expect(compared(84).notes.first?.hasPrefix("the guest's clock ran 0.084 ppm faster") == true)
  }

  /// A hostile guest's number has no larger size than it can have.
  @Test func theLowestNumberHasASize() { #expect(compared(.min).metrics["clock.host_drift"] == 0x1p63 / 1e9) }

  private func stolen(_ runDelay: Double?) -> RunnerReport {
    var outcome = honest()
    outcome.notes = []
    outcome.window?.runDelaySeconds = runDelay
    outcome.records.append(.value(name: Array("steal.guest".utf8), 900_000_000))
    return ReportBuilder.report(outcome)
  }

  @Test func stealTimeStandsBesideTheSchedulersAccount() {
    let metrics = stolen(1.2).metrics
    #expect(metrics["steal.guest"] == 0.9)
    #expect(metrics["steal.host"] == 1.2)
    #expect(metrics["steal.ratio"] == 0.75)
  }

  @Test func nothingStolenHasNoRatio() {
    #expect(stolen(0).metrics["steal.host"] == 0)
    #expect(stolen(0).metrics["steal.ratio"] == nil)
  }

  @Test func aHostWithoutThatAccountIsSaidToHaveNone() {
    #expect(stolen(nil).metrics["steal.host"] == nil)
    #expect(
      stolen(nil).notes == ["the host's scheduler keeps no account of waiting threads (/proc/PID/schedstat)"])
  }

  @Test func aGuestThatAsksForNoStealTimeIsComparedWithNothing() {
    var outcome = honest()
    outcome.window?.runDelaySeconds = 1.2
    #expect(ReportBuilder.report(outcome).metrics["steal.host"] == nil)
  }

  @Test func waitingIsTheSecondNumberOfSchedstat() {
    func seconds(_ text: String) -> Double? { ProcessUsage.runDelaySeconds(inSchedstat: Array(text.utf8)[...]) }
    #expect(seconds("9 2500000000 7\n") == 2.5)
    for text in ["", "1 2\n", "1 -2 3\n", "1 2 3 4\n"] { #expect(seconds(text) == nil) }
  }
}

@Suite("percentiles of a report")
struct PercentileTests {
  /// 100 ns in the one bucket that is used.
  private func report(samples: UInt32) -> (metrics: [String: Double], notes: [String], histogram: String?) {
    var outcome = honest()
    outcome.notes = []
    // In two parts, as a guest sends what does not fit into one record.
    for count in [samples - 2, 2] {
      outcome.records.append(.histogram(name: Array("latency".utf8), [(bucket: UInt32(100), count: count)]))
    }
    let report = ReportBuilder.report(outcome)
    return (report.metrics, report.notes, report.histograms["latency"])
  }

  @Test func fewSamplesCarryNoPercentile() {
    let few = report(samples: 5)
    #expect(few.metrics["latency.p50"] == nil)
    #expect(
      few.notes == [
        "latency.p50: insufficient samples (5 < 6)", "latency.p99: insufficient samples (5 < 368)",
        "latency.p99.9: insufficient samples (5 < 3688)",
      ])
    #expect(few.metrics["latency.mean"] == 1e-7)
    #expect(few.histogram != nil)
  }

  /// Samples, with the percentiles that they carry.
  static let carried: [(samples: UInt32, labels: Set<String>)] = [
    (6, ["latency.p50"]), (367, ["latency.p50"]), (368, ["latency.p50", "latency.p99"]),
    (3688, ["latency.p50", "latency.p99", "latency.p99.9"]),
  ]

  @Test(arguments: carried)
  func samplesCarryWhatTheyCan(samples: UInt32, labels: Set<String>) {
    let result = report(samples: samples)
    let found = ["latency.p50", "latency.p99", "latency.p99.9"].filter { result.metrics[$0] == 1e-7 }
    #expect(Set(found) == labels)
    #expect(result.notes.count == 3 - labels.count)
  }

  @Test func partsOfAHistogramAreMerged() {
    var expected = Histogram()
    for _ in 0..<12 { expected.record(100) }
    #expect(report(samples: 12).histogram == expected.encoded())
  }
}
