import Measurement

/// What the instruments cost on the host that measured.
struct LookingSection: Sendable {
  /// One workload with and without one instrument.
  struct Row: Sendable {
    let workload: String
    let instrument: String
    let share: String
    let exit: String
    let isAbove: Bool
    let isUndecided: Bool
  }
  let measured: String
  let limit: String
  let rows: [Row]

  /// Nil where nobody has measured it.
  init?(_ run: RunRecord) {
    guard let looking = run.looking else { return nil }
    measured = "\(looking.measured), version \(looking.version)"
    let nanoseconds = Formatting.quantity(LookingRecord.limitSeconds, unit: "s")
    limit = "\(nanoseconds) a userspace exit, or \(Self.percent(LookingRecord.limitShare)) of the metric"
    rows = looking.rows.map { row in
      Row(
        workload: "\(row.workload) \(row.mode)", instrument: Self.name(row.instrument),
        share: Self.interval(row.ratio - 1, row.ratioLow.map { $0 - 1 }, row.ratioHigh.map { $0 - 1 }, Self.percent),
        exit: row.exitSeconds.map {
          Self.interval($0, row.exitSecondsLow, row.exitSecondsHigh) { Formatting.quantity($0, unit: "s") }
        } ?? "no exits",
        isAbove: row.verdict == .above, isUndecided: row.verdict == .undecided)
    }
  }

  private static func name(_ instrument: String) -> String {
    switch instrument {
    case "all": "all together"
    case "stamps": "times of exits"
    case "histograms": "their distributions"
    case "statistics": "KVM's counters"
    case "counter": "the kernel's count of exits"
    default: instrument
    }
  }

  private static func interval(_ value: Double, _ low: Double?, _ high: Double?, _ text: (Double) -> String) -> String {
    guard let low, let high else { return text(value) }
    return "\(text(value)) [\(text(low)) to \(text(high))]"
  }

  /// To the hundredth of a percent.
  private static func percent(_ share: Double) -> String { "\((share * 10_000).rounded() / 100) %" }
}
