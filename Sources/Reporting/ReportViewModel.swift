import Measurement
import Statistics

/// Everything that the page says, computed before any template sees it. Property names are the names that templates use.
struct ReportViewModel: Sendable {
  let parts: PageParts
  let runID: String
  let version: String
  let seed: String
  let started: String
  let finished: String?
  let statusText: String
  /// Set where the run is not complete.
  let statusWarning: String?
  let lead: Headline?
  let headlines: [Headline]
  let hasMore: Bool
  let facts: [Fact]
  let warningsText: String
  let hasWarnings: Bool
  let gate: String
  let forest: ForestSection?
  let causes: CausesSection?
  let runners: RunnersSection?
  let distributions: [DistributionSection]
  let curves: CurvesSection?
  let capacity: CapacitySection?
  let workloads: [WorkloadSection]
  let workloadGroups: [WorkloadGroup]
  /// True where long tables are folded away.
  let isLong: Bool
  /// `262 cells`.
  let cellCount: String
  let exitGroups: [ExitGroup]
  let accounting: [AccountingRow]
  let looking: LookingSection?
  let boots: [BootRow]
  let host: [Fact]
  let warnings: [String]
  let missing: [MissingRow]
  let hasMissing: Bool
  /// True where there are too many for a page.
  let hasManyMissing: Bool
  let remarks: [String]
  let hasRemarks: Bool
  let command: String
  let replay: String?
  let methods: [String]

  init(_ run: RunRecord, parts: PageParts) {
    self.parts = parts
    let cells = run.cells.map(CellSummary.init)
    runID = run.id
    version = run.version
    seed = "\(run.seed)"
    started = run.started
    finished = run.finished
    statusText = run.status.rawValue
    statusWarning = run.statusWarning

    let all = Headline.all(run, cells: cells)
    lead = all.first
    headlines = Array(all.dropFirst())
    hasMore = !headlines.isEmpty
    facts = HostFacts.short(run.host)
    warnings = run.host.warnings
    hasWarnings = !warnings.isEmpty
    let count = warnings.isEmpty ? "no warnings" : warnings.count == 1 ? "1 warning" : "\(warnings.count) warnings"
    warningsText = "\(count) about this host"
    gate = Methods.gate(run)

    forest = ForestSection(run)
    causes = CausesSection(run)
    runners = RunnersSection(run)
    distributions = DistributionSection.all(run, cells: cells)
    curves = CurvesSection(run)
    capacity = CapacitySection(run, cells: cells)
    workloads = WorkloadSection.all(run, cells: cells)
    workloadGroups = WorkloadGroup.all(run, workloads)
    isLong = run.isLong
    cellCount = "\(cells.count) cells"
    exitGroups = ExitGroup.all(cells)
    accounting = cells.compactMap(AccountingRow.init)
    looking = LookingSection(run)
    boots = cells.compactMap(BootRow.init)
    host = HostFacts.all(run.host)
    missing = cells.flatMap(MissingRow.all)
    hasMissing = !missing.isEmpty
    hasManyMissing = missing.count > Self.mostMissing
    remarks = Self.remarks(cells, metrics: MetricTable(run))
    hasRemarks = !remarks.isEmpty
    command = Self.shellLine(run.command)
    let namesSeed = run.command.contains { $0.hasPrefix("--seed") }
    replay = namesSeed ? nil : Self.shellLine(run.command + ["--seed", "\(run.seed)"])
    methods = Methods.sentences
  }

  private static let mostMissing = 16

  /// Notes that are about no metric (those stand in their metric's row), each once.
  private static func remarks(_ cells: [CellSummary], metrics: MetricTable) -> [String] {
    var seen: [String] = []
    for cell in cells {
      for note in cell.cell.repetitions.flatMap(\.notes) {
        let text = "\(cell.cell.workload), \(cell.cell.mode): \(note)"
        if metrics[String(note.prefix { $0 != ":" })] == nil, !seen.contains(text) { seen.append(text) }
      }
    }
    return seen
  }

  /// A command line that a POSIX shell splits into these arguments again.
  static func shellLine(_ arguments: [String]) -> String {
    arguments.map { argument in
      let isPlain =
        !argument.isEmpty
        && argument.utf8.allSatisfy { byte in
          (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
            || "-_./,=:+@%".utf8.contains(byte)
        }
      let parts = argument.split(separator: "'", omittingEmptySubsequences: false)
      return isPlain ? argument : "'" + parts.joined(separator: "'\\''") + "'"
    }.joined(separator: " ")
  }
}

extension RunRecord {
  /// What a reader must know first; nil for a complete run.
  var statusWarning: String? {
    switch status {
    case .complete: nil
    case .partial: "This run is partial: it was stopped before its plan was done. What is shown had finished by then."
    case .invalid: invalidity
    case .failed: "This run failed. What is shown had finished before."
    }
  }

  private var invalidity: String {
    let repetitions = cells.flatMap(\.repetitions)
    let invalid = repetitions.filter { $0.status == .invalid }
    let count = "\(invalid.count) of \(repetitions.count) repetitions"
    return "This run is invalid: \(count) say more of the host than of their guests. They enter no figure. "
      + "The first: \(invalid.first?.reason ?? "no reason given")."
  }
}

/// A name and what it is.
struct Fact: Sendable {
  let label: String
  let value: String
}

/// How the figures were made, in as few sentences as will do (docs/methodology.md has the rest).
enum Methods {
  /// What is known of the gate between two runs; the modes of one run have the same level and floors.
  static func gate(_ run: RunRecord) -> String {
    guard let calibration = run.calibration else {
      return "The gate is not calibrated on this host: its false-positive rate here is unknown."
    }
    let lines = CalibrationWords.lines(calibration)
    return "The gate that compares runs of this host was " + lines.joined(separator: "; ") + "."
  }

  static let sentences = [
    """
    One observation is one guest boot: medians and their exact binomial 95 % intervals are taken over boots, and \
    percentiles marked “pooled” come from the merged histograms of all boots, never from averaged percentiles.
    """,
    """
    A ratio is the Hodges–Lehmann estimate with the 95 % interval of the test that is named; a change is called only \
    where it is significant after Holm's correction over one primary metric per workload and larger than the metric's \
    floor, and every other metric is exploratory.
    """,
    """
    Queue-depth figures are closed loop: each request waits for a free place in the queue, so their latencies say \
    nothing about a constant arrival rate.
    """,
  ]
}
