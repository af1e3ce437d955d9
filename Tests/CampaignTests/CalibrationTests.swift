import Foundation
import MachineLauncher
import Measurement
import ResultStore
import Testing

@testable import Campaign

/// Runners are shell scripts here.
struct CalibrationTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func options(runs: Int? = 4, slowdown: Int? = nil, runner: String = "/bin/true") throws -> CalibrationOptions
  {
    var campaign = CampaignOptions(library: try .embedded())
    campaign.out = folder.file("results")
    campaign.imageBytes = 1 << 20
    campaign.environment = [
      "PVBENCH_VM": runner, "PVBENCH_KVM_PATH": try folder.write("", to: "kvm"),
      "PVBENCH_HOST_ROOT": folder.file("host"),
    ]
    var options = CalibrationOptions(campaign: campaign)
    options.runs = runs
    options.slowdownPermille = slowdown
    return options
  }

  private func run(_ calibration: Calibration) async throws -> RunRecord {
    try #require(await calibration.run(progress: SilentProgress()) { _, _ in }.record)
  }

  @Test func eachWorkloadIsMeasuredInOneModeInRounds() throws {
    let plan = try Calibration.prepare(try options(), host: .fixed).campaign.plan
    #expect(plan.cells.map(\.workload.id).sorted() == CalibrationSet.rows.map(\.workload).sorted())
    #expect(plan.cells.map(\.skipReason) == [nil, nil, nil, nil, nil, nil])
    #expect(plan.steps.count == 4 * 6 * 6)
    #expect(plan.steps.prefix(12).map(\.cell) == Array(0..<6) + Array(0..<6))
    #expect(plan.cells.allSatisfy { $0.windowNanoseconds <= 300_000_000 })
  }

  @Test func sixtyRunsTakeUnderHalfAnHour() throws {
    let plan = try Calibration.prepare(try options(runs: nil, slowdown: 100), host: .fixed).campaign.plan
    #expect(plan.request.repetitions == 360)
    #expect(PlanEstimate(plan).seconds < 1800)
  }

  @Test func theSlowedCopyIsTheSameButForItsDevices() throws {
    let plan = try Calibration.prepare(try options(slowdown: 100), host: .fixed).campaign.plan
    let copy = try #require(plan.steps.first { plan.cells[$0.cell].workload.id == CalibrationSet.slowedCopy })
    let original = try #require(plan.steps.first { plan.cells[$0.cell].workload.id == CalibrationSet.slowed.workload })
    var slowed = plan.specification(of: copy, disk: nil, resources: MachineResources())
    var plain = plan.specification(of: original, disk: nil, resources: MachineResources())
    #expect(slowed.slowdownPermille == 100)
    (slowed.slowdownPermille, slowed.seed, plain.seed) = (0, 1, 1)
    #expect(slowed == plain)
  }

  @Test func aFinishedRunIsACalibration() async throws {
    let runner = try folder.runner(printing: .ok)
    let calibration = try Calibration.prepare(try options(slowdown: 100, runner: runner), host: .fixed)
    let record = try calibration.evaluate(try await run(calibration))
    #expect(record.runs == 4)
    #expect(record.falseAlarms.count == 4)
    #expect(record.falseAlarms.allSatisfy { $0.called.comparisons == 6 && $0.called.count == 0 })
    // Nothing ever varies: also what should be slower does not.
    #expect(record.slowdown?.found.count == 0)
    #expect(
      CalibrationText(record).text.contains("\nexits.pio.out slowed by 10 %: found in 0 of 6 comparisons ("))
    #expect(!CalibrationText(record).text.contains("network.roundtrip.64b.qd1  paravirt  exits"))
  }

  @Test func aCalibrationGoesOnWhereItWasInterrupted() async throws {
    let runner = try folder.runner(printing: .ok)
    var options = try options(slowdown: 50, runner: runner)
    let first = try Calibration.prepare(options, host: .fixed)
    options.campaign.resume = first.campaign.folder.path
    (options.runs, options.slowdownPermille) = (nil, nil)
    let second = try Calibration.prepare(options, host: .fixed)
    #expect(second.campaign.plan == first.campaign.plan)
    options.runs = 5
    #expect(throws: CampaignError.self) { try Calibration.prepare(options, host: .fixed) }
  }

  @Test func anotherRunIsNotGoneOnWith() throws {
    var options = try options()
    var campaign = options.campaign
    campaign.request = .of("disk.randread.4k.qd1")
    let folder = try Campaign.prepare(campaign, host: .fixed).folder
    options.campaign.resume = folder.path
    #expect(
      throws: CampaignError.usage(
        "--resume \(folder.path): this run is no calibration (go on with it by pvbench run --resume)")
    ) { try Calibration.prepare(options, host: .fixed) }
  }

  @Test(arguments: [0, 3, 1001]) func tooFewAndTooManyRunsAreAUsageError(runs: Int) throws {
    let options = try options(runs: runs)
    #expect(throws: CampaignError.usage("--runs \(runs): expected 4 to 1000")) {
      try Calibration.prepare(options, host: .fixed)
    }
  }

  @Test func fewOkBootsAreNoGroundForAnything() async throws {
    let runner = try folder.runner("echo broken >&2; exit 3")
    let calibration = try Calibration.prepare(try options(runner: runner), host: .fixed)
    let run = try await run(calibration)
    let error = #expect(throws: CampaignError.self) { try calibration.evaluate(run) }
    #expect(
      error
        == .failure(
          "0 of 24 boots of cpu.integer are ok, too few to calibrate with: runner exited with code 3: broken"))
  }
}
