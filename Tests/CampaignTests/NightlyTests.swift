import Foundation
import MachineLauncher
import Measurement
import ResultStore
import Testing

@testable import Campaign

/// Nights whose guests do as many operations a second as is written here.
struct NightlyTests {
  private static let usual = 1000.0
  private let folder: TemporaryFolder
  private var results: String { folder.file("results") }

  init() throws { folder = try TemporaryFolder() }

  private func runner(_ throughput: Double) throws -> String {
    var report = RunnerReport.ok
    report.metrics["throughput.ops"] = throughput
    return try folder.runner(printing: report)
  }

  private func options(_ throughput: Double, previous: Double? = nil) throws -> CampaignOptions {
    var options = CampaignOptions(library: try .embedded())
    options.request = .of("cpu.nbody", modes: ["paravirt"], repetitions: 2)
    options.request.runners = [.builtin]
    options.out = results
    options.command = ["pvbench", "nightly"]
    options.environment = [
      "PVBENCH_VM": try runner(throughput), "PVBENCH_KVM_PATH": try folder.write("", to: "kvm"),
      "PVBENCH_PREVIOUS_VM": try runner(previous ?? throughput),
    ]
    return options
  }

  private func night(_ options: CampaignOptions, confirms: Bool = false) async -> NightReport {
    await Nightly(options, confirms: confirms).run(host: .fixed, progress: SilentProgress()) { _, _ in }
  }

  /// Nights before now, the newest yesterday, as the runs of `options` would have been.
  private func past(_ throughputs: [Double]) throws {
    let cell = try #require(try Planner.plan(try options(1).request, library: try .embedded()).cells.first)
    let history = try History.open(in: results, creating: true)
    for (night, throughput) in throughputs.enumerated() {
      let date = Date().addingTimeInterval(86_400 * Double(night - throughputs.count))
      try history.index(
        IndexedRun(
          id: "night-\(night)", started: date.formatted(.iso8601), status: .complete, version: "0.1.0",
          fingerprint: "fingerprint of tester", configuration: ["kernel_release": .string("6.1")],
          cells: [
            IndexedRun.Cell(
              key: cell.key, choices: cell.choices,
              observations: ["throughput.ops": .init(values: [throughput], median: throughput)])
          ], metrics: MetricCatalog.all.filter { $0.id == "throughput.ops" }))
    }
  }

  private static let quiet = (0..<20).map { usual + Double($0 % 5) }

  @Test func aQuietNightIsAParagraph() async throws {
    try past(Self.quiet)
    let report = await night(try options(Self.usual))
    let id = try #require(report.run?.id)
    #expect(report.exitCode(failOn: .inconclusive) == 0)
    #expect(
      report.summary.hasPrefix(
        "pvbench nightly on tester: run \(id) is complete (1 cell, 2 good boots). Of 1 series none became worse, none better. "
          + "Since the night of "))
    #expect(report.summary.hasSuffix("Report: \(results)/\(id)/report.html"))
    #expect(!report.summary.contains("\n"))
    #expect(try History.open(in: results, creating: false).runs().map(\.id).last == id)
  }

  @Test func theFirstNightHasNothingToBeComparedWith() async throws {
    let report = await night(try options(Self.usual))
    #expect(report.findings?.series == 1)
    #expect(report.summary.contains("It is the first night: there is nothing to hold it against."))
    #expect(report.exitCode(failOn: .inconclusive) == 0)
  }

  @Test func aNightThatIsFarFromTheOneBeforeIsSuspect() async throws {
    try past(Self.quiet)
    let report = await night(try options(0.8 * Self.usual))
    #expect(report.findings?.suspects.map(\.value) == [800])
    #expect(report.summary.contains("Suspect tonight: cpu.nbody paravirt throughput.ops -20.3 %, usually up to "))
    #expect(report.summary.contains("To be sure: pvbench run --runner builtin,previous --previous-runner OLD"))
    #expect(report.exitCode(failOn: nil) == 0)
    #expect(report.exitCode(failOn: .regression) == 0)
    #expect(report.exitCode(failOn: .inconclusive) == 3)
  }

  @Test func aSuspectBelowTheFloorIsNone() async throws {
    try past(Self.quiet)
    let report = await night(try options(0.97 * Self.usual))
    #expect(report.findings?.suspects == [])
  }

  @Test func whatAnotherBuildDoesBetterIsConfirmed() async throws {
    try past(Self.quiet)
    let report = await night(try options(800, previous: 1000), confirms: true)
    #expect(report.summary.contains("confirmed against the other build"))
    #expect(report.exitCode(failOn: nil) == 0)
    #expect(report.exitCode(failOn: .regression) == 2)
    #expect(try History.open(in: results, creating: false).runs().count == Self.quiet.count + 2)
  }

  @Test func whatAnotherBuildDoesAsBadlyIsTheHosts() async throws {
    try past(Self.quiet)
    let report = await night(try options(800, previous: 800), confirms: true)
    #expect(report.summary.contains("not confirmed against the other build"))
    #expect(report.exitCode(failOn: .inconclusive) == 0)
  }

  @Test func withoutAnotherBuildToAskNothingBegins() async throws {
    var options = try options(800)
    options.environment["PVBENCH_PREVIOUS_VM"] = nil
    let report = await night(options, confirms: true)
    #expect(report.exitCode(failOn: nil) == 64)
    #expect(report.run == nil)
  }

  @Test func aStepIsNewsOnceASecondNightAgrees() async throws {
    try past(Self.quiet + [800])
    let report = await night(try options(801))
    #expect(report.findings?.changes.map(\.night.run) == ["night-20"])
    #expect(report.summary.contains("1 became worse (cpu.nbody paravirt throughput.ops -20.1 % since "))
    #expect(report.exitCode(failOn: nil) == 0)
    #expect(report.exitCode(failOn: .regression) == 2)
  }

  @Test func aStepThatWasNewsIsNoneAgain() async throws {
    try past(Self.quiet + [800, 801])
    let report = await night(try options(802))
    #expect(report.findings?.changes == [])
    #expect(report.exitCode(failOn: .inconclusive) == 0)
  }

  @Test func aHistoryThatCannotBeReadFailsTheNightAndNotTheRun() async throws {
    try folder.write("a diary", to: "results/history.sqlite")
    let report = await night(try options(Self.usual))
    #expect(report.run?.status == .complete)
    #expect(report.exitCode(failOn: nil) == 1)
    #expect(report.summary.contains("history.sqlite is damaged"))
  }

  @Test func aNightThatCannotBeginSaysWhy() async throws {
    var options = try options(Self.usual)
    options.environment["PVBENCH_KVM_PATH"] = folder.file("nothing")
    let report = await night(options)
    #expect(report.exitCode(failOn: nil) == 69)
    #expect(report.summary.hasPrefix("pvbench nightly: cannot open "))
  }

  @Test func twoNightsNeverOverlap() throws {
    do {
      let lock = try Nightly.lock(results)
      let error = #expect(throws: CampaignError.self) { _ = try Nightly.lock(results) }
      #expect(error?.description.hasPrefix("another night is being measured in \(results)") == true)
      withExtendedLifetime(lock) {}
    }
    #expect(throws: Never.self) { _ = try Nightly.lock(results) }
  }
}
