import Foundation
import MachineLauncher
import Measurement
import Testing

@testable import Campaign

/// Two builds of the runner, interleaved in one run.
struct PreviousRunnerTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A runner that does so many operations a second, and writes down what it was told.
  private func runner(_ throughput: Double, _ name: String) throws -> String {
    var report = RunnerReport.ok
    report.metrics["throughput.ops"] = throughput
    return try folder.runner(printing: report, before: "echo \(name) \"$@\" >> '\(folder.file("log"))'")
  }

  private func options(_ previous: String?) throws -> CampaignOptions {
    var options = CampaignOptions(library: try .embedded())
    options.request = .of("cpu.nbody", modes: ["paravirt"], repetitions: 6)
    options.request.runners = [.builtin, .previous]
    options.out = folder.file("results")
    options.environment = [
      "PVBENCH_VM": try runner(900, "new"), "PVBENCH_KVM_PATH": try folder.write("", to: "kvm"),
    ]
    options.environment["PVBENCH_PREVIOUS_VM"] = previous
    return options
  }

  @Test func bothBuildsTakeTurnsAndAreCompared() async throws {
    let campaign = try Campaign.prepare(try options(try runner(1000, "old")), host: .fixed)
    let result = await campaign.run(progress: SilentProgress()) { _, _ in }
    let log = try String(contentsOfFile: folder.file("log"), encoding: .utf8).split(separator: "\n")
    #expect(log.prefix(4).map { $0.prefix(3) } == ["new", "old", "old", "new"])
    #expect(!log.contains { $0.contains("runner=") })
    let record = try #require(result.record)
    #expect(record.cells.map(\.mode) == ["paravirt", "paravirt@previous"])
    let comparison = try #require(record.comparisons.first { $0.metric == "throughput.ops" })
    #expect(comparison.mode == "paravirt@previous:paravirt")
    #expect(comparison.ratio.map { ($0 * 1000).rounded() } == 900)
    #expect(comparison.verdict == .regressed)
  }

  @Test func withoutAnotherBuildNothingBegins() throws {
    let error = #expect(throws: CampaignError.self) { try Campaign.prepare(try options(nil), host: .fixed) }
    #expect(error?.exitCode == 64)
    #expect(error?.description.contains("--previous-runner") == true)
    #expect(throws: CampaignError.usage("the previous runner /nowhere: no such program")) {
      try Campaign.prepare(try options("/nowhere"), host: .fixed)
    }
  }
}
