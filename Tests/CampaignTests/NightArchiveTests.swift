import Foundation
import Measurement
import ResultStore
import Testing

@testable import Campaign

/// Hooks, the log, and what is deleted when.
struct NightArchiveTests {
  private let folder: TemporaryFolder
  private var results: String { folder.file("results") }

  init() throws {
    folder = try TemporaryFolder()
    try FileManager.default.createDirectory(atPath: results, withIntermediateDirectories: true)
  }

  private func text(_ name: String) throws -> String { try String(contentsOfFile: folder.file(name), encoding: .utf8) }

  // MARK: Hooks

  @Test func aHookReadsTheSummary() async throws {
    let hook = NightHook(
      "cat > '\(folder.file("out"))'; echo $PVBENCH_NIGHTLY_CODE $PVBENCH_NIGHTLY_RUN >> '\(folder.file("out"))'")
    #expect(await hook.run("all is well", code: 2, folder: "/results/x") == nil)
    #expect(try text("out") == "all is well\n2 /results/x\n")
  }

  @Test func aHookThatReadsNothingIsNoFailure() async {
    #expect(await NightHook("true").run(String(repeating: "x", count: 1 << 20), code: 0, folder: nil) == nil)
  }

  @Test func aHookThatFailsIsALine() async throws {
    let line = try #require(await NightHook("exit 3").run("", code: 0, folder: nil))
    #expect(line.hasPrefix("the hook failed: "))
    #expect(line.contains("3"))
  }

  @Test func aHookThatHangsIsKilledWithAllItStarted() async throws {
    let pipe = folder.file("pipe")
    #expect(mkfifo(pipe, 0o600) == 0)
    let end = FileHandle(fileDescriptor: open(pipe, O_RDONLY | O_NONBLOCK), closeOnDealloc: true)
    let hook = NightHook("sleep 100 > '\(pipe)' & wait", patience: .seconds(1))
    #expect(await hook.run("", code: 0, folder: nil) == "the hook did not end within 1 s, and was killed")
    // The pipe ends with the last process that has it.
    #expect(fcntl(end.fileDescriptor, F_SETFL, 0) == 0)
    #expect(try end.readToEnd() == nil)
  }

  // MARK: The log

  @Test func eachNightIsALine() throws {
    let archive = NightArchive(in: results)
    #expect(archive.log("first", code: 0, at: Date(timeIntervalSince1970: 0)) == nil)
    #expect(archive.log("second", code: 2, at: Date(timeIntervalSince1970: 86_400)) == nil)
    #expect(try text("results/nightly.log") == "1970-01-01T00:00:00Z 0 first\n1970-01-02T00:00:00Z 2 second\n")
  }

  @Test func aLongLogBeginsAnew() throws {
    let archive = NightArchive(in: results, logLimit: 100)
    for night in 0..<7 { _ = archive.log("night \(night)", code: 0, at: Date(timeIntervalSince1970: 0)) }
    #expect(try text("results/nightly.log").contains("night 6"))
    #expect(!(try text("results/nightly.log")).contains("night 0"))
    #expect(try text("results/nightly.log.1").contains("night 0"))
  }

  @Test func aLogThatCannotBeWrittenIsALine() {
    #expect(NightArchive(in: folder.file("nothing")).log("x", code: 0)?.hasPrefix("cannot write ") == true)
  }

  // MARK: Retention

  @discardableResult private func run(_ second: Int, command: String = "nightly") throws -> RunFolder {
    let folder = try RunFolder.create(in: results, host: "h", started: Date(timeIntervalSince1970: Double(second)))
    var request = RunRequest.of("cpu.nbody")
    request.runners = [.builtin]
    try SavedCampaign(
      plan: try Planner.plan(request, library: try .embedded()), started: "1970-01-01T00:00:00Z",
      command: ["pvbench", command], version: "1", host: HostServices.fixed.record(1, "", "")
    ).write(to: folder)
    return folder
  }

  @Test func oldNightsGoAndTheNewestStay() throws {
    let runs = try (1...5).map { try run($0) }
    #expect(NightArchive(in: results).prune(keeping: 2).deleted == runs.prefix(3).map(\.id))
    #expect(HistoryIndex.folders(in: results) == Array(runs.suffix(2)))
  }

  @Test func whatHasANameOrARemarkOrAnotherMakerStays() throws {
    let (named, annotated, own, old) = (try run(1), try run(2), try run(3, command: "run"), try run(4))
    try run(5)
    _ = try Baseline.save("before", run: named.id, in: results)
    try annotated.add(note: "new firmware")
    #expect(NightArchive(in: results).prune(keeping: 1).deleted == [old.id])
    #expect(FileManager.default.fileExists(atPath: own.path))
  }
}
