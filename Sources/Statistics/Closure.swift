import Measurement

/// How much of what full emulation costs its exits explain: for every pair of repetitions of a workload's two modes, the sum over
/// kinds of exits of how many more there are an operation, times what one costs, against how much longer the operation takes.
/// All three (difference, explained, residual) are Hodges–Lehmann estimates over the pairs, each for itself: they are about one
/// another as means would be, and need not add up to the last digit.
public enum Closure {
  /// One record for every cell of `start`, and of its variants with other choices, whose workload also has a cell of `end`; in the
  /// order of `cells`. Cells of other runners and pairs without a repetition in common have none.
  public static func records(
    in cells: [CellRecord], costs: [String: ExitCost], from start: String = "full", to end: String = "paravirt",
    seed: UInt64 = 1
  ) -> [ClosureRecord] {
    guard !costs.isEmpty else { return [] }
    return cells.compactMap { cell in
      guard cell.mode == start || cell.mode.hasPrefix(start + "+"), cell.runner == nil,
        let other = cells.first(where: {
          $0.mode == end && $0.suite == cell.suite && $0.workload == cell.workload
        })
      else { return nil }
      return record(cell, other, costs, Resampling(seed: seed))
    }
  }

  private static func record(
    _ a: CellRecord, _ b: CellRecord, _ costs: [String: ExitCost], _ resampling: Resampling
  ) -> ClosureRecord? {
    let right = Dictionary(
      b.repetitions.filter { $0.status == .ok }.map { ($0.index, $0) }, uniquingKeysWith: { first, _ in first })
    let pairs = a.repetitions.filter { $0.status == .ok }.compactMap { left in
      right[left.index].flatMap { Pair(left, $0) }
    }
    guard !pairs.isEmpty else { return nil }
    let isSerial = pairs.allSatisfy(\.isSerial)
    // The median whatever the measure: what neighbours take from a guest while it exits is no cost of the exit.
    func cost(_ kind: ExitKind) -> Double? { costs[kind.rawValue]?.median }
    let differences = pairs.map { isSerial ? $0.medianDifference : $0.meanDifference }
    let explained = pairs.map { pair in
      ExitKind.allCases.reduce(0.0) { $0 + (cost($1) ?? 0) * (pair.a[$1, default: 0] - pair.b[$1, default: 0]) }
    }
    func estimate(_ values: [Double]) -> DifferenceRecord? {
      HodgesLehmann.paired(values, resampling: resampling).map {
        DifferenceRecord(seconds: $0.value, low: $0.low, high: $0.high)
      }
    }
    guard let difference = estimate(differences), let sum = estimate(explained),
      let residual = estimate(zip(differences, explained).map { $0 - $1 })
    else { return nil }
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    let parts = ExitKind.allCases.compactMap { kind -> ClosureRecord.Part? in
      let (from, to) = (mean(pairs.map { $0.a[kind, default: 0] }), mean(pairs.map { $0.b[kind, default: 0] }))
      return from == 0 && to == 0 ? nil : ClosureRecord.Part(kind: kind.rawValue, from: from, to: to, cost: cost(kind))
    }
    return ClosureRecord(
      suite: a.suite, workload: a.workload, from: a.mode, to: b.mode,
      measure: isSerial ? "latency.p50" : "window.seconds/window.ops", n: pairs.count, difference: difference,
      explained: sum, residual: residual, parts: parts,
      handlersFrom: mean(pairs.map(\.handlers.a)), handlersTo: mean(pairs.map(\.handlers.b)))
  }
}

/// Two repetitions that were run one after the other.
private struct Pair {
  /// Exits an operation.
  let a: [ExitKind: Double]
  let b: [ExitKind: Double]
  /// Seconds an operation in exit handlers.
  let handlers: (a: Double, b: Double)
  let meanDifference: Double
  /// Not a number where one has no median.
  let medianDifference: Double
  /// True where an operation begins when the one before has ended, and both have a median: its time is a latency then.
  let isSerial: Bool

  init?(_ a: RepetitionRecord, _ b: RepetitionRecord) {
    guard let left = Self.seconds(a), let right = Self.seconds(b) else { return nil }
    self.a = a.exitsPerOperation
    self.b = b.exitsPerOperation
    handlers = (
      a.metrics["exits.handler_seconds_per_op"] ?? 0, b.metrics["exits.handler_seconds_per_op"] ?? 0
    )
    meanDifference = left - right
    let medians = (a.metrics["latency.p50"], b.metrics["latency.p50"])
    medianDifference = (medians.0 ?? .nan) - (medians.1 ?? .nan)
    isSerial = medianDifference.isFinite && Self.isSerial(a, left) && Self.isSerial(b, right)
  }

  private static func seconds(_ repetition: RepetitionRecord) -> Double? {
    guard let seconds = repetition.metrics["window.seconds"], let count = repetition.metrics["window.ops"], count > 0
    else { return nil }
    return seconds / count
  }

  /// Of a window's time, one operation after the other takes nearly all, and several at once take more than there is.
  private static func isSerial(_ repetition: RepetitionRecord, _ seconds: Double) -> Bool {
    repetition.metrics["latency.mean"].map { $0 > 0.8 * seconds && $0 < 1.1 * seconds } ?? false
  }
}

extension RepetitionRecord {
  /// The window's exits, an operation, by the kinds that have a price.
  var exitsPerOperation: [ExitKind: Double] {
    guard let operations = metrics["window.ops"], operations > 0 else { return [:] }
    var sums: [ExitKind: Double] = [:]
    for (place, tally) in exits.byDetail {
      let (exits, further) = (Double(tally.exits), Double(max(tally.elements, tally.exits) - tally.exits))
      switch (place.prefix { $0 != ":" }, place.hasSuffix(":in")) {
      case ("io", true):
        sums[.portIn, default: 0] += exits
        sums[.portInString, default: 0] += further > 0 ? exits : 0
        sums[.portInElement, default: 0] += further
      case ("io", false):
        sums[.portOut, default: 0] += exits
        sums[.portOutElement, default: 0] += further
      case ("mmio", true): sums[.mmioIn, default: 0] += exits
      case ("mmio", false): sums[.mmioOut, default: 0] += exits
      case ("rdmsr", _): sums[.rdmsr, default: 0] += exits
      case ("wrmsr", _): sums[.wrmsr, default: 0] += exits
      default: continue
      }
    }
    if let halts = kvmStats["halt_exits"] { sums[.halt] = Double(halts) }
    return sums.filter { $0.value > 0 }.mapValues { $0 / operations }
  }
}
