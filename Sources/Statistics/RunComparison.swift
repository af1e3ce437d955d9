import Foundation
import Measurement

/// Compares the modes within one run: full emulation against paravirtual, and each mode against its variants with other
/// choices (`full` against `full+disk=virtio-blk`); and the builtin runner with each other one that ran the same mode
/// (`paravirt@qemu` against `paravirt`). The modes of another runner are compared with each other only where the builtin one
/// did not run: then they are what the run is about.
///
/// Repetitions of a run are interleaved in blocks, so the test is the paired one: repetition i of one side against
/// repetition i of the other, where both are ok. Holm runs over the primary metric of every pair of cells, of modes and of
/// runners each for itself (two questions); all other metrics are exploratory and have no `pHolm`.
public enum RunComparison {
  /// One record for every pair of cells and metric that both sides have, in the order of `cells` and then of
  /// `MetricCatalog`, which must know the metric. A pair that cannot be compared has one record, of its primary metric,
  /// that says why. The sides hold the paired repetitions only; a is the first mode named. `floors` gives a workload's own
  /// version of a metric's row, where its floors differ from the catalog's.
  public static func modes(
    in cells: [CellRecord], alpha: Double = 0.05, seed: UInt64 = 1,
    floors: (_ workload: String, Metric) -> Metric = { $1 }
  ) -> [ComparisonRecord] {
    let candidates = pairs(in: cells).flatMap { MetricPair.all(of: $0.a, $0.b) }.map {
      $0.withMetric(floors($0.a.workload, $0.metric))
    }
    return [candidates.filter { !$0.comparesRunners }, candidates.filter(\.comparesRunners)].flatMap {
      family($0, alpha: alpha, seed: seed)
    }
  }

  /// The records of pairs whose primary metrics are corrected together.
  private static func family(_ candidates: [MetricPair], alpha: Double, seed: UInt64) -> [ComparisonRecord] {
    let primaries = candidates.indices.filter { candidates[$0].isPrimary && candidates[$0].obstacle == nil }
    let resampling = Resampling.enough(forTests: primaries.count, alpha: alpha, seed: seed)
    let tests = candidates.map { SignFlip.test($0.differences, resampling: resampling) }
    let corrected = Holm.adjusted(primaries.map { tests[$0]?.p ?? 1 })
    let holm = Dictionary(uniqueKeysWithValues: zip(primaries, corrected))
    return candidates.indices.map { index in
      let family = holm[index] == nil ? 1 : primaries.count
      let needed = SignFlip.pairsNeeded(forTests: family, alpha: alpha, resampling: resampling) ?? .max
      return candidates[index].record(
        p: tests[index]?.p, pHolm: holm[index], alpha: alpha, repetitionsNeeded: needed, resampling: resampling)
    }
  }

  /// Fewest repetitions with which every pair of modes and of runners among `cells`, all of them measured, can be told apart at
  /// `alpha`; nil where no number is enough.
  public static func repetitionsNeeded(for cells: [CellKey], alpha: Double = 0.05) -> Int? {
    let families = Dictionary(grouping: pairs(of: cells)) { ModeLabel.comparesRunners("\($0.a.mode):\($0.b.mode)") }
    let largest = families.values.map(\.count).max() ?? 0
    return SignFlip.pairsNeeded(
      forTests: largest, alpha: alpha, resampling: .enough(forTests: largest, alpha: alpha, seed: 1))
  }

  private static func pairs(in cells: [CellRecord]) -> [(a: CellRecord, b: CellRecord)] {
    let byKey = Dictionary(cells.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    return pairs(of: cells.map(\.key)).compactMap { pair in
      byKey[pair.a].flatMap { a in byKey[pair.b].map { (a, $0) } }
    }
  }

  private static func pairs(of cells: [CellKey]) -> [(a: CellKey, b: CellKey)] {
    let known = Set(cells)
    func sibling(of cell: CellKey, _ mode: String) -> CellKey? {
      let key = CellKey(suite: cell.suite, workload: cell.workload, mode: mode)
      return known.contains(key) ? key : nil
    }
    return cells.compactMap { cell in
      let (mode, runner) = ModeLabel.parts(cell.mode)
      if let runner, ModeLabel.measuresHardware(runner), let builtin = sibling(of: cell, mode) {
        return (cell, builtin)
      }
      let base = mode == "paravirt" ? "full" : String(mode.prefix { $0 != "+" })
      guard base != mode else { return nil }
      return sibling(of: cell, ModeLabel.label(base, runner: runner)).map { ($0, cell) }
    }
  }
}

/// One metric of two cells, its repetitions paired.
private struct MetricPair {
  let a: CellRecord
  let b: CellRecord
  var metric: Metric
  /// Paired values, by repetition.
  var values: (a: [Double], b: [Double]) = ([], [])
  /// Ok repetitions of either side that are not in `values`.
  var unpaired = 0
  /// Why it cannot be compared.
  var obstacle: String?

  var isPrimary: Bool { metric.id == a.primary }

  var comparesRunners: Bool { ModeLabel.comparesRunners("\(a.mode):\(b.mode)") }

  func withMetric(_ metric: Metric) -> MetricPair {
    var pair = self
    pair.metric = metric
    return pair
  }

  var isRatio: Bool { (values.a + values.b).allSatisfy { $0 > 0 } }

  /// log b − log a, or b − a where a value may be zero.
  var differences: [Double] {
    isRatio ? zip(values.a, values.b).map { log($1) - log($0) } : zip(values.a, values.b).map { $1 - $0 }
  }

  static func all(of a: CellRecord, _ b: CellRecord) -> [MetricPair] {
    let right = Dictionary(
      b.repetitions.filter { $0.status == .ok }.map { ($0.index, $0) }, uniquingKeysWith: { first, _ in first })
    let left = a.repetitions.filter { $0.status == .ok }
    let pairs = MetricCatalog.all.compactMap { metric -> MetricPair? in
      let values = left.compactMap { repetition -> (Double, Double)? in
        guard let x = repetition.metrics[metric.id], let y = right[repetition.index]?.metrics[metric.id] else {
          return nil
        }
        return x.isFinite && y.isFinite ? (x, y) : nil
      }
      guard !values.isEmpty else { return nil }
      let unpaired = left.count + right.count - 2 * values.count
      return MetricPair(a: a, b: b, metric: metric, values: (values.map(\.0), values.map(\.1)), unpaired: unpaired)
    }
    guard !pairs.contains(where: \.isPrimary) else { return pairs }
    // Without its primary metric the pair says so, beside whatever else it can compare.
    let metric = MetricCatalog.metric(a.primary)
    let obstacle =
      reasonWithout(a) ?? reasonWithout(b)
      ?? (metric == nil
        ? "metric \(a.primary) is not in the catalog" : "no repetition has \(a.primary) in both modes")
    let placeholder = Metric(id: a.primary, unit: "1", better: .higher, label: a.primary)
    return [MetricPair(a: a, b: b, metric: metric ?? placeholder, obstacle: obstacle)] + pairs
  }

  /// Why a cell has nothing to compare; nil where a repetition is ok.
  private static func reasonWithout(_ cell: CellRecord) -> String? {
    guard !cell.repetitions.contains(where: { $0.status == .ok }) else { return nil }
    guard let first = cell.repetitions.first else { return "\(cell.mode): no repetitions" }
    return "\(cell.mode): \(first.status.rawValue)" + (first.reason.map { ": \($0)" } ?? "")
  }

  func record(
    p: Double?, pHolm: Double?, alpha: Double, repetitionsNeeded: Int, resampling: Resampling
  ) -> ComparisonRecord {
    var record = ComparisonRecord(
      suite: a.suite, workload: a.workload, mode: "\(a.mode):\(b.mode)", metric: metric.id, unit: metric.unit,
      better: metric.better, a: OrderStatistics.side(values.a), b: OrderStatistics.side(values.b), ratio: nil,
      ratioLow: nil, ratioHigh: nil, p: p, pHolm: pHolm, test: SignFlip.name, mde: nil, verdict: .notComparable,
      reason: obstacle)
    guard obstacle == nil, p != nil, let estimate = HodgesLehmann.paired(differences, resampling: resampling) else {
      return record
    }
    var remarks = record.settle(
      estimate, isRatio: isRatio, of: metric, alpha: alpha,
      repetitionsNeeded: values.a.count < repetitionsNeeded ? repetitionsNeeded : nil)
    if unpaired > 0 { remarks.append("repetitions without a partner, left out: \(unpaired)") }
    record.reason = remarks.isEmpty ? nil : remarks.joined(separator: "; ")
    return record
  }
}
