import Foundation
import HostTopology
import MachineLauncher
import Measurement
import ResultStore
import Synchronization
import Testing

@testable import Campaign

/// Runners are shell scripts here.
struct CampaignRunTests {
  private let folder: TemporaryFolder
  private let published = Published()

  private final class Published: Sendable {
    let runs = Mutex<[RunRecord]>([])
    @Sendable func publish(_ run: RunRecord, _ folder: RunFolder) throws { runs.withLock { $0.append(run) } }
  }

  init() throws { folder = try TemporaryFolder() }

  private static let complete = RunnerReport(parsing: RunnerReport.ok.text)

  private func outcome(_ script: String, limit: Duration = .seconds(20)) async throws -> RunnerOutcome {
    await Supervisor(runner: try folder.runner(script)).run(MachineSpecification(), limit: limit)
  }

  private func options(_ runner: String, _ request: RunRequest = .of("disk.randread.4k.qd1")) throws -> CampaignOptions
  {
    var options = CampaignOptions(library: try .embedded())
    options.request = request
    options.out = folder.file("results")
    options.imageBytes = 1 << 20
    options.environment = ["PVBENCH_VM": runner, "PVBENCH_KVM_PATH": try folder.write("", to: "kvm")]
    return options
  }

  private func run(_ options: CampaignOptions) async throws -> CampaignResult {
    try await Campaign.prepare(options, host: .fixed).run(progress: SilentProgress(), publish: published.publish)
  }

  private func refusal(_ options: CampaignOptions, host: HostServices = .fixed) -> CampaignError? {
    #expect(throws: CampaignError.self) { try Campaign.prepare(options, host: host) }
  }

  private func hasProcess(_ marker: String) throws -> Bool {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").contains { name in
      (try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8))?.contains(marker) == true
    }
  }

  // MARK: The supervisor

  @Test func completeReportIsRead() async throws {
    let outcome = await Supervisor(runner: try folder.runner(printing: .ok, before: "echo remark >&2"))
      .run(MachineSpecification(), limit: .seconds(20))
    #expect(outcome == .report(Self.complete, diagnostics: ["remark"]))
  }

  @Test func argumentsReachTheRunner() async throws {
    // Beside the moment at which it was asked for, which is another one each time.
    let outcome = try await outcome("echo \"$@\" | sed 's/spawned-ns=[0-9]* //' >&2; exit 3")
    #expect(outcome == .failed("runner exited with code 3: " + MachineSpecification().arguments.joined(separator: " ")))
  }

  @Test func crashIsNamedWithItsSignalAndLastWords() async throws {
    #expect(
      try await outcome("echo last words >&2; kill -SEGV $$")
        == .failed("runner was killed by signal 11: Segmentation fault: last words"))
  }

  @Test func cutOffReportIsAFailure() async throws {
    #expect(
      try await outcome("printf 'status\\tok\\t\\nmetric\\tthroughput.ops\\t5\\n'")
        == .failed("runner's report is not complete"))
  }

  @Test func nonsenseIsAFailure() async throws {
    #expect(try await outcome("head -c 100000 /dev/urandom") == .failed("runner's report is not complete"))
  }

  @Test func endlessReportIsAFailure() async throws {
    #expect(try await outcome("head -c 20000000 /dev/zero") == .failed("runner wrote more than 16 MiB"))
  }

  @Test func longDiagnosticsDoNotBlockTheRunner() async throws {
    let outcome = await Supervisor(
      runner: try folder.runner(printing: .ok, before: "head -c 1000000 /dev/zero >&2; printf '\\nend\\n' >&2")
    )
    .run(MachineSpecification(), limit: .seconds(20))
    #expect(outcome != .failed("timed out after 20 s"))
  }

  @Test func missingKVMIsTold() async throws {
    #expect(try await outcome("echo 'cannot open /dev/kvm' >&2; exit 69") == .noKVM("cannot open /dev/kvm"))
  }

  @Test func timeoutKillsItsRunnerAndNoOther() async throws {
    let marker = UUID().uuidString
    let patient = Supervisor(runner: try folder.runner(printing: .ok, before: "sleep 1"))
    async let other = patient.run(MachineSpecification(), limit: .seconds(20))
    let outcome = try await outcome(
      "exec sh -c 'while :; do sleep 1; done; : \(marker)'", limit: .milliseconds(300))
    #expect(outcome == .failed("timed out after 0 s"))
    #expect(try hasProcess(marker) == false)
    #expect(await other == .report(Self.complete, diagnostics: []))
  }

  @Test func aNodeThatTheHostDoesNotHaveIsAUsageError() throws {
    var request = RunRequest.of("disk.randread.4k.qd1")
    request.numa = "node=7"
    var host = HostServices.fixed
    host.resources = { _, home, _ in
      MachineResources(placements: [.local: .failure(.unknownNode(home ?? 0, of: [0]))])
    }
    let refused = refusal(try options(folder.runner(printing: .ok), request), host: host)
    #expect(refused == .usage("--numa node=7: this host has no NUMA node 7 (it has 0)"))
  }

  @Test func aPlaceThatTheHostDoesNotHaveIsSkipped() async throws {
    var request = RunRequest.of("disk.randread.4k.qd1")
    request.numa = "remote"
    var host = HostServices.fixed
    host.resources = { _, _, _ in MachineResources(placements: [.remote: .failure(.oneNode)]) }
    let campaign = try Campaign.prepare(try options(folder.runner(printing: .ok), request), host: host)
    let result = await campaign.run(progress: SilentProgress(), publish: published.publish)
    #expect(result.exitCode == 77)
    let record = try #require(result.record)
    #expect(record.cells.flatMap(\.repetitions).allSatisfy { $0.reason == "one NUMA node" })
  }

  @Test func runnerThatIsNoProgramIsAUsageError() {
    #expect(throws: CampaignError.usage("PVBENCH_VM=/nowhere/vm: no such program")) {
      try Supervisor.locate(environment: ["PVBENCH_VM": "/nowhere/vm"])
    }
  }

  // MARK: Whole runs

  @Test func runIsCompleteAndLeavesNoImage() async throws {
    let result = try await run(options(folder.runner(printing: .ok)))
    let record = try #require(result.record)
    #expect(result.error == nil)
    #expect(result.exitCode == 0)
    #expect(record.status == .complete)
    #expect(record.cells.map(\.mode) == ["full", "paravirt"])
    #expect(record.cells.flatMap(\.repetitions).map(\.order) == [0, 3, 1, 2])
    #expect(record.metrics.map(\.id) == ["throughput.ops", "exits.loop_total", "exits.kernel_total"])
    #expect(published.runs.withLock { $0 } == [record])
    let files = try FileManager.default.contentsOfDirectory(atPath: result.folder.path)
    #expect(files.sorted() == ["guest-logs", "plan.json", "repetitions"])
    #expect(
      try String(contentsOfFile: result.folder.file("guest-logs/00000.log"), encoding: .utf8)
        == "hello from the guest\n")
  }

  @Test func aHostThatChangesMakesTheRunInvalidAndSaysHow() async throws {
    let sources = Mutex(["tsc", "tsc", "hpet"])  // when it is prepared, before the first guest, and behind it
    var host = HostServices.fixed
    host.moment = { _ in
      var moment = HostMoment.quiet
      moment.clocksource = sources.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
      return moment
    }
    let campaign = try Campaign.prepare(options(folder.runner(printing: .ok)), host: host)
    let result = await campaign.run(progress: SilentProgress(), publish: published.publish)
    #expect(result.exitCode == 1)
    let record = try #require(result.record)
    #expect(record.status == .invalid)
    #expect(record.cells.flatMap(\.repetitions).map(\.status) == [.invalid, .ok, .ok, .ok])
    #expect(
      ResultTable(record).text.contains(
        "  disk.randread.4k.qd1 full: invalid (1 of 2): clocksource: the clocksource went from tsc to hpet\n"))
    #expect(record.host.configuration["unwatched"] == .array([]))
  }

  @Test func everythingSkippedIsSeventySeven() async throws {
    let result = try await run(
      options(folder.runner("exit 9"), .of("disk.randread.4k.qd32", modes: ["full"])))
    #expect(result.exitCode == 77)
    #expect(
      result.record?.cells.first?.repetitions.map(\.reason) == Array(repeating: "IDE has queue depth 1 only", count: 2))
  }

  @Test func crashingRunnerFailsTheRunButNotTheOthers() async throws {
    let flag = folder.file("crashed")
    let runner = try folder.runner(printing: .ok, before: "[ -e '\(flag)' ] || { touch '\(flag)'; kill -ABRT $$; }")
    let result = try await run(options(runner))
    #expect(result.exitCode == 1)
    #expect(result.record?.status == .failed)
    #expect(result.record?.cells.flatMap(\.repetitions).map(\.status) == [.failed, .ok, .ok, .ok])
  }

  @Test func guestThatWroteWrongDataFails() async throws {
    // The report claims seven writes that nobody made.
    let result = try await run(
      options(folder.runner(printing: .ok), .of("disk.randwrite.4k.qd1", modes: ["full"], repetitions: 1)))
    let repetition = try #require(result.record?.cells.first?.repetitions.first)
    #expect(repetition.status == .failed)
    #expect(repetition.reason?.hasPrefix("the image is wrong after the run: sector ") == true)
    #expect(repetition.metrics == [:])
  }

  @Test func resumedRunDoesOnlyWhatIsMissing() async throws {
    let log = folder.file("starts")
    let options = try options(folder.runner(printing: .ok, before: "echo x >> '\(log)'"))
    var result = try await run(options)
    for order in [1, 3] {
      try FileManager.default.removeItem(atPath: result.folder.file("repetitions/0000\(order).json"))
    }
    #expect(try StoredRun.record(of: result.folder).status == .partial)
    var again = options
    again.request = RunRequest()
    again.resume = result.folder.path
    result = try await run(again)
    #expect(result.record?.status == .complete)
    #expect(try String(contentsOfFile: log, encoding: .utf8) == "x\nx\nx\nx\nx\nx\n")
  }

  @Test func resumeRefusesAnotherSeedDefinitionOrHost() async throws {
    var options = try options(folder.runner(printing: .ok))
    options.resume = try await run(options).folder.id
    let name = try #require(options.resume)
    options.request = RunRequest()
    options.request.seed = 2
    #expect(
      refusal(options)
        == .usage("--resume \(name): --seed 2, but the run was planned with 1 (leave it out, or begin a new run)"))
    options.request.seed = 1
    #expect(refusal(options, host: .named("other"))?.description.contains("begun on another host (tester)") == true)
    var suites = options.library.suites
    let disk = try #require(suites.firstIndex { $0.name == "disk" })
    suites[disk].workloads[0].windowNanoseconds += 1
    options.library = SuiteLibrary(suites: suites)
    #expect(refusal(options)?.description.contains("the definition of disk.randread.4k.qd1 (full) has changed") == true)
    options.resume = name + "x"
    #expect(refusal(options)?.description.hasSuffix("(did you mean '\(name)'?)") == true)
  }

  @Test func cancellationKillsTheRunnerAndLeavesAPartialRun() async throws {
    let marker = UUID().uuidString
    let runner = try folder.runner(
      printing: .ok,
      before:
        "[ -e '\(folder.file("second"))' ] && exec sh -c 'sleep 60; : \(marker)'; touch '\(folder.file("second"))'")
    let campaign = try Campaign.prepare(options(runner), host: .fixed)
    let publish: Campaign.Publisher = published.publish
    let isWaiting = Waiting(for: 2)
    let task = Task { await campaign.run(progress: isWaiting, publish: publish) }
    await isWaiting.wait()
    task.cancel()
    let result = await task.value
    #expect(result.error == nil)
    #expect(result.record?.status == .partial)
    #expect(result.record?.cells.flatMap(\.repetitions).map(\.order) == [0])
    #expect(try hasProcess(marker) == false)
    #expect(FileManager.default.fileExists(atPath: result.folder.file("disk.img")) == false)
    #expect(published.runs.withLock { $0.count } == 1)
  }

  @Test func resultsThatCannotBeWrittenEndTheRunAndKeepWhatIsFinished() async throws {
    // The second guest takes the folder for logs away, as a disk that is full would.
    let flag = folder.file("first")
    let runner = try folder.runner(
      printing: .ok,
      before: "[ -e '\(flag)' ] && rm -rf '\(folder.file("results"))'/*/guest-logs; touch '\(flag)'")
    let result = try await run(options(runner))
    #expect(result.exitCode == 1)
    #expect(result.error?.description.hasPrefix("cannot write ") == true)
    #expect(result.error?.description.contains("resume with --resume \(result.folder.path)") == true)
    #expect(result.record?.status == .partial)
    #expect(result.record?.cells.flatMap(\.repetitions).count == 1)
  }

  @Test func missingKVMIsFoundBeforeAnythingIsMade() throws {
    var options = try options(folder.runner("exit 1"))
    options.environment["PVBENCH_KVM_PATH"] = "/nowhere/kvm"
    let error = refusal(options)
    #expect(error?.exitCode == 69)
    #expect(error?.description.hasPrefix("cannot open /nowhere/kvm: no such file or directory (") == true)
    #expect(FileManager.default.fileExists(atPath: options.out) == false)
  }

  @Test func diskThatHoldsDataIsRefusedUnlessToldOtherwise() async throws {
    let disk = folder.file("mine.img")
    var data = Data(count: 1 << 20)
    data[900_000] = 1
    try data.write(to: URL(filePath: disk))
    var options = try options(folder.runner(printing: .ok), .of("disk.randread.4k.qd1", repetitions: 1))
    options.request.disk = disk
    #expect(refusal(options) == .usage("refusing to overwrite \(disk): it holds data (pass --overwrite-disk)"))
    options.overwriteDisk = true
    #expect(try await run(options).exitCode == 0)
    options.overwriteDisk = false
    #expect(try await run(options).exitCode == 0)
  }
}

/// Lets a test wait until a number of repetitions have begun.
private final class Waiting: ProgressSink {
  private let remaining: Mutex<Int>
  private let (stream, continuation) = AsyncStream.makeStream(of: Void.self)

  init(for count: Int) { remaining = Mutex(count) }

  func report(_ event: ProgressEvent) {
    guard case .started = event else { return }
    if remaining.withLock({
      $0 -= 1; return $0 == 0
    }) {
      continuation.finish()
    }
  }

  func wait() async { for await _ in stream {} }
}
