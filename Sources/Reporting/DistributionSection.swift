import Measurement

/// Latencies of what belongs together, cheapest first: a picture of medians and tails in every mode, and the table of the same
/// numbers. Ways out of the guest, reads of a clock, and timers have such a section.
struct DistributionSection: Sendable {
  let anchor: String
  let title: String
  let lede: String
  let svg: Markup?
  let series: [Series]
  /// `ns`.
  let unit: String
  /// The table's groups of columns; one without a name where each row is a mode of its own.
  let columns: [Column]
  let rows: [Row]
  /// Modes that ran only few of these workloads, and so have neither column nor line here.
  let others: String?
  /// What the measuring itself costs.
  let empty: String?
  let counts: [CountRow]
  let hasCounts: Bool

  /// How a mode is drawn.
  struct Series: Sendable {
    let name: String
    let key: Markup
  }

  struct Column: Sendable {
    let name: String?
  }

  /// A workload, or a workload in one mode.
  struct Row: Sendable {
    let title: String
    /// `pmtimer, full`; the workload's id where the row is about all modes and the title is not the id.
    let sub: String?
    let anchor: String
    let cells: [DistributionCell]
  }

  /// A count or drift of one cell.
  struct CountRow: Sendable {
    let title: String
    let mode: String
    let label: String
    let cell: WorkloadSection.CellView
  }

  /// The sections that this run has something for.
  static func all(_ run: RunRecord, cells: [CellSummary]) -> [DistributionSection] {
    DistributionKind.all.compactMap { kind in
      DistributionSection(kind, cells, run)
    }
  }

  /// Nil where no cell has latencies.
  private init?(_ kind: DistributionKind, _ summaries: [CellSummary], _ run: RunRecord) {
    let all = summaries.filter { $0.cell.workload.hasPrefix(kind.prefix) }.map(MeasuredCell.init)
    guard all.contains(where: { $0.distribution != nil }) else { return nil }
    let modes = Self.modes(all)
    let shown = kind.choice == nil ? modes.filter { Self.isCommon($0, in: all) } : modes
    let cells = all.filter { shown.contains($0.mode) }
    let workloads = Self.sorted(cells.filter { !$0.isEmptyLoop })

    anchor = kind.anchor
    title = kind.title
    lede = kind.lede
    unit = kind.unit
    series = shown.enumerated().map { index, mode in
      Series(name: mode, key: Symbol.of(series: index).key(style: "curve series-\(index % 5)"))
    }
    svg = DotPlot.markup(
      workloads.map { cells in
        DotPlot.Group(
          title: cells[0].title,
          lines: cells.compactMap { $0.line(kind, series: shown.firstIndex(of: $0.mode) ?? 0) })
      }, title: kind.title)
    if kind.choice == nil {
      columns = shown.map(Column.init)
      rows = workloads.map { cells in
        let workload = cells[0].workload
        return Row(
          title: cells[0].title, sub: cells[0].title == workload ? nil : workload, anchor: workload,
          cells: shown.map { mode in
            DistributionCell(cells.first { $0.mode == mode }, kind: kind, hertz: run.host.tscHertz)
          })
      }
    } else {
      columns = [Column(name: nil)]
      rows = workloads.flatMap { $0 }.map { cell in
        Row(
          title: cell.title, sub: cell.label(kind), anchor: cell.workload,
          cells: [DistributionCell(cell, kind: kind, hertz: run.host.tscHertz)])
      }
    }
    let rare = modes.filter { !shown.contains($0) }
    others = rare.isEmpty ? nil : rare.joined(separator: ", ")
    empty = Self.emptyLoops(cells)
    counts = Self.counts(kind, summaries, MetricTable(run))
    hasCounts = !counts.isEmpty
  }

  private static func modes(_ cells: [MeasuredCell]) -> [String] {
    cells.map(\.mode).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
  }

  /// A quick run has modes of other choices that no more than a row or two of a suite are run in, and not everything runs under
  /// every runner: as columns they would be mostly empty.
  private static func isCommon(_ mode: String, in cells: [MeasuredCell]) -> Bool {
    guard mode.contains("+") || mode.contains("@") else { return true }
    let counts = Dictionary(grouping: cells, by: \.mode).mapValues(\.count)
    return 2 * (counts[mode] ?? 0) >= counts.values.max() ?? 0
  }

  /// The cells of each workload, workloads by their cheapest median; those without one last, as planned.
  private static func sorted(_ cells: [MeasuredCell]) -> [[MeasuredCell]] {
    let order = cells.map(\.workload).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    let groups = order.map { workload in cells.filter { $0.workload == workload } }
    func cost(_ group: [MeasuredCell]) -> Double { group.compactMap(\.median).min() ?? .infinity }
    return groups.enumerated().sorted { (cost($0.element), $0.offset) < (cost($1.element), $1.offset) }.map(\.element)
  }

  /// `10.0 ns (full), 20.0 ns (paravirt)`, `10.0 ns in every mode`: the medians of the rows that measure nothing, or else what every loop finds of itself
  /// before it begins; nil where neither was recorded.
  private static func emptyLoops(_ cells: [MeasuredCell]) -> String? {
    let rows = cells.filter(\.isEmptyLoop).compactMap { cell in
      cell.median.map { (cost: $0, name: cell.mode + (cell.workload.hasSuffix(".ring0") ? ", ring 0" : "")) }
    }
    let loops = modes(cells).compactMap { mode in
      cells.filter { $0.mode == mode }.flatMap { $0.summary.values("window.loop_seconds") }.min().map {
        (cost: $0, name: mode)
      }
    }
    let costs = (rows.isEmpty ? loops : rows).map { (text: Formatting.quantity($0.cost, unit: "s"), name: $0.name) }
    guard let first = costs.first else { return nil }
    guard costs.count > 1, costs.allSatisfy({ $0.text == first.text }) else {
      return costs.map { "\($0.text) (\($0.name))" }.joined(separator: ", ")
    }
    return "\(first.text) in every mode"
  }

  private static func counts(_ kind: DistributionKind, _ cells: [CellSummary], _ table: MetricTable) -> [CountRow] {
    guard let counts = kind.counts else { return [] }
    return cells.filter { $0.cell.workload.hasPrefix(counts.workloads) }.flatMap { cell in
      table.ordered(cell.metrics.filter { $0.hasPrefix(counts.metrics) }).map { id in
        CountRow(
          title: WorkloadName(cell.cell.workload).shortTitle, mode: cell.cell.mode, label: table[id]?.label ?? id,
          cell: WorkloadSection.CellView(cell, id: id, unit: Formatting.unit(of: table[id])))
      }
    }
  }
}
