import Measurement

/// A cell with its latencies.
struct MeasuredCell {
  let summary: CellSummary
  let distribution: Distribution?

  init(_ summary: CellSummary) {
    self.summary = summary
    distribution = Distribution(summary)
  }

  var workload: String { summary.cell.workload }
  var mode: String { summary.cell.mode }
  var title: String { WorkloadName(workload).shortTitle }
  /// Over boots, seconds.
  var median: Double? { distribution?.median.median }
  /// True for the rows that measure nothing: they stand beside the others, and are subtracted from none.
  var isEmptyLoop: Bool { Self.isEmptyLoop(workload) }

  /// See `isEmptyLoop`.
  static func isEmptyLoop(_ workload: String) -> Bool { workload.hasPrefix("exits.empty") }

  /// `pmtimer, full`; the mode alone where all modes measure the same.
  func label(_ kind: DistributionKind) -> String {
    [kind.choice.flatMap { summary.cell.choices[$0] }, mode].compactMap { $0 }.joined(separator: ", ")
  }

  /// Its line in the picture; nil without a median.
  func line(_ kind: DistributionKind, series: Int) -> DotPlot.Line? {
    guard let distribution, let median else { return nil }
    return DotPlot.Line(
      label: label(kind), series: series, p50: median, p99: distribution.p99.seconds, p999: distribution.p999.seconds)
  }
}

/// A cell's latencies in a table, in the table's unit.
struct DistributionCell: Sendable {
  /// Why there are none; nil where there are.
  let missing: String?
  let minimum: String
  let median: String
  let interval: String?
  /// The median in ticks of the time stamp counter, where the run knows its frequency.
  let cycles: String?
  /// p99 and p99.9.
  let tails: [Tail]

  struct Tail: Sendable {
    let value: String
    /// `insufficient samples (600 < 3688)`.
    let note: String?
  }

  /// Nil for a mode that the workload was not measured in.
  init(_ measured: MeasuredCell?, kind: DistributionKind, hertz: Double?) {
    func number(_ seconds: Double) -> String { Formatting.number(seconds / kind.unitSeconds) }
    let one = measured?.distribution
    missing = one == nil ? measured.map { Self.reason($0.summary) } ?? Formatting.dash : nil
    minimum = one?.minimum.map(number) ?? Formatting.dash
    median = one?.median.median.map(number) ?? Formatting.dash
    if let low = one?.median.low, let high = one?.median.high {
      interval = "[\(number(low))–\(number(high))]"
    } else {
      interval = nil
    }
    cycles = measured?.median.flatMap { median in hertz.map { "\(Formatting.number(median * $0)) cycles" } }
    tails = [one?.p99, one?.p999].map { tail in
      switch tail {
      case .seconds(let value)?: Tail(value: number(value), note: nil)
      case .insufficient(let samples, let needed)?:
        Tail(
          value: Formatting.dash,
          note: "insufficient samples (\(Formatting.count(samples)) < \(Formatting.count(UInt64(needed))))")
      case nil: Tail(value: Formatting.dash, note: nil)
      }
    }
  }

  private static func reason(_ summary: CellSummary) -> String {
    MissingRow.all(summary).first.map { "\($0.status): \($0.reason)" } ?? "no latencies"
  }
}
