import MachineLauncher
import Measurement
import Testing

@testable import Campaign

struct RepetitionJudgeTests {
  private func judge(_ change: (inout RunnerReport) -> Void) -> RepetitionRecord? {
    var report = RunnerReport.ok
    change(&report)
    return RepetitionJudge.record(.report(report, diagnostics: []), of: PlannedStep(cell: 0, index: 3), order: 8)
  }

  /// 100 MB were touched in the window.
  @Test(arguments: [(4e6, RepetitionStatus.skipped), (99e6, .ok), (140e6, .ok)])
  func aRowOfHugePagesIsSkippedWhereTheHostGaveNone(given: Double, status: RepetitionStatus) {
    var report = RunnerReport.ok
    report.metrics["throughput.bytes"] = 50e6
    report.metrics["window.seconds"] = 2
    report.metrics["memory.guest_touched"] = given
    let outcome = RunnerOutcome.report(report, diagnostics: [])
    let step = PlannedStep(cell: 0, index: 3)
    #expect(RepetitionJudge.record(outcome, of: step, order: 8, isOfHugePages: true)?.status == status)
    #expect(RepetitionJudge.record(outcome, of: step, order: 8)?.status == .ok)
  }

  @Test func reportBecomesARecordInItsPlace() {
    let record = judge { _ in }
    #expect(record?.status == .ok)
    #expect(record?.index == 3)
    #expect(record?.order == 8)
    #expect(record?.metrics["throughput.ops"] == 1000)
  }

  @Test(arguments: [(10, 12), (12, 10), (100_000, 100_101)] as [(Double, Double)])
  func exitsThatDoNotAddUpMakeItInvalid(_ loop: Double, _ kernel: Double) {
    let record = judge {
      $0.metrics["exits.loop_total"] = loop; $0.metrics["exits.kernel_total"] = kernel
    }
    #expect(record?.status == .invalid)
    #expect(record?.reason?.hasPrefix("exit accounting does not close: the loop saw \(Int(loop)), ") == true)
  }

  @Test(arguments: [(10, 11), (100_000, 100_100), (0, 1)] as [(Double, Double)])
  func smallDifferencesAreAllowed(_ loop: Double, _ kernel: Double) {
    #expect(
      judge {
        $0.metrics["exits.loop_total"] = loop; $0.metrics["exits.kernel_total"] = kernel
      }?.status == .ok)
  }

  @Test func memoryBesideItsNodesMakesItInvalid() {
    let record = judge { $0.metrics["memory.misplaced"] = 8192 }
    #expect(record?.status == .invalid)
    #expect(record?.reason == "8192 bytes of guest RAM are not on the NUMA nodes that it was bound to")
    #expect(judge { $0.metrics["memory.misplaced"] = 0 }?.status == .ok)
  }

  @Test func aReasonThatOthersCountOtherwiseMakesItInvalid() {
    var report = RunnerReport.ok
    report.lifetimeExits = LifetimeExits(byReason: ["io": 30, "mmio": 12], byPlace: [:])
    report.lifetimeStats = ["mmio_exits": 9]
    let outcome = RunnerOutcome.report(report, diagnostics: [])
    let step = PlannedStep(cell: 0, index: 3)
    let record = RepetitionJudge.record(outcome, of: step, order: 8, sources: [.counter, .mmioStatistic])
    #expect(record?.status == .invalid)
    #expect(
      record?.reason == "exit accounting does not close: the loop saw 12 exits (mmio), stats:mmio_exits has 9")
    #expect(record?.reconciliation?.map(\.reason) == ["total", "io", "mmio"])
    // A host where it does not count has nothing to contradict with.
    #expect(RepetitionJudge.record(outcome, of: step, order: 8)?.status == .ok)
  }

  @Test func aRunnerThatSeesNoExitsHasNothingToReconcile() {
    #expect(judge { _ in }?.reconciliation == nil)
  }

  @Test func oneCountAloneProvesNothing() {
    #expect(judge { $0.metrics["exits.kernel_total"] = nil }?.status == .ok)
  }

  @Test(arguments: [Double.nan, .infinity]) func metricThatIsNoNumberFails(_ value: Double) {
    let record = judge { $0.metrics["latency.p50"] = value }
    #expect(record?.status == .failed)
    #expect(record?.reason == "runner reported no finite number for latency.p50")
    #expect(record?.metrics == [:])
  }

  @Test func exitTimeThatIsNoNumberFails() {
    let record = judge { $0.exits.latency["io"] = ExitLatency(count: 1, p50: 1, p99: .nan, sum: 1) }
    #expect(record?.reason == "runner reported no finite number for the handler time of io")
  }

  @Test(arguments: [RepetitionStatus.skipped, .failed]) func whatDidNotMeasureHasNoMetrics(_ status: RepetitionStatus) {
    let record = judge {
      $0.status = status; $0.reason = "because"
    }
    #expect(record?.status == status)
    #expect(record?.reason == "because")
    #expect(record?.metrics == [:])
  }
}
