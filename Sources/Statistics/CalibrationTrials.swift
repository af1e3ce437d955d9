import Foundation
import Measurement

/// A calibration from the boots of one run, all of which measured the same things: they are dealt to runs, and the gate that
/// `pvbench compare` has looks for changes between these, of which there are none (methodology, section 4).
///
/// All pairs of an order use the same boots, so that comparisons are not independent: the interval of their share is a little too
/// narrow.
public struct CalibrationTrials: Sendable {
  /// How the boots are dealt and compared.
  public struct Design: Sendable {
    /// Runs that boots are dealt to.
    public var runs: Int
    /// Boots of each cell a run.
    public var repetitions: Int
    /// Comparisons of each kind.
    public var comparisons: Int
    /// Seed of pairings and resampling.
    public var seed: UInt64
    /// The gate's level after Holm.
    public var alpha = 0.05
    /// Draws for each minimum detectable effect.
    public var draws = 1000

    /// A design; see the properties.
    public init(runs: Int, repetitions: Int, comparisons: Int, seed: UInt64) {
      self.runs = runs
      self.repetitions = repetitions
      self.comparisons = comparisons
      self.seed = seed
    }
  }

  /// A cell that is another one, slowed down on purpose.
  public struct Slowed: Sendable {
    /// The cell that it is slower than.
    public var original: CellKey
    /// The workload that it has in the run.
    public var workload: String
    /// By how much, relative.
    public var slowdown: Double

    /// A slowed cell; see the properties.
    public init(original: CellKey, workload: String, slowdown: Double) {
      self.original = original
      self.workload = workload
      self.slowdown = slowdown
    }
  }

  /// Repetitions a run for which minimum detectable effects are found.
  public static let sizes = [5, 10, 20]
  /// The relative floor of the second kind of trial: what the gate does where it may call nearly everything.
  public static let lowFloor = 0.02

  private let run: RunRecord
  private let design: Design
  private let slowed: Slowed?
  private let cells: [CellRecord]
  private let slowedCell: CellRecord?
  /// Runs that every cell has enough boots for.
  private let runs: Int
  private let pairs: [(a: Int, b: Int)]

  /// Trials over the ok boots of `run`, of which as many runs are made as every cell has boots for; a cell without any takes no
  /// part.
  public init(_ run: RunRecord, design: Design, slowed: Slowed? = nil) {
    self.run = run
    self.design = design
    self.slowed = slowed
    let measured = run.cells.map(Self.okBoots).filter { !$0.repetitions.isEmpty }
    cells = measured.filter { $0.workload != slowed?.workload }
    slowedCell = measured.first { $0.workload == slowed?.workload }
    runs = min(design.runs, measured.map { $0.repetitions.count / design.repetitions }.min() ?? 0)
    pairs = DisjointPairings.pairs(runs: runs, count: design.comparisons, seed: design.seed)
  }

  /// Everything that the calibration says.
  public var record: CalibrationRecord {
    CalibrationRecord(
      run: run.id, started: run.started, version: run.version, seed: design.seed, fingerprint: run.host.fingerprint,
      configuration: run.host.configuration, alpha: design.alpha, runs: runs,
      repetitions: design.repetitions, falseAlarms: falseAlarms, slowdown: slowdownTrial,
      cells: cells.map(calibrated))
  }

  // MARK: The gate

  private var falseAlarms: [FalseAlarms] {
    CalibrationOrder.allCases.flatMap { order in
      let runs = dealt(order)
      return [nil, Self.lowFloor].map { floor in
        let called = pairs.count { pair in
          compare(runs[pair.a], runs[pair.b], floor: floor).contains {
            $0.verdict == .improved || $0.verdict == .regressed
          }
        }
        return FalseAlarms(order: order, floorRelative: floor, called: ShareRecord(called, of: pairs.count))
      }
    }
  }

  private var slowdownTrial: SlowdownTrial? {
    guard let slowed, let slow = slowedCell else { return nil }
    let runs = dealt(.interleaved)
    let slowBoots = dealt(slow, .interleaved)
    let found = pairs.count { pair in
      var b = runs[pair.b]
      for index in b.cells.indices where b.cells[index].key == slowed.original {
        b.cells[index].repetitions = Self.primary(of: slow, slowBoots[pair.b])
      }
      return compare(runs[pair.a], b, floor: Self.lowFloor).contains {
        $0.workload == slowed.original.workload && $0.mode == slowed.original.mode && $0.verdict == .regressed
      }
    }
    return SlowdownTrial(
      workload: slowed.original.workload, slowdown: slowed.slowdown, found: ShareRecord(found, of: pairs.count))
  }

  /// The gate as `compare` has it, or with one relative floor and no absolute one.
  private func compare(_ a: RunRecord, _ b: RunRecord, floor: Double?) -> [ComparisonRecord] {
    let thresholds = floor.map { floor in
      Dictionary(
        cells.map { ($0.primary, FloorOverride(relative: floor, absolute: 0)) }, uniquingKeysWith: { first, _ in first }
      )
    }
    return BetweenRuns.compare(
      a, b, alpha: design.alpha, seed: design.seed, thresholds: thresholds ?? [:], effects: .none)
  }

  /// Runs with what the gate looks at.
  private func dealt(_ order: CalibrationOrder) -> [RunRecord] {
    let boots = cells.map { dealt($0, order) }
    return (0..<runs).map { number in
      var part = run
      part.id = "\(run.id), part \(number)"
      part.cells = zip(cells, boots).map { cell, boots in
        var cell = cell
        cell.repetitions = Self.primary(of: cell, boots[number])
        return cell
      }
      return part
    }
  }

  /// The boots of each run.
  private func dealt(_ cell: CellRecord, _ order: CalibrationOrder) -> [[RepetitionRecord]] {
    var parts = [[RepetitionRecord]](repeating: [], count: runs)
    for (place, repetition) in cell.repetitions.prefix(runs * design.repetitions).enumerated() {
      parts[order == .interleaved ? place % runs : place / design.repetitions].append(repetition)
    }
    return parts
  }

  /// A cell with the boots that enter a statistic, in the order in which they ran.
  private static func okBoots(_ cell: CellRecord) -> CellRecord {
    var cell = cell
    cell.repetitions = cell.repetitions.filter { $0.status == .ok }.sorted { $0.index < $1.index }
    return cell
  }

  /// The repetitions with their primary metric only, the one that a gate looks at.
  private static func primary(of cell: CellRecord, _ repetitions: [RepetitionRecord]) -> [RepetitionRecord] {
    repetitions.map {
      RepetitionRecord(
        index: $0.index, order: $0.order, status: $0.status, reason: $0.reason,
        metrics: $0.metrics.filter { $0.key == cell.primary })
    }
  }

  // MARK: What can be seen

  private func calibrated(_ cell: CellRecord) -> CalibratedCell {
    let parts = dealt(cell, .sequential)
    return CalibratedCell(
      key: cell.key, primary: cell.primary,
      metrics: run.metrics.compactMap { calibrated($0.floored(by: cell.floors?[$0.id]), of: cell, parts) })
  }

  private func calibrated(_ metric: Metric, of cell: CellRecord, _ parts: [[RepetitionRecord]]) -> CalibratedMetric? {
    let values = Self.values(cell.repetitions, metric)
    guard values.count > 1, values.allSatisfy({ $0 > 0 }), let median = OrderStatistics.median(values) else {
      return nil
    }
    let pool = values.map { log($0 / median) }.sorted()
    let tests = metric.id == cell.primary ? cells.count : 1
    let resampling = Resampling.enough(forTests: tests, alpha: design.alpha, seed: design.seed)
    let effects = Self.sizes.compactMap { n in
      DetectableEffect(n: n, m: n, tests: tests, alpha: design.alpha, resampling: resampling)
        .relative(from: pool, pool, of: metric, base: median, draws: design.draws, seed: design.seed).map {
          ("\(n)", $0)
        }
    }
    let medians = parts.map { OrderStatistics.median(Self.values($0, metric)) }
    let changes = pairs.compactMap { pair in
      medians[pair.a].flatMap { a in medians[pair.b].map { abs($0 / a - 1) } }
    }
    return CalibratedMetric(
      metric: metric.id, n: values.count, median: median,
      spread: (0...50).compactMap { OrderStatistics.quantile(pool, Double($0) / 50) },
      mde: Dictionary(uniqueKeysWithValues: effects), floorRelative: OrderStatistics.quantile(changes, 0.99))
  }

  private static func values(_ repetitions: [RepetitionRecord], _ metric: Metric) -> [Double] {
    repetitions.compactMap { $0.metrics[metric.id] }.filter(\.isFinite)
  }
}
