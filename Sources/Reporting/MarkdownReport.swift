import Measurement

/// `report.md`: the verdict, the ratios and what is missing, for a pull request or an issue. The numbers are those of
/// `report.html`, with as many digits; details are folded.
public enum MarkdownReport {
  /// The file's bytes.
  ///
  /// - Throws: `ReportError` where templates are missing or broken.
  public static func render(_ run: RunRecord, options: ReportOptions = ReportOptions()) throws(ReportError) -> [UInt8] {
    let templates = try Templates(for: "markdown", options: options)
    return Array(try templates.render(MarkdownModel(run), escape: MarkdownText.escaped).utf8)
  }
}

/// What the document says. Property names are the names that templates use.
struct MarkdownModel: Sendable {
  let runID: String
  let statusWarning: String?
  let headlines: [Headline]
  let facts: [Fact]
  let warnings: [String]
  let hasPairs: Bool
  let pairs: [Pair]
  let hasSingles: Bool
  let singles: [Single]
  let hasMissing: Bool
  let missing: [MissingRow]
  let missingText: String
  let gate: String
  let version: String
  let command: Markup

  /// One comparison of a workload's primary metric between two modes.
  struct Pair: Sendable {
    let title: String
    let modes: String
    let metric: String
    let a: WorkloadSection.CellView?
    let b: WorkloadSection.CellView?
    let pair: PairView
  }

  /// The primary metric of a cell that no comparison shows.
  struct Single: Sendable {
    let title: String
    let mode: String
    let metric: String
    let cell: WorkloadSection.CellView
  }

  init(_ run: RunRecord) {
    let cells = run.cells.map(CellSummary.init)
    let metrics = MetricTable(run)
    runID = run.id
    statusWarning = run.statusWarning
    headlines = Headline.all(run, cells: cells)
    facts = HostFacts.short(run.host)
    warnings = run.host.warnings

    var views: [CellKey: WorkloadSection.CellView] = [:]
    for summary in cells {
      let id = summary.cell.primary
      views[summary.cell.key] = WorkloadSection.CellView(summary, id: id, unit: Formatting.unit(of: metrics[id]))
    }
    var compared: Set<CellKey> = []
    pairs = run.primaryComparisons.compactMap { comparison in
      guard let modes = ModeName.pair(comparison.mode) else { return nil }
      func key(_ mode: String) -> CellKey {
        CellKey(suite: comparison.suite, workload: comparison.workload, mode: mode)
      }
      compared.formUnion([key(modes.a), key(modes.b)])
      return Pair(
        title: WorkloadName(comparison.workload).shortTitle, modes: "\(modes.b) over \(modes.a)",
        metric: metrics[comparison.metric]?.label ?? comparison.metric, a: views[key(modes.a)], b: views[key(modes.b)],
        pair: PairView(comparison))
    }
    hasPairs = !pairs.isEmpty
    singles = cells.filter { !compared.contains($0.cell.key) }.compactMap { summary in
      views[summary.cell.key].map { view in
        Single(
          title: WorkloadName(summary.cell.workload).shortTitle, mode: summary.cell.mode,
          metric: metrics[summary.cell.primary]?.label ?? summary.cell.primary, cell: view)
      }
    }
    hasSingles = !singles.isEmpty
    missing = cells.flatMap(MissingRow.all)
    hasMissing = !missing.isEmpty
    let lost = missing.reduce(0) { $0 + $1.count }
    missingText = lost == 1 ? "1 repetition that enters no figure" : "\(lost) repetitions that enter no figure"
    gate = Methods.gate(run)
    version = run.version
    command = MarkdownText.block(ReportViewModel.shellLine(run.command))
  }
}
