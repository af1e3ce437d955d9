import Measurement
import Statistics

/// Descriptors of the metrics of a run, in the order in which reports show them.
struct MetricTable {
  private let rows: [String: (rank: Int, metric: Metric)]

  /// The run's own descriptors first; an old or partial run may lack some that the catalog has.
  init(_ run: RunRecord) {
    var rows: [String: (rank: Int, metric: Metric)] = [:]
    for metric in run.metrics + MetricCatalog.all where rows[metric.id] == nil {
      rows[metric.id] = (rows.count, metric)
    }
    self.rows = rows
  }

  subscript(_ id: String) -> Metric? { rows[id]?.metric }

  /// These ids in display order; unknown ones last, by name.
  func ordered(_ ids: some Sequence<String>) -> [String] {
    ids.sorted { (rows[$0]?.rank ?? .max, $0) < (rows[$1]?.rank ?? .max, $1) }
  }
}

/// What the repetitions of one cell say together. Only repetitions that are `ok` enter; what failed is named, not counted.
struct CellSummary {
  let cell: CellRecord
  private let ok: [RepetitionRecord]

  init(_ cell: CellRecord) {
    self.cell = cell
    ok = cell.repetitions.filter { $0.status == .ok }
  }

  /// True where no repetition measured anything.
  var isEmpty: Bool { ok.isEmpty }

  /// Boots that measured.
  var count: Int { ok.count }

  /// Every metric that at least one repetition has.
  var metrics: Set<String> { Set(ok.flatMap(\.metrics.keys)) }

  /// n, median and exact binomial 95 % interval over boots.
  func side(_ metric: String) -> SideRecord {
    OrderStatistics.side(values(metric))
  }

  /// One value per boot, in the order of repetitions.
  func values(_ metric: String) -> [Double] { ok.compactMap { $0.metrics[metric] } }

  /// Why `metric` is missing in some repetitions, from their notes (`latency.p99: insufficient samples (14 < 368)`).
  func note(on metric: String) -> String? {
    for note in ok.flatMap(\.notes) where note.hasPrefix(metric + ": ") {
      return String(note.dropFirst(metric.count + 2))
    }
    return nil
  }

  /// Operations in all measured windows together; nil where the workload does not count any.
  var operations: Double? {
    let sum = values("window.ops").reduce(0, +)
    return sum > 0 ? sum : nil
  }

  /// Sums over repetitions by exit detail; exits without one stand under their bare reason.
  var exitsByDetail: [String: ExitTally] {
    var sums: [String: ExitTally] = [:]
    func add(_ tally: ExitTally, _ key: String) {
      var sum = sums[key] ?? ExitTally()
      sum.exits = sum.exits.addingClamped(tally.exits)
      sum.elements = sum.elements.addingClamped(tally.elements)
      sum.bytes = sum.bytes.addingClamped(tally.bytes)
      sum.seconds += tally.seconds
      sums[key] = sum
    }
    for exits in ok.map(\.exits) {
      for (key, tally) in exits.byDetail { add(tally, key) }
      for (reason, rest) in ExitName.remainders(exits) where rest > 0 {
        let isWhole = rest == exits.byReason[reason]
        add(ExitTally(exits: rest, seconds: isWhole ? exits.latency[reason]?.sum ?? 0 : 0), reason)
      }
    }
    return sums
  }

  /// Sums over repetitions by exit reason.
  var exitsByReason: [String: UInt64] {
    ok.reduce(into: [:]) { sums, repetition in
      for (reason, count) in repetition.exits.byReason { sums[reason] = (sums[reason] ?? 0).addingClamped(count) }
    }
  }

  /// The histograms of all repetitions merged; nil where there is none, or one cannot be read.
  func merged(_ name: String) -> Histogram? {
    var all = Histogram()
    for text in ok.compactMap({ $0.histograms[name] }) {
      guard let one = try? Histogram(encoded: text), all.merge(one) else { return nil }
    }
    return all.count > 0 ? all : nil
  }
}

extension UInt64 {
  /// The sum, or the largest number where it does not fit: a stored run may hold any count, and must not stop a report.
  func addingClamped(_ other: UInt64) -> UInt64 {
    let (sum, overflow) = addingReportingOverflow(other)
    return overflow ? .max : sum
  }
}
