import Foundation
import Measurement

/// Compares two runs, cell by cell: the same workload in the same mode, a in the first run and b in the second.
///
/// The boots of two runs are independent sets, so the test is Mann and Whitney's, and the interval of a ratio inverts it. Holm
/// runs over the primary metric of every cell that can be compared; all other metrics are exploratory and have no `pHolm`.
public enum BetweenRuns {
  /// One record for every cell of either run and metric that both sides have, in the order of `a`'s cells and then of
  /// `MetricCatalog`. A cell that cannot be compared has one record, of its primary metric, that says why.
  ///
  /// - Parameters:
  ///   - thresholds: floors by metric in place of those of the first run and its workloads.
  ///   - effects: where minimum detectable effects are found: in a calibration for the cells that it knows.
  public static func compare(
    _ a: RunRecord, _ b: RunRecord, alpha: Double = 0.05, seed: UInt64 = 1, thresholds: [String: FloorOverride] = [:],
    effects: EffectSource = .spread
  ) -> [ComparisonRecord] {
    let candidates = pairs(a, b).flatMap { $0.metrics(floors: a.metrics, thresholds: thresholds) }
    let primaries = candidates.indices.filter { candidates[$0].isPrimary && candidates[$0].obstacle == nil }
    let resampling = Resampling.enough(forTests: primaries.count, alpha: alpha, seed: seed)
    let tests = candidates.map { MannWhitney.test($0.a, $0.b, resampling: resampling) }
    let corrected = Holm.adjusted(primaries.map { tests[$0]?.p ?? 1 })
    let holm = Dictionary(uniqueKeysWithValues: zip(primaries, corrected))
    var finder = EffectFinder(source: effects, alpha: alpha, resampling: resampling)
    return candidates.indices.map { index in
      let family = holm[index] == nil ? 1 : primaries.count
      var record = candidates[index].record(
        p: tests[index]?.p, pHolm: holm[index], alpha: alpha, tests: family, resampling: resampling)
      if let effect = finder.effect(of: candidates[index], tests: family) {
        (record.mde, record.mdeBasis) = (effect.value, effect.basis)
      }
      return record
    }
  }

  private static func pairs(_ a: RunRecord, _ b: RunRecord) -> [CellPair] {
    let second = Dictionary(b.cells.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
    let known = Set(a.cells.map(\.key))
    return a.cells.map { CellPair(a: $0, b: second[$0.key]) }
      + b.cells.filter { !known.contains($0.key) }.map { CellPair(a: nil, b: $0) }
  }
}

/// What minimum detectable effects are found from.
public enum EffectSource: Sendable {
  /// Nothing: they are not asked for.
  case none
  /// The two compared sets.
  case spread
  /// A calibration, for the cells that it knows; the two sets for others.
  case calibration(CalibrationRecord)
}

/// Finds minimum detectable effects. What depends on the numbers of boots only is found once.
private struct EffectFinder {
  private struct Size: Hashable {
    let n: Int
    let m: Int
    let tests: Int
  }

  let source: EffectSource
  let alpha: Double
  let resampling: Resampling
  private var detectable: [Size: DetectableEffect] = [:]

  init(source: EffectSource, alpha: Double, resampling: Resampling) {
    self.source = source
    self.alpha = alpha
    self.resampling = resampling
  }

  /// Nil where none is asked for, where a value is not above zero, and where no change can be called.
  mutating func effect(of observations: Observations, tests: Int) -> (value: Double, basis: EffectBasis)? {
    guard let (a, b, basis) = pools(of: observations), let base = OrderStatistics.median(observations.a) else {
      return nil
    }
    let size = Size(n: observations.a.count, m: observations.b.count, tests: tests)
    let effect =
      detectable[size]
      ?? DetectableEffect(n: size.n, m: size.m, tests: tests, alpha: alpha, resampling: resampling)
    detectable[size] = effect
    return effect.relative(from: a, b, of: observations.metric, base: base, seed: resampling.seed).map { ($0, basis) }
  }

  private func pools(of observations: Observations) -> (a: [Double], b: [Double], basis: EffectBasis)? {
    if case .none = source { return nil }
    if case .calibration(let record) = source,
      let known = record.metric(observations.metric.id, of: observations.cell.key)
    {
      return (known.spread, known.spread, .calibration)
    }
    guard let a = DetectableEffect.spread(observations.a), let b = DetectableEffect.spread(observations.b) else {
      return nil
    }
    return (a, b, .spread)
  }
}

/// A cell as two runs have it.
private struct CellPair {
  let a: CellRecord?
  let b: CellRecord?

  /// What can be compared; or the primary metric alone, with what is in the way.
  func metrics(floors: [Metric], thresholds: [String: FloorOverride]) -> [Observations] {
    guard let cell = a ?? b else { return [] }
    let floors = Dictionary(floors.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    func observations(_ metric: Metric, _ left: [Double], _ right: [Double], obstacle: String?) -> Observations {
      Observations(cell: cell, metric: metric, a: left, b: right, obstacle: obstacle)
    }
    let metrics = MetricCatalog.all.map {
      (floors[$0.id] ?? $0).floored(by: cell.floors?[$0.id]).floored(by: thresholds[$0.id])
    }
    let found = metrics.compactMap { metric -> Observations? in
      let (left, right) = (Self.values(a, metric.id), Self.values(b, metric.id))
      return left.isEmpty || right.isEmpty ? nil : observations(metric, left, right, obstacle: nil)
    }
    let comparable = obstacle == nil ? found : []
    guard !comparable.contains(where: \.isPrimary) else { return comparable }
    let primary =
      metrics.first { $0.id == cell.primary }
      ?? Metric(id: cell.primary, unit: "1", better: .higher, label: cell.primary)
    return [observations(primary, [], [], obstacle: obstacle ?? "no repetition has \(cell.primary) in both runs")]
      + comparable
  }

  /// Why nothing of the two may be compared; nil where it may.
  private var obstacle: String? {
    guard let a else { return "only in B" }
    guard let b else { return "only in A" }
    if let reason = Self.reasonWithout(a, "A") ?? Self.reasonWithout(b, "B") { return reason }
    if a.choices != b.choices { return "the mode is made of other choices: \(Self.difference(a.choices, b.choices))" }
    if a.warmupSeconds != b.warmupSeconds {
      return "measured otherwise: warm-up of \(a.warmupSeconds) s and of \(b.warmupSeconds) s"
    }
    return a.primary == b.primary ? nil : "the primary metric is another one: \(a.primary) and \(b.primary)"
  }

  /// `timer lapic and tsc-deadline`.
  private static func difference(_ a: [String: String], _ b: [String: String]) -> String {
    Set(a.keys).union(b.keys).sorted().filter { a[$0] != b[$0] }
      .map { "\($0) \(a[$0] ?? "none") and \(b[$0] ?? "none")" }.joined(separator: ", ")
  }

  /// Why a cell has nothing to compare; nil where a repetition is ok.
  private static func reasonWithout(_ cell: CellRecord, _ run: String) -> String? {
    guard !cell.repetitions.contains(where: { $0.status == .ok }) else { return nil }
    guard let first = cell.repetitions.first else { return "\(run): no repetitions" }
    return "\(run): \(first.status.rawValue)" + (first.reason.map { ": \($0)" } ?? "")
  }

  private static func values(_ cell: CellRecord?, _ metric: String) -> [Double] {
    (cell?.repetitions ?? []).filter { $0.status == .ok }.compactMap { $0.metrics[metric] }.filter(\.isFinite)
  }
}

/// One metric of one cell, in both runs.
private struct Observations {
  let cell: CellRecord
  let metric: Metric
  let a: [Double]
  let b: [Double]
  /// Why it cannot be compared.
  let obstacle: String?

  var isPrimary: Bool { metric.id == cell.primary }

  private var isRatio: Bool { (a + b).allSatisfy { $0 > 0 } }

  func record(p: Double?, pHolm: Double?, alpha: Double, tests: Int, resampling: Resampling) -> ComparisonRecord {
    var record = ComparisonRecord(
      suite: cell.suite, workload: cell.workload, mode: cell.mode, metric: metric.id, unit: metric.unit,
      better: metric.better, a: OrderStatistics.side(a), b: OrderStatistics.side(b), ratio: nil, ratioLow: nil,
      ratioHigh: nil, p: p, pHolm: pHolm, test: MannWhitney.name, mde: nil, verdict: .notComparable, reason: obstacle)
    let scale: (Double) -> Double = isRatio ? { log($0) } : { $0 }
    guard obstacle == nil,
      let estimate = HodgesLehmann.unpaired(a.map(scale), b.map(scale), resampling: resampling)
    else { return record }
    let couldFind = MannWhitney.smallestP(a.count, b.count, resampling: resampling) * Double(tests) <= alpha
    let needed = MannWhitney.repetitionsNeeded(forTests: tests, alpha: alpha, resampling: resampling) ?? .max
    let remarks = record.settle(
      estimate, isRatio: isRatio, of: metric, alpha: alpha, repetitionsNeeded: couldFind ? nil : needed)
    record.reason = remarks.isEmpty ? nil : remarks.joined(separator: "; ")
    return record
  }
}

extension MannWhitney {
  /// Fewest observations a side with which `tests` tests under Holm at `alpha` can find anything at all.
  static func repetitionsNeeded(forTests tests: Int, alpha: Double, resampling: Resampling) -> Int? {
    (1...(exactLimit + 1)).first { smallestP($0, $0, resampling: resampling) * Double(tests) <= alpha }
  }
}
