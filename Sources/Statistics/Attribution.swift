import Foundation
import Measurement

/// Which choice has which part of a gain. Between two modes that differ in several choices, each choice is turned alone, once
/// from the start and once, taken back, from the end: where it is the first of all to be turned, and where it is the last. The
/// mean of the two is its part. Shapley's value ("A Value for n-Person Games", 1953) is the mean over all orders; these are
/// its two outermost ones, 2k + 2 modes in place of 2^k. With two choices they are all there are, and nothing is left over;
/// with more, the residual is what only some choices together gain or lose.
///
/// Everything is computed per repetition in logarithms of the metric and then averaged: a mean is linear, so that parts and
/// residual add up to the whole, which the estimates of `HodgesLehmann` would not. Intervals invert the sign-flip test,
/// whose statistic the mean is.
public enum Attribution {
  /// An attribution of its primary metric for every workload whose cells have both modes and all modes between that are one
  /// choice away from either, in the order of `cells`. Where one of those has no repetition in common with the others, the
  /// record says why. Modes are known by their choices: one may be a step from both ends.
  public static func records(
    in cells: [CellRecord], from start: String = "full", to end: String = "paravirt", seed: UInt64 = 1
  ) -> [AttributionRecord] {
    cells.filter { $0.mode == start }.compactMap { first in
      let siblings = cells.filter { $0.suite == first.suite && $0.workload == first.workload }
      guard let last = siblings.first(where: { $0.mode == end }) else { return nil }
      return Ablation(from: first, to: last, among: siblings)?.record(Resampling(seed: seed))
    }
  }
}

/// The cells of one workload's attribution.
private struct Ablation {
  private struct Step {
    let choice: String
    let turnedFirst: CellRecord
    let turnedLast: CellRecord
  }

  private let start: CellRecord
  private let end: CellRecord
  private let steps: [Step]

  /// Nil where the modes differ in less than two choices, or a neighbour was not part of the run.
  init?(from start: CellRecord, to end: CellRecord, among cells: [CellRecord]) {
    func neighbour(of cell: CellRecord, _ choice: String, as other: CellRecord) -> CellRecord? {
      var choices = cell.choices
      choices[choice] = other.choices[choice]
      return cells.first { $0.choices == choices }
    }
    let differing = Set(start.choices.keys).union(end.choices.keys).sorted()
      .filter { start.choices[$0] != end.choices[$0] }
    steps = differing.compactMap { choice in
      guard let first = neighbour(of: start, choice, as: end), let last = neighbour(of: end, choice, as: start) else {
        return nil
      }
      return Step(choice: choice, turnedFirst: first, turnedLast: last)
    }
    guard differing.count > 1, steps.count == differing.count else { return nil }
    self.start = start
    self.end = end
  }

  func record(_ resampling: Resampling) -> AttributionRecord {
    let metric = MetricCatalog.metric(start.primary)
    var record = AttributionRecord(
      suite: start.suite, workload: start.workload, metric: start.primary, better: metric?.better ?? .higher,
      from: start.mode, to: end.mode, n: 0, whole: nil, parts: [], residual: nil, reason: nil)
    let cells = [start, end] + steps.flatMap { [$0.turnedFirst, $0.turnedLast] }
    let logarithms = cells.map(logarithms)
    let common = logarithms.dropFirst().reduce(Set(logarithms[0].keys)) { $0.intersection($1.keys) }.sorted()
    guard !common.isEmpty else {
      record.reason = Self.obstacle(cells, logarithms.map(\.isEmpty), metric: start.primary)
      return record
    }
    let values = logarithms.map { column in common.compactMap { column[$0] } }
    func gain(_ differences: [Double]) -> GainRecord { Self.gain(differences, resampling) }
    let whole = Self.difference(values[1], values[0])
    var rest = whole
    for (index, step) in steps.enumerated() {
      let first = Self.difference(values[2 + 2 * index], values[0])
      let last = Self.difference(values[1], values[3 + 2 * index])
      let part = zip(first, last).map { $0 / 2 + $1 / 2 }
      rest = Self.difference(rest, part)
      record.parts.append(
        AttributionPart(
          choice: step.choice, before: start.choices[step.choice] ?? "", after: end.choices[step.choice] ?? "",
          first: gain(first), last: gain(last), part: gain(part)))
    }
    record.parts.sort { (abs($1.part.logRatio), $0.choice) < (abs($0.part.logRatio), $1.choice) }
    record.n = common.count
    record.whole = gain(whole)
    record.residual = gain(rest)
    return record
  }

  /// The logarithm of the primary metric by repetition, where it is ok and has one.
  private func logarithms(_ cell: CellRecord) -> [Int: Double] {
    let values = cell.repetitions.filter { $0.status == .ok }.compactMap { repetition in
      repetition.metrics[start.primary].flatMap { $0 > 0 && $0.isFinite ? (repetition.index, log($0)) : nil }
    }
    return Dictionary(values, uniquingKeysWith: { first, _ in first })
  }

  private static func difference(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 - $1 } }

  private static func gain(_ differences: [Double], _ resampling: Resampling) -> GainRecord {
    let mean = differences.reduce(0, +) / Double(differences.count)
    let bounds = SignFlip.interval(differences, resampling: resampling)
    // The mean is one of the centres that are not rejected; only rounding can put it outside.
    return GainRecord(logRatio: mean, low: bounds.low.map { min($0, mean) }, high: bounds.high.map { max($0, mean) })
  }

  /// Why there is nothing to attribute: the first mode without any value, or none in common.
  private static func obstacle(_ cells: [CellRecord], _ isEmpty: [Bool], metric: String) -> String {
    guard let cell = zip(cells, isEmpty).first(where: { $0.1 })?.0 else {
      return "no repetition has \(metric) in all modes"
    }
    guard let repetition = cell.repetitions.first(where: { $0.status != .ok }) else {
      return "\(cell.mode): \(cell.repetitions.isEmpty ? "no repetitions" : "no \(metric)")"
    }
    return "\(cell.mode): \(repetition.status.rawValue)" + (repetition.reason.map { ": \($0)" } ?? "")
  }
}
