import MachineLauncher
import Measurement
import Statistics

/// Turns what a user asked for into a plan.
public enum Planner {
  /// Repetitions where nobody says otherwise (methodology, section 1); more where the run has more to tell apart than these can.
  static let defaultRepetitions = 10
  /// The smallest n with a finite 95 % interval of a median.
  static let quickRepetitions = 6
  static let quickWarmup: UInt64 = 100_000_000
  static let quickWindow: UInt64 = 300_000_000
  /// What the guest's kernel has stacks for.
  static let maximumVCPUs = 16
  /// Repetition files have five digits.
  static let maximumSteps = 100_000

  /// The plan of `request`.
  ///
  /// - Throws: `CampaignError.usage` for names that do not exist, with the nearest that does, and values out of range.
  public static func plan(
    _ request: RunRequest, library: SuiteLibrary, imageBytes: UInt64 = Plan.defaultImageBytes
  ) throws(CampaignError) -> Plan {
    var request = try filled(request)
    let workloads = try library.select(
      suites: request.suites, patterns: request.workloads, tag: request.quick ? "quick" : nil)
    let modes = try Mode.resolve(request)
    var rows = workloads.map { workload in
      CoveringSet.Row(workload: workload, modes: modes.filter { workload.modes.contains($0.base) })
    }
    if covers(request) { CoveringSet.extend(&rows, imageBytes: imageBytes) }
    var cells: [PlannedCell] = []
    var groups: [Range<Int>] = []
    for (workload, modes) in rows.map({ ($0.workload, $0.modes) }) {
      let first = cells.count
      for mode in modes {
        // An ablation turns what the workload uses, and nothing else.
        if request.ablate, Mode.ablation.contains(mode), !mode.overrides.keys.allSatisfy(workload.uses) { continue }
        for runner in request.runners ?? defaultRunners(workload, in: mode) {
          var cell = PlannedCell(
            workload: workload, mode: mode, runner: runner == .builtin ? nil : runner,
            warmupNanoseconds: request.quick
              ? min(workload.warmupNanoseconds, quickWarmup) : workload.warmupNanoseconds,
            windowNanoseconds: request.quick
              ? min(workload.windowNanoseconds, quickWindow) : workload.windowNanoseconds,
            skipReason: LinuxGuest.obstacle(workload, request)
              ?? Feasibility.obstacle(workload, in: mode, imageBytes: imageBytes))
          cell.skipReason = cell.skipReason ?? Feasibility.obstacle(to: cell, vcpus: request.vcpus ?? 1)
          cells.append(cell)
        }
      }
      groups.append(first..<cells.count)
    }
    guard !cells.isEmpty else {
      throw .usage("nothing to run: no workload of this choice has one of these modes (see `pvbench list workloads`)")
    }
    let repetitions = request.repetitions ?? (request.quick ? quickRepetitions : enough(for: cells))
    request.repetitions = repetitions
    guard cells.count <= maximumSteps / repetitions else {
      throw .usage(
        "\(cells.count) cells × \(repetitions) repetitions: a run has at most \(maximumSteps) (use fewer --reps)")
    }
    let steps = schedule(groups, repetitions: repetitions, order: request.order ?? .interleaved)
      .filter { $0.index < cells[$0.cell].repetitions(of: repetitions) }
    return Plan(request: request, cells: cells, steps: steps, imageBytes: imageBytes)
  }

  /// The builtin runner; and, as the third column, no virtual machine where the workload needs none.
  private static func defaultRunners(_ workload: Workload, in mode: Mode) -> [GuestRunner] {
    mode.name == "paravirt" && workload.runsAsProcess ? [.builtin, .bare] : [.builtin]
  }

  /// A quick run of whole suites in the modes of the table shall leave no choice out.
  private static func covers(_ request: RunRequest) -> Bool {
    request.quick && request.modes.isEmpty && request.variants.isEmpty && !request.ablate && request.workloads.isEmpty
  }

  /// The repetitions of all cells, those of one workload in a group. Interleaved: rounds of one repetition of each cell, every
  /// other round with each workload's cells backwards.
  static func schedule(_ workloads: [Range<Int>], repetitions: Int, order: ScheduleOrder) -> [PlannedStep] {
    switch order {
    case .sequential:
      workloads.joined().flatMap { cell in (0..<repetitions).map { PlannedStep(cell: cell, index: $0) } }
    case .interleaved:
      (0..<repetitions).flatMap { index in
        workloads.flatMap { index.isMultiple(of: 2) ? Array($0) : $0.reversed() }
          .map { PlannedStep(cell: $0, index: index) }
      }
    }
  }

  /// Repetitions with which Holm's correction over all pairs of modes leaves each of them able to show a difference.
  static func enough(for cells: [PlannedCell]) -> Int {
    let needed = RunComparison.repetitionsNeeded(for: cells.filter { $0.skipReason == nil }.map(\.key))
    return max(defaultRepetitions, needed ?? defaultRepetitions)
  }

  private static func filled(_ request: RunRequest) throws(CampaignError) -> RunRequest {
    var request = request
    request.seed = request.seed ?? 1
    request.order = request.order ?? .interleaved
    request.memory = request.memory ?? 64 << 20
    request.vcpus = request.vcpus ?? 1
    if let repetitions = request.repetitions, !(1...10_000).contains(repetitions) {
      throw .usage("--reps \(repetitions): expected 1 to 10000")
    }
    guard let vcpus = request.vcpus, (1...maximumVCPUs).contains(vcpus) else {
      throw .usage("--vcpus \(request.vcpus ?? 0): expected 1 to \(maximumVCPUs)")
    }
    try LinuxGuest.check(request)
    guard let memory = request.memory, (16 << 20...1 << 30).contains(memory), memory % 4096 == 0 else {
      throw .usage("--memory \(Quantity.text(bytes: request.memory ?? 0)): expected 16MiB to 1GiB in whole pages")
    }
    return request
  }
}
