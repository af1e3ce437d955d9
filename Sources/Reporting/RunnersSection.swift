import Measurement

/// The builtin runner against each other program that ran the same guests: what a user pays for start, memory, host CPU, and
/// gets in throughput and latency.
struct RunnersSection: Sendable {
  /// `Against QEMU`.
  let title: String
  let svg: Markup?
  let groups: [Group]
  /// True where two runners have something in common.
  let hasGroups: Bool
  /// What the figures of some runner are not.
  let notice: String?

  /// One workload in one mode.
  struct Group: Sendable {
    let title: String
    let anchor: String
    let mode: String
    let runner: String
    let rows: [Row]
  }

  /// One metric of both runners; the ratio is the builtin one's over the other's.
  struct Row: Sendable {
    let label: String
    let isPrimary: Bool
    let builtin: String
    let other: String
    let pair: PairView
  }

  /// Metrics that are shown beside the primary one, where both sides have them.
  static let metrics = [
    "latency.p50", "latency.p99", "host.cpu_seconds_per_op", "exits.per_op", "boot.first_byte",
    "memory.runner_overhead",
  ]

  /// Nil where the builtin runner ran everything.
  init?(_ run: RunRecord) {
    let runners = run.cells.compactMap(\.runner).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    guard !runners.isEmpty else { return nil }
    title = "Against " + runners.map(Self.name).joined(separator: " and ")
    let interpreters = runners.filter { !ModeLabel.measuresHardware($0) }
    notice =
      interpreters.isEmpty
      ? nil
      : "\(interpreters.joined(separator: ", ")): an interpreter ran these guests. That tests them; it is no measurement of hardware, "
        + "and is compared with nothing."
    let comparisons = run.runnerComparisons
    groups = Self.groups(run, comparisons)
    hasGroups = !groups.isEmpty
    let primaries = comparisons.filter { $0.metric == run.primary(of: $0.workload) }
    svg = ForestSection.plot(primaries.filter { $0.better == .higher }, namesPair: true)
  }

  private static func name(_ runner: String) -> String {
    switch runner {
    case "qemu": "QEMU"
    case "previous": "the previous build"
    case "bare": "the same code without a virtual machine"
    default: runner
    }
  }

  private static func groups(_ run: RunRecord, _ comparisons: [ComparisonRecord]) -> [Group] {
    var keys: [[String]] = []
    for comparison in comparisons where !keys.contains([comparison.workload, comparison.mode]) {
      keys.append([comparison.workload, comparison.mode])
    }
    let table = MetricTable(run)
    return keys.compactMap { key in
      let own = comparisons.filter { [$0.workload, $0.mode] == key }
      guard let pair = ModeName.pair(key[1]) else { return nil }
      let primary = run.primary(of: key[0])
      let shown = [primary] + metrics.filter { $0 != primary }
      return Group(
        title: WorkloadName(key[0]).shortTitle, anchor: key[0], mode: pair.b,
        runner: ModeLabel.parts(pair.a).runner ?? "",
        rows: shown.compactMap { id in own.first { $0.metric == id } }.map { comparison in
          Row(
            label: table[comparison.metric]?.label ?? comparison.metric, isPrimary: comparison.metric == primary,
            builtin: side(comparison.b, unit: comparison.unit), other: side(comparison.a, unit: comparison.unit),
            pair: PairView(comparison))
        })
    }
  }

  /// `1.24 k/s [1.20–1.30]`.
  private static func side(_ side: SideRecord, unit: String) -> String {
    guard let median = side.median else { return Formatting.dash }
    guard let low = side.low, let high = side.high else { return Formatting.quantity(median, unit: unit) }
    return
      "\(Formatting.quantity(median, unit: unit)) \(Formatting.interval(low, high, around: median, unit: unit))"
  }
}
