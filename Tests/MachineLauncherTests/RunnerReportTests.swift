import MachineLauncher
import Measurement
import Testing

private let hostile = [
  "", "plain", "tab\there", "line\nbreak", "carriage\rreturn", "ends in \r", "\r\n", "back\\slash",
  "\\n is not a newline",
  "\\", "\t\t", "end", "\nend\n", "status\tok\t", "zero\u{0}byte", "naïve ☂ 🖥\u{301}", "\u{2028}\u{85}",
]

@Suite("runner report")
struct RunnerReportTests {
  private var report: RunnerReport {
    var report = RunnerReport()
    report.status = .ok
    report.metrics = [
      "latency.p50": 1.25e-5, "window.ops": 1e15, "third": 1 / 3, "least": Double.leastNonzeroMagnitude,
    ]
    report.exits = ExitCounts(
      total: 12, userspace: 11, byReason: ["io": 10, "hlt": 1],
      byDetail: ["io:0x1f0:in": ExitTally(exits: 10, elements: 2560, bytes: 5120, seconds: 0.1)],
      latency: ["io": ExitLatency(count: 10, p50: 1e-6, p99: 2e-6, sum: 1.5e-5)],
      roundTrip: ["io": ExitLatency(count: 9, p50: 4e-5, p99: 5e-5, sum: 4.5e-4)])
    report.lifetimeExits = LifetimeExits(byReason: ["io": 20, "hlt": 1], byPlace: ["io:0x1f0:in": 20, "hlt": 1])
    report.lifetimeStats = ["mmio_exits": 7]
    report.trace = TraceCounts(
      events: ["kvm_pio": .init(count: 21, lost: 1, byKey: ["0x1f0:in": 20]), "kvm_exit": .init(count: 0)],
      lostRecords: 1)
    report.histograms = ["latency": "HISTFAAAAA=="]
    report.notes = ["a remark"]
    report.kvmStats = ["exits": UInt64.max]
    report.slots = [3, 0, UInt64.max]
    report.log = ["pvbench guest", "done"]
    report.isComplete = true
    return report
  }

  @Test func everythingComesBack() {
    #expect(RunnerReport(parsing: report.text) == report)
  }

  @Test func anEmptyReportIsAFailure() {
    let empty = RunnerReport(parsing: "")
    #expect(empty.status == .failed)
    #expect(!empty.isComplete)
  }

  @Test(arguments: hostile)
  func hostileTextComesBackEverywhere(text: String) {
    var written = report
    written.reason = "because " + text
    written.metrics[text] = 1
    written.exits.byReason[text] = 1
    written.lifetimeExits.byPlace[text] = 3
    written.lifetimeStats[text] = 4
    written.trace?.events[text] = TraceCounts.Event(count: 1, byKey: [text: 1])
    written.histograms[text] = text
    written.notes = [text, text]
    written.kvmStats[text] = 2
    written.log = [text, "after"]
    #expect(RunnerReport(parsing: written.text) == written)
  }

  @Test(arguments: [RepetitionStatus.ok, .failed, .skipped, .invalid])
  func everyStatusComesBack(_ status: RepetitionStatus) {
    var written = report
    written.status = status
    #expect(RunnerReport(parsing: written.text).status == status)
  }

  @Test func aReportThatWasCutOffIsNotComplete() {
    let scalars = Array(report.text.unicodeScalars)
    // The last scalar is the newline behind the closing line, which may be missing.
    for count in 0..<(scalars.count - 1) {
      var cut = String.UnicodeScalarView()
      cut.append(contentsOf: scalars[..<count])
      #expect(!RunnerReport(parsing: String(cut)).isComplete, "\(count) scalars")
    }
  }

  @Test func linesOfANewerRunnerAreIgnored() {
    let text = "colour\tred\nstatus\tok\tbecause\tmore\n\n\t\n" + report.text + "afterwards\n"
    #expect(RunnerReport(parsing: text) == report)
  }

  @Test func damagedNumbersAreMissingOrZero() {
    let read = RunnerReport(
      parsing:
        "metric\ta\tmany\nreason\tio\t-1\nexits\tx\t2\nslots\t1,x,3\nkvmstat\texits\t1.5\ndetail\tio\t1\tx\t3\tx\n")
    #expect(read.metrics.isEmpty)
    #expect(read.exits.byReason.isEmpty)
    #expect(read.exits.total == 0)
    #expect(read.exits.userspace == 2)
    #expect(read.kvmStats.isEmpty)
    #expect(read.exits.byDetail == ["io": ExitTally(exits: 1, elements: 0, bytes: 3, seconds: 0)])
  }

  @Test func anUnknownStatusIsAFailure() {
    #expect(RunnerReport(parsing: "status\tsplendid\t\nend\n").status == .failed)
  }
}
