import MachineLauncher
import Measurement
import Testing

@testable import Campaign

@Suite("workloads on Linux")
struct LinuxGuestTests {
  private let library: SuiteLibrary

  init() throws { library = try SuiteLibrary.load(directory: nil) }

  private func plan(_ change: (inout RunRequest) -> Void) throws(CampaignError) -> Plan {
    var request = RunRequest()
    request.suites = ["linux"]
    change(&request)
    return try Planner.plan(request, library: library)
  }

  private static func named(_ request: inout RunRequest) {
    request.linuxKernel = "/dev/null"
    request.linuxInitrd = "/dev/null"
  }

  @Test func withoutAGuestEveryCellIsSkippedWithAWayOut() throws {
    let plan = try plan { _ in }
    #expect(!plan.cells.isEmpty)
    #expect(plan.cells.allSatisfy { $0.skipReason?.contains("make linux-guest") == true })
  }

  @Test func withAGuestBothModesRun() throws {
    let plan = try plan(Self.named)
    #expect(plan.cells.allSatisfy { $0.skipReason == nil })
    #expect(Set(plan.cells.map(\.mode.name)) == ["full", "paravirt"])
    #expect(!plan.needsDisk)
  }

  @Test func aMissingFileIsAUsageError() {
    #expect(throws: CampaignError.usage("--linux-kernel /nonexistent: no such file or directory")) {
      try plan { $0.linuxKernel = "/nonexistent" }
    }
  }

  /// Mode, and the disk that fio is told to use in it.
  @Test(arguments: [("full", "--filename=/dev/sda"), ("paravirt", "--filename=/dev/vda")])
  func theToolIsBehindTheKernelsCommandLine(mode: String, disk: String) throws {
    let plan = try plan(Self.named)
    let step = try #require(plan.steps.first { plan.cells[$0.cell].mode.name == mode })
    let specification = plan.specification(of: step, disk: nil, resources: MachineResources())
    let guest = try #require(specification.foreign)
    #expect(guest.append.contains(" -- fio --name=pvbench \(disk) --rw=randread --bs=4096 "))
    #expect(guest.isForced == false)
    #expect(specification.disk == .memory(byteCount: 32 << 20))
    #expect(specification.memory == 384 << 20)
    #expect(specification.choices["net"] == "none")
  }

  @Test func whatIsWrittenIsVerified() throws {
    let plan = try plan(Self.named)
    let cell = try #require(plan.cells.first { $0.workload.parameter("operation") == "write" })
    #expect(FioTool.arguments(cell).contains("--verify=crc32c"))
  }

  @Test func theKernelOfARowMustSuitItsGuest() {
    let text = """
      suite: s
      summary: s
      workloads:
        - {id: s.a, kernel: fio, metrics: [throughput.ops], parameters: {}}
      """
    #expect(throws: YAMLFileError.self) { try SuiteDecoder.decode(file: "s.yaml", text: text) }
  }
}

@Suite("what fio prints")
struct FioToolTests {
  /// A console with the JSON of a job, as fio 3.33 writes it, cut to what is read.
  private func console(error: Int = 0, reads: Int = 0, writes: Int = 0, samples: Int = 5000) -> String {
    func side(_ operations: Int, _ scale: Double) -> String {
      """
      {"total_ios": \(operations), "iops": \(100 * scale), "bw_bytes": \(409_600 * scale), "clat_ns": {"mean": \(2000 * scale),
       "N": \(samples), "percentile": {"50.000000": \(1000 * scale), "99.000000": \(9000 * scale)}}}
      """
    }
    return """
      [    1.0] Run /init as init process
      pvbench-guest: user space
      {
        "fio version" : "fio-3.33",
        "jobs" : [
          {"jobname": "pvbench", "error": \(error), "read": \(side(reads, 1)), "write": \(side(writes, 2))}
        ]
      }
      pvbench-guest: ended 0

      """
  }

  @Test func aReadingJobsFiguresAreInBaseUnits() throws {
    let metrics = try FioTool.metrics(console(reads: 300))
    #expect(
      metrics == [
        "throughput.ops": 100, "throughput.bytes": 409_600, "latency.mean": 2e-6, "latency.p50": 1e-6,
        "latency.p99": 9e-6,
      ])
  }

  @Test func aVerifyingJobIsJudgedByItsWrites() throws {
    #expect(try FioTool.metrics(console(reads: 300, writes: 300))["throughput.ops"] == 200)
  }

  @Test func percentilesNeedSamplesEnough() throws {
    let metrics = try FioTool.metrics(console(reads: 300, samples: 100))
    #expect(metrics["latency.p50"] == 1e-6)
    #expect(metrics["latency.p99"] == nil)
  }

  @Test func aJobThatFailedHasNoFigures() {
    #expect(throws: FioTool.OutputError.failed(84)) { try FioTool.metrics(console(error: 84, reads: 1)) }
    #expect(throws: FioTool.OutputError.unreadable) { try FioTool.metrics(console()) }
  }

  @Test(arguments: ["", "{", "pvbench-guest: user space\npvbench-guest: ended 127\n"])
  func aConsoleWithoutAResultIsAFailure(console: String) {
    var report = RunnerReport()
    report.status = .ok
    let judged = FioTool.judged(report, console: console)
    #expect(judged.status == .failed)
    #expect(judged.reason == "fio printed no result on the guest's console")
  }

  @Test func aBrokenResultIsAFailure() {
    #expect(throws: FioTool.OutputError.unreadable) { try FioTool.metrics("{\n  \"jobs\" : 3\n}\n") }
  }

  @Test func aGuestThatFailedStaysFailed() {
    var report = RunnerReport()
    report.reason = "the guest triple-faulted"
    #expect(FioTool.judged(report, console: console(reads: 1)) == report)
  }
}
