import Measurement

/// One workload, its modes side by side.
struct WorkloadSection: Sendable {
  let anchor: String
  let suite: String
  let title: String
  let modes: [ModeHead]
  let pairs: [String]
  let rows: [MetricRow]
  let bars: ExitBars?

  struct ModeHead: Sendable {
    let name: String
    let choices: String
    /// `6 boots`, or `skipped: …` where nothing was measured.
    let state: String
    let isMissing: Bool
  }

  struct MetricRow: Sendable {
    let id: String
    let label: String
    let isPrimary: Bool
    let cells: [CellView]
    let pairs: [PairCell]
  }

  struct CellView: Sendable {
    /// Stands beside the value where a narrow screen has no room for columns.
    let mode: String
    let value: String?
    /// The median as the number that it is.
    let exact: String
    let interval: String?
    /// `n = 4`, `insufficient samples (14 < 368)`, `skipped`.
    let note: String?
    /// The percentile of the merged histograms.
    let pooled: String?
  }

  struct PairCell: Sendable {
    let modes: String
    let pair: PairView?
  }

  /// A section per workload, in the order of the plan.
  static func all(_ run: RunRecord, cells: [CellSummary]) -> [WorkloadSection] {
    var order: [String] = []
    for cell in run.cells where !order.contains(cell.workload) { order.append(cell.workload) }
    return order.map { workload in
      WorkloadSection(
        workload, run: run, cells: cells.filter { $0.cell.workload == workload }, metrics: MetricTable(run))
    }
  }

  private init(_ workload: String, run: RunRecord, cells: [CellSummary], metrics: MetricTable) {
    anchor = workload
    suite = cells.first?.cell.suite ?? ""
    title = WorkloadName(workload).title
    modes = cells.map(Self.head)
    let comparisons = run.comparisons.filter { $0.workload == workload && ModeName.pair($0.mode) != nil }
    var pairModes: [String] = []
    for comparison in comparisons where !pairModes.contains(comparison.mode) { pairModes.append(comparison.mode) }
    let pairs = pairModes.map { mode in ModeName.pair(mode).map { "\($0.b) over \($0.a)" } ?? mode }
    self.pairs = pairs

    let merged = cells.map { $0.merged("latency") }
    let primary = cells.first?.cell.primary ?? ""
    rows = Self.shownMetrics(cells, primary: primary, metrics: metrics).map { id in
      let metric = metrics[id]
      return MetricRow(
        id: id, label: metric?.label ?? id, isPrimary: id == primary,
        cells: zip(cells, merged).map { CellView($0, id: id, unit: Formatting.unit(of: metric), merged: $1) },
        pairs: zip(pairs, pairModes).map { words, mode in
          PairCell(modes: words, pair: comparisons.first { $0.mode == mode && $0.metric == id }.map(PairView.init))
        })
    }
    bars = ExitBars(cells)
  }

  private static func head(_ summary: CellSummary) -> ModeHead {
    let cell = summary.cell
    let missing = MissingRow.all(summary)
    let choices = cell.choices.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: " · ")
    if summary.isEmpty {
      let why = missing.first.map { "\($0.status): \($0.reason)" } ?? "not run"
      return ModeHead(name: cell.mode, choices: choices, state: why, isMissing: true)
    }
    let lost = missing.map { "\($0.count) \($0.status)" }.joined(separator: ", ")
    let boots = summary.count == 1 ? "1 boot" : "\(summary.count) boots"
    return ModeHead(
      name: cell.mode, choices: choices, state: lost.isEmpty ? boots : "\(boots), \(lost)", isMissing: false)
  }

  /// Metrics that describe the window, the boot or the accounting have their own tables.
  private static let elsewhere = ["window.", "boot.", "memory.", "exits.loop_total", "exits.kernel_total"]

  private static func shownMetrics(_ cells: [CellSummary], primary: String, metrics: MetricTable) -> [String] {
    var ids = Set(cells.flatMap(\.metrics))
    for note in cells.flatMap({ $0.cell.repetitions }).flatMap(\.notes) {
      // A percentile that no boot could support still has its row, which says so.
      let id = String(note.prefix { $0 != ":" })
      if metrics[id] != nil { ids.insert(id) }
    }
    ids = ids.filter { id in !elsewhere.contains { id.hasPrefix($0) } }
    ids.insert(primary)
    return [primary] + metrics.ordered(ids).filter { $0 != primary }
  }
}

extension WorkloadSection.CellView {
  /// A metric of a cell: median and interval over boots, and what is to be said about it. `merged` holds the latencies of
  /// all boots.
  init(_ summary: CellSummary, id: String, unit: String, merged: Histogram? = nil) {
    let side = summary.side(id)
    mode = summary.cell.mode
    exact = CSV.number(side.median)
    guard let median = side.median else {
      value = nil
      interval = nil
      note =
        summary.isEmpty ? MissingRow.all(summary).first?.status ?? "not run" : summary.note(on: id) ?? "not measured"
      pooled = Self.pooled(merged, id: id)
      return
    }
    value = Formatting.quantity(median, unit: unit)
    if let low = side.low, let high = side.high {
      interval = Formatting.interval(low, high, around: median, unit: unit)
      note = side.n == summary.count ? nil : "n = \(side.n)"
    } else {
      interval = nil
      note = "no finite 95 % interval at n = \(side.n)"
    }
    pooled = Self.pooled(merged, id: id)
  }

  /// `latency.p99.9` of all boots together, where the merged histogram has samples enough for it.
  private static func pooled(_ histogram: Histogram?, id: String) -> String? {
    let prefix = "latency.p"
    guard id.hasPrefix(prefix), let percent = Double(id.dropFirst(prefix.count)), percent > 0, percent < 100,
      let histogram,
      histogram.count >= UInt64(Histogram.samplesNeeded(forQuantile: percent / 100)),
      let value = histogram.percentile(percent / 100)
    else { return nil }
    return
      "pooled \(Formatting.quantity(Double(value) * 1e-9, unit: "s")) of \(Formatting.count(histogram.count)) samples"
  }
}

/// Repetitions of a cell that did not measure, by status and reason.
struct MissingRow: Sendable {
  let workload: String
  let mode: String
  let status: String
  let reason: String
  let count: Int
  let of: Int

  /// Skipped, failed and invalid repetitions; those of one cause are one row.
  static func all(_ summary: CellSummary) -> [MissingRow] {
    MissingRepetitions.groups(of: summary.cell.repetitions).map { missing in
      MissingRow(
        workload: summary.cell.workload, mode: summary.cell.mode, status: missing.status.rawValue,
        reason: missing.reason, count: missing.count, of: summary.cell.repetitions.count)
    }
  }
}
