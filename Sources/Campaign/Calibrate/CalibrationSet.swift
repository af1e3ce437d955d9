import Measurement

/// What a calibration measures: one short workload of each suite that every host can run, three in either mode. More would make each
/// run longer, and with Holm the gate more cautious.
enum CalibrationSet {
  /// Row and base mode.
  static let rows: [(workload: String, mode: String)] = [
    ("cpu.integer", "paravirt"), ("memory.chase.256k", "paravirt"), ("disk.randread.4k.qd1", "full"),
    ("network.roundtrip.64b.qd1", "paravirt"), ("exits.pio.out", "full"), ("platform.clock.read", "full"),
  ]

  /// The row that can be slowed: every operation of it is an exit to the runner.
  static let slowed = (workload: "exits.pio.out", mode: "full")
  /// What its slowed copy is called.
  static let slowedCopy = "exits.pio.out.slowed"

  /// `library` reduced to the set, each row in its one mode; with a slowed copy of one row where `slowdownPermille` is given.
  ///
  /// - Throws: `CampaignError.usage` where suites that override the built-in ones lack a row.
  static func library(from library: SuiteLibrary, slowdownPermille: Int?) throws(CampaignError) -> SuiteLibrary {
    var workloads: [Workload] = []
    for row in rows {
      guard var workload = library.suites.flatMap(\.workloads).first(where: { $0.id == row.workload }) else {
        throw .usage("the suites have no workload '\(row.workload)', which a calibration measures")
      }
      workload.modes = [row.mode]
      workloads.append(workload)
      guard let slowdownPermille, row == slowed else { continue }
      workload.id = slowedCopy
      workload.slowdownPermille = slowdownPermille
      workloads.append(workload)
    }
    let suites = library.suites.map { suite in
      var suite = suite
      suite.workloads = workloads.filter { $0.suite == suite.name }
      return suite
    }
    return SuiteLibrary(suites: suites.filter { !$0.workloads.isEmpty })
  }

  /// How much slower than its original a plan has a row; nil where it slows nothing.
  static func slowdownPermille(of plan: Plan) -> Int? { plan.cells.compactMap(\.workload.slowdownPermille).first }

  /// Whether a plan is one of a calibration.
  static func isPlanned(_ plan: Plan) -> Bool {
    Set(plan.cells.map(\.workload.id)).subtracting([slowedCopy]) == Set(rows.map(\.workload))
  }
}
