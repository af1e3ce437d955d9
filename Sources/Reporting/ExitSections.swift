import Measurement

/// Exits per operation of one workload's modes as stacked bars on one scale, with the table of the same numbers.
struct ExitBars: Sendable {
  let svg: Markup
  let modes: [String]
  let rows: [Row]
  /// `operation`, or `boot` for workloads that count no operations.
  let per: String

  struct Row: Sendable {
    let style: String
    let reason: String
    let cells: [Cell]
  }

  struct Cell: Sendable {
    let exits: String
    let handler: String
  }

  /// Nil where no mode counted exits: what runs natively has none to count, and none is not zero.
  init?(_ cells: [CellSummary]) {
    let measured = cells.filter { !$0.exitsByReason.isEmpty || $0.metrics.contains("exits.per_op") }
    guard !measured.isEmpty else { return nil }
    let countsOperations = measured.allSatisfy { $0.operations != nil }
    per = countsOperations ? "operation" : "boot"
    func divisor(_ cell: CellSummary) -> Double { countsOperations ? cell.operations ?? 1 : Double(cell.count) }

    let rates = measured.map { cell in cell.exitsByReason.mapValues { Double($0) / divisor(cell) } }
    let totals = rates.reduce(into: [String: Double]()) { sums, rate in sums.merge(rate, uniquingKeysWith: +) }
    let reasons = totals.filter { $0.value > 0 }.keys.sorted { (-(totals[$0] ?? 0), $0) < (-(totals[$1] ?? 0), $1) }
    modes = measured.map(\.cell.mode)
    rows = reasons.map { reason in
      Row(
        style: Self.style(of: reason), reason: reason,
        cells: zip(measured, rates).map { cell, rate in
          Cell(
            exits: Formatting.number(rate[reason] ?? 0),
            handler: cell.meanHandlerSeconds(reason).map { Formatting.quantity($0, unit: "s") } ?? Formatting.dash)
        })
    }
    svg = Self.plot(modes: modes, rates: rates, reasons: reasons, per: per)
  }

  /// A reason has one colour in the whole report; rare reasons share the last.
  static func style(of reason: String) -> String {
    switch reason {
    case "io": "reason-io"
    case "mmio": "reason-mmio"
    case "hlt": "reason-hlt"
    case "irq_window_open", "intr": "reason-interrupt"
    default: "reason-other"
    }
  }

  private static func plot(modes: [String], rates: [[String: Double]], reasons: [String], per: String) -> Markup {
    // In the order of reasons: the order of a dictionary, and so the rounding of its sum, differs from run to run.
    let sums = rates.map { rate in reasons.reduce(0) { $0 + (rate[$1] ?? 0) } }
    let largest = max(sums.max() ?? 0, .leastNormalMagnitude)
    let description = zip(modes, sums).map { "\($0): \(Formatting.number($1)) exits per \(per)" }.joined(
      separator: "; ")
    var svg = SVG(
      height: Double(modes.count) * 44, title: "Exits per \(per) by reason", description: description)
    for (index, mode) in modes.enumerated() {
      let top = Double(index) * 44
      svg.text(mode, x: 0, y: top + 14, style: "label")
      svg.text("\(Formatting.number(sums[index])) exits per \(per)", x: 100, y: top + 14, style: "value")
      svg.line(x1: 0, x2: 100, y1: top + 29, y2: top + 29, style: "track")
      var x = 0.0
      for reason in reasons {
        let rate = rates[index][reason] ?? 0
        guard rate > 0 else { continue }
        let width = 100 * rate / largest
        svg.rectangle(
          x: x, width: width, y: top + 22, height: 14, style: style(of: reason),
          tooltip: "\(mode), \(reason): \(Formatting.number(rate)) per \(per)")
        x += width
      }
    }
    return svg.markup
  }
}

extension CellSummary {
  /// Mean time in the handler of one exit of this reason, in seconds, over all boots; nil where it was not timed.
  func meanHandlerSeconds(_ reason: String) -> Double? {
    let timed = cell.repetitions.filter { $0.status == .ok }.compactMap { $0.exits.latency[reason] }
    let count = timed.reduce(0.0) { $0 + Double($1.count) }
    return count > 0 ? timed.reduce(0) { $0 + $1.sum } / count : nil
  }
}

/// Exits of one cell by port, register or MSR.
struct ExitGroup: Sendable {
  let title: String
  let workload: String
  let mode: String
  let per: String
  let rows: [Row]
  let others: String?

  struct Row: Sendable {
    let reason: String
    let detail: String
    let place: String?
    let exits: String
    let elements: String
    let bytes: String
    let seconds: String
  }

  private static let longest = 10

  /// A group per cell that saw exits.
  static func all(_ cells: [CellSummary]) -> [ExitGroup] { cells.compactMap(ExitGroup.init) }

  private init?(_ summary: CellSummary) {
    let all = summary.exitsByDetail.filter { $0.value.exits > 0 }.sorted {
      ($0.value.exits, $1.key) > ($1.value.exits, $0.key)
    }
    guard !all.isEmpty else { return nil }
    let divisor = summary.operations ?? Double(summary.count)
    title = WorkloadName(summary.cell.workload).shortTitle
    workload = summary.cell.workload
    mode = summary.cell.mode
    per = summary.operations == nil ? "boot" : "operation"
    rows = all.prefix(Self.longest).map { key, tally in
      let (reason, detail) = ExitName.split(key)
      return Row(
        reason: reason, detail: detail, place: ExitPlace.words(reason: reason, detail: detail),
        exits: Formatting.number(Double(tally.exits) / divisor),
        // An exit without a place (a halt) moves nothing: there is nothing to count.
        elements: detail.isEmpty ? Formatting.dash : Formatting.number(Double(tally.elements) / divisor),
        bytes: detail.isEmpty ? Formatting.dash : Formatting.number(Double(tally.bytes) / divisor),
        seconds: Formatting.quantity(tally.seconds / divisor, unit: "s"))
    }
    let rest = all.dropFirst(Self.longest)
    let restExits = rest.reduce(0.0) { $0 + Double($1.value.exits) } / divisor
    others =
      rest.isEmpty
      ? nil : "\(rest.count) more places: \(Formatting.number(restExits)) exits per \(per), all in exits.csv"
  }
}

/// Exits seen by the runner's loop beside those that the kernel counted for the same threads.
struct AccountingRow: Sendable {
  let workload: String
  let mode: String
  let loop: String
  let kernel: String
  let difference: String
  let closes: Bool

  /// Nil where the loop's total was not recorded.
  init?(_ summary: CellSummary) {
    let loops = summary.values("exits.loop_total")
    guard !loops.isEmpty else { return nil }
    workload = summary.cell.workload
    mode = summary.cell.mode
    let total = loops.reduce(0, +)
    loop = Formatting.number(total)
    let kernels = summary.values("exits.kernel_total")
    guard kernels.count == loops.count else {
      kernel = "not counted"
      difference = Formatting.dash
      closes = true
      return
    }
    kernel = Formatting.number(kernels.reduce(0, +))
    let largest = zip(loops, kernels).map { abs($0 - $1) }.max() ?? 0
    difference = Formatting.number(largest)
    // Methodology, section 3: max(1 exit, 0.1 %), per repetition.
    closes = zip(loops, kernels).allSatisfy { abs($0 - $1) <= max(1, 0.001 * $1) }
  }
}
