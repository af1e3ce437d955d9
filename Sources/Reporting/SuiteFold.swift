import Measurement

/// One suite's part of a section of the report. A run of many workloads folds it away behind a line that says what is inside.
struct SuiteFold: Sendable {
  /// `disk`.
  let suite: String
  /// `34 workloads: 20 better, 1 worse, 3 inconclusive`.
  let summary: String
  /// False where everything is shown at once.
  let isFolded: Bool

  /// The fold of a suite in `run`.
  init(_ suite: String, of run: RunRecord) {
    let workloads = Set(run.cells.filter { $0.suite == suite }.map(\.workload))
    let verdicts = run.primaryComparisons.filter { $0.suite == suite && $0.mode == "full:paravirt" }.map {
      VerdictView($0).word
    }
    let order = ["better", "worse", "no difference found", "inconclusive", "not comparable"]
    let counts = order.compactMap { word in
      let count = verdicts.count { $0 == word }
      return count == 0 ? nil : "\(count) \(word)"
    }
    let size = workloads.count == 1 ? "1 workload" : "\(workloads.count) workloads"
    self.suite = suite
    summary = counts.isEmpty ? size : "\(size), paravirtual against full: \(counts.joined(separator: ", "))"
    isFolded = run.isLong
  }
}

extension RunRecord {
  /// More workloads than these are too many to be shown one below the other.
  private static let mostUnfolded = 24

  /// True where the report folds its parts.
  var isLong: Bool { Set(cells.map(\.workload)).count > Self.mostUnfolded }

  /// Suites in the order of cells.
  var suites: [String] { cells.map(\.suite).reduce(into: []) { if !$0.contains($1) { $0.append($1) } } }

  /// The suite of a workload.
  func suite(of workload: String) -> String { cells.first { $0.workload == workload }?.suite ?? "" }
}

/// One suite's workloads.
struct WorkloadGroup: Sendable {
  let fold: SuiteFold
  let workloads: [WorkloadSection]

  /// A group per suite that has sections.
  static func all(_ run: RunRecord, _ sections: [WorkloadSection]) -> [WorkloadGroup] {
    run.suites.map { suite in
      WorkloadGroup(fold: SuiteFold(suite, of: run), workloads: sections.filter { $0.suite == suite })
    }
  }
}
