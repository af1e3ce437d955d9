import MachineLauncher
import Measurement
import Statistics

/// Whether a suspect night is this build's doing: an interleaved run of the suspect cells under it and under another build
/// (`--runner builtin,previous`), so that whatever the host does tonight hits both.
public struct Confirmation: Sendable, Equatable {
  /// What it says of a suspect.
  public enum Answer: String, Sendable, Encodable {
    /// This build differs from the other one as last night differed from the night before.
    case confirmed
    /// The two builds do not differ, or the other way round.
    case refuted
    /// Nobody knows.
    case open
  }

  private let comparisons: [ComparisonRecord]

  /// What an ended run of `request(for:like:)` found.
  init(_ run: RunRecord) { comparisons = run.comparisons }

  /// What to run; nil where no suspect can be run under another build (`paravirt@bare` has none).
  static func request(
    for suspects: [NightFindings.Suspect], like night: RunRequest, library: SuiteLibrary
  ) throws(CampaignError) -> RunRequest? {
    let cells = suspects.map(\.series.cell).filter { ModeLabel.parts($0.mode).runner == nil }
    guard !cells.isEmpty else { return nil }
    var request = night
    (request.suites, request.variants, request.ablate) = ([], [], false)
    request.workloads = Set(cells.map(\.workload)).sorted()
    request.modes = Set(cells.map(\.mode)).sorted()
    request.runners = [.builtin, .previous]
    // As many boots as it takes to decide, however few the night was content with.
    request.repetitions = 1
    request.repetitions = Planner.enough(for: try Planner.plan(request, library: library).cells)
    return request
  }

  /// What it says of a suspect.
  public func answer(to suspect: NightFindings.Suspect) -> Answer {
    let (cell, metric) = (suspect.series.cell, suspect.series.metric.id)
    let pair = "\(ModeLabel.label(cell.mode, runner: GuestRunner.previous.rawValue)):\(cell.mode)"
    let found = comparisons.first { $0.workload == cell.workload && $0.mode == pair && $0.metric == metric }
    return switch found?.verdict {
    case .regressed: suspect.isImprovement ? .refuted : .confirmed
    case .improved: suspect.isImprovement ? .confirmed : .refuted
    case .noChangeFound: .refuted
    case .inconclusive, .notComparable, nil: .open
    }
  }
}
