import Foundation
import Measurement
import ResultStore
import Testing

@testable import Campaign

/// Names for runs.
struct BaselineTests {
  private let folder: TemporaryFolder
  private var results: String { folder.file("results") }

  init() throws { folder = try TemporaryFolder() }

  private func record(_ id: String, workload: String = "w", fingerprint: String = "f", status: RunStatus = .complete)
    -> RunRecord
  {
    RunRecord(
      id: id, started: "2025-03-14T22:15:00Z", finished: "2025-03-14T22:16:00Z", status: status, command: [],
      version: "1", seed: 1,
      host: HostRecord(
        fingerprint: fingerprint, configuration: [:], cpu: [:], kernel: "6.1", kvm: [:], numa: [], warnings: [],
        name: "h"),
      cells: [
        CellRecord(
          suite: "disk", workload: workload, mode: "full", choices: [:], primary: "throughput.ops", warmupSeconds: 0,
          repetitions: [])
      ], comparisons: [], metrics: [])
  }

  @discardableResult private func run(_ second: Int, in parent: String? = nil, status: RunStatus = .complete) throws
    -> RunFolder
  {
    let folder = try RunFolder.create(
      in: parent ?? results, host: "h", started: Date(timeIntervalSince1970: Double(second)))
    try folder.writeRun(record(folder.id, status: status))
    return folder
  }

  private func refusal(_ body: () throws -> Void) -> String? {
    #expect(throws: CampaignError.self) { try body() }?.description
  }

  @Test func aNameStandsForItsRun() throws {
    let run = try run(1)
    try self.run(2)
    #expect(try Baseline.save("old-kernel", run: run.id, in: results).run == run.id)
    #expect(try StoredRun.find("old-kernel", in: results) == run)
    #expect(
      Baseline.all(in: results) == [
        Baseline(name: "old-kernel", run: run.id, started: "2025-03-14T22:15:00Z", status: .complete)
      ])
  }

  @Test func withoutARunTheNewestCompleteOneIsMeant() throws {
    let complete = try run(1)
    try run(2, status: .invalid)
    #expect(try Baseline.save("a", run: nil, in: results).run == complete.id)
  }

  @Test func aRunElsewhereIsKnownByItsPath() throws {
    let run = try run(1, in: folder.file("elsewhere"))
    #expect(try Baseline.save("a", run: run.path, in: results).run == run.path)
    #expect(try StoredRun.find("a", in: results) == run)
  }

  @Test func aNameCanGoToAnotherRunAndBeForgotten() throws {
    let (first, second) = (try run(1), try run(2))
    _ = try Baseline.save("a", run: first.id, in: results)
    #expect(try Baseline.save("a", run: second.id, in: results).run == second.id)
    try Baseline.delete("a", in: results)
    #expect(Baseline.all(in: results) == [])
    #expect(throws: CampaignError.self) { try StoredRun.find("a", in: results) }
  }

  @Test(arguments: ["", ".a", "-a", "a/b", "..", "a b", "ä", String(repeating: "a", count: 65)])
  func whatIsNoNameIsRefused(name: String) throws {
    let run = try run(1)
    #expect(refusal { _ = try Baseline.save(name, run: run.id, in: results) }?.contains("cannot be the name") == true)
  }

  @Test func theNameOfARunIsRefused() throws {
    let run = try run(1)
    let line = refusal { _ = try Baseline.save(run.id, run: nil, in: results) }
    #expect(line == "'\(run.id)' is the name of a run")
  }

  @Test func aRunThatIsGoneIsNamed() throws {
    let run = try run(1)
    _ = try Baseline.save("a", run: nil, in: results)
    try FileManager.default.removeItem(atPath: run.path)
    let line = refusal { _ = try StoredRun.find("a", in: results) }
    #expect(line == "the baseline a is the run \(run.id), which is not there any more")
    #expect(Baseline.text(Baseline.all(in: results)).contains("gone"))
  }

  @Test func aMisspeltNameIsNearAnother() throws {
    try run(1)
    _ = try Baseline.save("kernel-6.1", run: nil, in: results)
    #expect(refusal { _ = try StoredRun.find("kernel-6.2", in: results) }?.contains("kernel-6.1") == true)
    #expect(refusal { try Baseline.delete("kernel-6.2", in: results) }?.contains("kernel-6.1") == true)
  }

  @Test func aComparisonThatCannotBeMadeIsRefusedBeforeTheRun() throws {
    let plan = try Planner.plan(.of("disk.randread.4k.qd1"), library: try .embedded())
    let here = HostServices.fixed.record(1, "", "")
    let other = try against("w", here.fingerprint, allowsMismatch: false)
    #expect(
      refusal { try other.check(plan, on: here) }?.hasSuffix("has none of these workloads in the same mode") == true)
    let elsewhere = try against("disk.randread.4k.qd1", "other", allowsMismatch: false)
    #expect(refusal { try elsewhere.check(plan, on: here) }?.contains("--allow-mismatch") == true)
    try against("disk.randread.4k.qd1", "other", allowsMismatch: true).check(plan, on: here)
  }

  private func against(_ workload: String, _ fingerprint: String, allowsMismatch: Bool) throws -> Against {
    let folder = try RunFolder.create(in: results, host: "h")
    try folder.writeRun(record(folder.id, workload: workload, fingerprint: fingerprint))
    return try Against(folder.id, in: results, allowsMismatch: allowsMismatch)
  }
}
