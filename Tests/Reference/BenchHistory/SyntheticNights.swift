import Foundation
import Measurement
import ResultStore
import Statistics

/// A host that never was: cells of four metrics with 1 % of normal noise and steps of 5 % on nights that are known.
struct SyntheticNights {
  static let metrics = ["throughput.ops", "latency.p50", "exits.per_op", "host.cpu_seconds"].map {
    Metric(id: $0, unit: "1", better: .higher, floorRelative: 0.02, label: $0)
  }
  /// Nights between two steps at least.
  private static let spacing = 150
  private static let step = 1.05
  private static let noise = 0.01
  private static let repetitions = 10

  /// How many cells a run has, of `metrics` each.
  let cells: Int
  private var generator: SeededGenerator
  private var levels: [Double]
  /// Nights on which each series steps, by cell and metric.
  let steps: [[Int]]

  init(cells: Int, nights: Int, seed: UInt64 = 1) {
    self.cells = cells
    var generator = SeededGenerator(seed: seed)
    levels = (0..<cells * Self.metrics.count).map { _ in Double.random(in: 1...1000, using: &generator) }
    steps = levels.map { _ in
      stride(from: Self.spacing, to: nights - Self.spacing, by: 2 * Self.spacing).map {
        $0 + Int.random(in: 0..<Self.spacing, using: &generator)
      }
    }
    self.generator = generator
  }

  /// The next run; `night` counts up from 0.
  mutating func run(night: Int) -> IndexedRun {
    for series in levels.indices where steps[series].contains(night) {
      levels[series] *= Bool.random(using: &generator) ? Self.step : 1 / Self.step
    }
    let began = Date(timeIntervalSince1970: 1_700_000_000 + 86_400 * Double(night))
    return IndexedRun(
      id: Self.name(night), started: began.formatted(.iso8601), status: .complete, version: "0.1.0",
      fingerprint: "synthetic", configuration: ["kernel_release": .string("6.\(night / 30)")],
      cells: (0..<cells).map { cell(number: $0) }, metrics: Self.metrics)
  }

  private static func name(_ night: Int) -> String { "night-\(night)" }

  static func night(of name: String) -> Int { Int(name.dropFirst("night-".count)) ?? -1 }

  private static func workload(_ cell: Int) -> String { "synthetic.\(cell)" }

  /// `synthetic.0 throughput.ops`.
  func name(of series: Int) -> String {
    let (cell, metric) = series.quotientAndRemainder(dividingBy: Self.metrics.count)
    return "\(Self.workload(cell)) \(Self.metrics[metric].id)"
  }

  /// Indexes a part of `total` nights, and prints how long each took, in milliseconds.
  static func index(in folder: String, nights: Range<Int>, of total: Int, cells: Int) throws {
    var synthetic = SyntheticNights(cells: cells, nights: total)
    for night in 0..<nights.upperBound {
      let run = synthetic.run(night: night)
      guard nights.contains(night) else { continue }
      let started = ContinuousClock.now
      try History.open(in: folder, creating: true).index(run)
      print((ContinuousClock.now - started) / .milliseconds(1))
    }
  }

  private mutating func cell(number: Int) -> IndexedRun.Cell {
    var observations: [String: IndexedRun.Observations] = [:]
    for (place, metric) in Self.metrics.enumerated() {
      // The median is what has 1 % of noise; what lies around it does not matter here.
      let median = levels[number * Self.metrics.count + place] * (1 + Self.noise * normal())
      observations[metric.id] = IndexedRun.Observations(
        values: [Double](repeating: median, count: Self.repetitions), median: median)
    }
    return IndexedRun.Cell(
      key: CellKey(suite: "synthetic", workload: Self.workload(number), mode: "full"),
      choices: ["disk": "ide-pio", "net": "none"], observations: observations)
  }

  /// Box and Muller's.
  private mutating func normal() -> Double {
    let radius = (-2 * log(1 - Double.random(in: 0..<1, using: &generator))).squareRoot()
    return radius * cos(2 * .pi * Double.random(in: 0..<1, using: &generator))
  }
}
