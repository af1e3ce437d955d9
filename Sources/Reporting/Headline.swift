import Measurement

/// One family's result as a sentence around its ratio.
struct Headline: Sendable {
  let before: String
  let ratio: RatioView?
  let after: String
  let evidence: String
  let verdict: VerdictView
  let anchor: String

  /// One headline per workload family, for the family's first workload that can be compared: with `paravirt` before any
  /// other mode.
  static func all(_ run: RunRecord, cells: [CellSummary]) -> [Headline] {
    let comparisons = run.primaryComparisons.filter {
      // Doing nothing is no workload.
      !MeasuredCell.isEmptyLoop($0.workload) && (ModeName.pair($0.mode)?.b == "paravirt" || $0.ratio != nil)
    }
    var families: [String] = []
    var chosen: [String: ComparisonRecord] = [:]
    func rank(_ comparison: ComparisonRecord) -> Int {
      comparison.ratio == nil ? 0 : ModeName.pair(comparison.mode)?.b == "paravirt" ? 2 : 1
    }
    for comparison in comparisons {
      let family = WorkloadName(comparison.workload).family
      if chosen[family] == nil { families.append(family) }
      if rank(comparison) > chosen[family].map(rank) ?? -1 { chosen[family] = comparison }
    }
    let all = families.compactMap { chosen[$0] }
    return Self.few(all).compactMap { Headline($0, cells: cells) }
  }

  /// More sentences than these nobody reads.
  private static let most = 8
  /// Suites by how many users they concern.
  private static let suites = ["disk", "network", "memory", "cpu", "exits", "platform"]

  /// All of them; where they are too many, as many of each suite's called changes as there is room for, or else the first that
  /// has a ratio.
  private static func few(_ comparisons: [ComparisonRecord]) -> [ComparisonRecord] {
    guard comparisons.count > most else { return comparisons }
    func rank(_ suite: String) -> Int { suites.firstIndex(of: suite) ?? suites.count }
    let present = comparisons.map(\.suite).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }
    return present.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.flatMap {
      _, suite in
      let own = comparisons.filter { $0.suite == suite }
      let called = own.filter { [.improved, .regressed].contains($0.verdict) }
      return called.isEmpty
        ? [own.first { $0.ratio != nil } ?? own[0]] : Array(called.prefix(max(1, most / present.count)))
    }
  }

  private init?(_ comparison: ComparisonRecord, cells: [CellSummary]) {
    guard let pair = ModeName.pair(comparison.mode) else { return nil }
    let name = WorkloadName(comparison.workload)
    let a = ModeName.words(pair.a, suite: comparison.suite)
    let b = ModeName.words(pair.b, suite: comparison.suite)
    // Of time one takes more or less; of everything else one does or has it.
    let isTime = comparison.metric == "latency.p50"
    let measure =
      comparison.metric == "throughput.ops"
      ? "\(name.subject) per second"
      : "\((MetricCatalog.metric(comparison.metric)?.label ?? comparison.metric).lowercased()) of \(name.subject)"

    ratio = RatioView(comparison)
    verdict = VerdictView(comparison)
    evidence = ([name.circumstances].filter { !$0.isEmpty } + [PairView.evidence(comparison)]).joined(separator: " · ")
    anchor = comparison.workload
    switch comparison.verdict {
    case _ where ratio == nil:
      before = "\(name.title): \(a) and \(b) cannot be compared here"
      after = comparison.reason.map { ": \($0)." } ?? "."
    case .noChangeFound:
      before = "On this host no difference between \(b) and \(a) was found in \(measure): ratio"
      after = "."
    case _ where isTime:
      before = "On this host \(b) takes"
      after = "the time of \(a) for \(name.subject)\(Self.exits(comparison, pair, cells))."
    case .inconclusive, .notComparable:
      before = "On this host \(b) measured"
      after = "the \(measure) of \(a)\(Self.exits(comparison, pair, cells))."
    case .improved, .regressed:
      before = "On this host \(b) does"
      after = "the \(measure) of \(a)\(Self.exits(comparison, pair, cells))."
    }
  }

  /// `, with 0.02 instead of 266 userspace exits per operation`, where both modes counted them and either had one.
  private static func exits(
    _ comparison: ComparisonRecord, _ pair: (a: String, b: String), _ cells: [CellSummary]
  ) -> String {
    func median(_ mode: String) -> Double? {
      cells.first { $0.cell.workload == comparison.workload && $0.cell.mode == mode }?.side("exits.per_op").median
    }
    guard let before = median(pair.a), let after = median(pair.b), before > 0 || after > 0 else { return "" }
    return ", with \(Formatting.number(after)) instead of \(Formatting.number(before)) userspace exits per operation"
  }
}
