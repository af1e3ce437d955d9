import Foundation
import MachineLauncher
import Measurement
import ResultStore
import Statistics

/// A calibration as a user asks for it.
public struct CalibrationOptions: Sendable {
  /// The campaign's options; its request is the calibration's own.
  public var campaign: CampaignOptions
  /// Runs that boots are dealt to; nil for the default, or what a resumed one has.
  public var runs: Int?
  /// Slow one workload by this many thousandths, to see whether the gate finds it.
  public var slowdownPermille: Int?

  /// Options over a campaign's.
  public init(campaign: CampaignOptions) { self.campaign = campaign }
}

/// `pvbench calibrate`: measures the same thing many times over, in rounds, and asks the gate what it sees.
public struct Calibration: Sendable {
  /// Runs where nobody asks for another number.
  public static let defaultRuns = 60
  /// Boots of a cell in a run: those of a quick one.
  static let repetitions = Planner.quickRepetitions
  /// Comparisons of each kind.
  static let comparisons = 200
  /// A cell of which fewer boots than this share are ok is no ground for anything.
  static let leastShare = 0.5

  /// The run whose boots are dealt out.
  public let campaign: Campaign

  /// Plans a calibration, or finds the one to go on with; see `Campaign.prepare`.
  public static func prepare(_ options: CalibrationOptions) throws(CampaignError) -> Calibration {
    Calibration(campaign: try Campaign.prepare(try campaignOptions(options)))
  }

  static func prepare(_ options: CalibrationOptions, host: HostServices) throws(CampaignError) -> Calibration {
    Calibration(campaign: try Campaign.prepare(try campaignOptions(options), host: host))
  }

  /// What `prepare` would plan or go on with, for `--dry-run`.
  public static func plan(_ options: CalibrationOptions) throws(CampaignError) -> PlanDocument {
    let campaign = try campaignOptions(options)
    return PlanDocument(try Campaign.plan(campaign), library: campaign.library)
  }

  private static func campaignOptions(_ options: CalibrationOptions) throws(CampaignError) -> CampaignOptions {
    var campaign = options.campaign
    var slowdown = options.slowdownPermille
    if let name = campaign.resume {
      let plan = try SavedCampaign.read(from: try StoredRun.find(name, in: campaign.out)).plan
      guard CalibrationSet.isPlanned(plan) else {
        throw .usage("--resume \(name): this run is no calibration (go on with it by pvbench run --resume)")
      }
      slowdown = CalibrationSet.slowdownPermille(of: plan)
    } else if let runs = options.runs, !(4...1000).contains(runs) {
      throw .usage("--runs \(runs): expected 4 to 1000")
    }
    campaign.library = try CalibrationSet.library(from: campaign.library, slowdownPermille: slowdown)
    campaign.request = request(options, of: campaign)
    return campaign
  }

  /// Rounds of every workload: the shortest windows, as many as all runs have boots.
  private static func request(_ options: CalibrationOptions, of campaign: CampaignOptions) -> RunRequest {
    var request = RunRequest()
    request.seed = campaign.request.seed
    let isNew = campaign.resume == nil
    if isNew || options.runs != nil { request.repetitions = (options.runs ?? defaultRuns) * repetitions }
    guard isNew else { return request }
    request.workloads = campaign.library.suites.flatMap(\.workloads).map(\.id)
    request.quick = true
    request.order = .interleaved
    request.runners = [.builtin]
    return request
  }

  /// Measures what is missing; `publish` writes the run's reports.
  public func run(progress: any ProgressSink, publish: Campaign.Publisher) async -> CampaignResult {
    await campaign.run(progress: progress, publish: publish)
  }

  /// One line where boots were left out because they are not ok; nil where all are.
  public static func remark(on run: RunRecord) -> String? {
    let boots = run.cells.flatMap(\.repetitions).filter { $0.status != .skipped }
    let missing = boots.count { $0.status != .ok }
    return missing == 0
      ? nil : "left out: \(missing) of \(boots.count) boots, which are failed or invalid (see the report)"
  }

  /// What the finished run says of the gate.
  ///
  /// - Throws: `CampaignError.failure` where a cell has too few boots that are ok, or none can run here.
  public func evaluate(_ run: RunRecord) throws(CampaignError) -> CalibrationRecord {
    let plan = campaign.plan
    let planned = plan.request.repetitions ?? 0
    let design = CalibrationTrials.Design(
      runs: planned / Self.repetitions, repetitions: Self.repetitions, comparisons: Self.comparisons, seed: plan.seed)
    let measured = run.cells.filter { cell in cell.repetitions.contains { $0.status != .skipped } }
    guard !measured.isEmpty else { throw .failure("no workload of a calibration can run on this host") }
    for cell in measured {
      let ok = cell.repetitions.count { $0.status == .ok }
      guard Double(ok) >= Self.leastShare * Double(planned) else {
        let reason = cell.repetitions.first { $0.status != .ok }?.reason.map { ": \($0)" } ?? ""
        throw .failure("\(ok) of \(planned) boots of \(cell.workload) are ok, too few to calibrate with\(reason)")
      }
    }
    let slowed = CalibrationSet.slowdownPermille(of: plan).flatMap { permille in
      run.cells.first { $0.workload == CalibrationSet.slowed.workload }.map { original in
        CalibrationTrials.Slowed(
          original: original.key, workload: CalibrationSet.slowedCopy, slowdown: Double(permille) / 1000)
      }
    }
    return CalibrationTrials(run, design: design, slowed: slowed).record
  }
}
