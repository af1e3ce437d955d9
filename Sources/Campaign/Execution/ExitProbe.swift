import MachineLauncher
import Measurement

/// The guests that a run asks, a few tenths of a second each: rows of the suite `exits`, each with the source or the price
/// that it is about. A host that cannot run one, or suites without its row, leave a gap that has a name.
enum ExitProbe {
  /// What one row tells.
  struct Row: Sendable {
    let workload: String
    /// The reason under which the loop sees the exits; nil where KVM answers them itself.
    let reason: ExitReason?
    /// Sources that see more than these exits, and so at least as many.
    var atLeast: [String] = []
    /// Kinds of exits whose price is the row's latency.
    var kind: ExitKind?
  }

  static let rows: [Row] = [
    Row(
      workload: "exits.pio.out", reason: .io,
      atLeast: ["stats:exits", "stats:io_exits", "trace:kvm_exit", "trace:kvm_entry"], kind: .portOut),
    Row(workload: "exits.pio.in", reason: .io, kind: .portIn),
    Row(workload: "exits.string.in", reason: .io),
    Row(workload: "exits.sector.in", reason: .io),
    Row(workload: "exits.string.out", reason: .io),
    Row(workload: "exits.mmio.write", reason: .mmio, kind: .mmioOut),
    Row(workload: "exits.mmio.read", reason: .mmio, kind: .mmioIn),
    Row(workload: "exits.rdmsr.user.ring0", reason: .rdmsr, kind: .rdmsr),
    Row(workload: "exits.wrmsr.user.ring0", reason: .wrmsr, kind: .wrmsr),
    Row(workload: "exits.rdmsr.ring0", reason: nil, atLeast: ["trace:kvm_msr"]),
    Row(
      workload: "exits.wake.irqfd.across", reason: nil, atLeast: ["stats:halt_exits", "trace:kvm_inj_virq"],
      kind: .halt),
  ]

  /// Rounds over all rows, one in a quick run: what the host does from second to second is in the prices.
  static let rounds = 3
  static let warmupNanoseconds: UInt64 = 30_000_000
  static let windowNanoseconds: UInt64 = 100_000_000

  /// The plan of all rows that the suites have, beside the plan of a run.
  static func plan(_ plan: Plan, library: SuiteLibrary) -> Plan? {
    let known = Set(library.suites.flatMap(\.workloads).map(\.id))
    var request = RunRequest()
    request.workloads = rows.map(\.workload).filter(known.contains)
    request.modes = ["full"]
    request.repetitions = plan.request.quick ? 1 : rounds
    request.seed = plan.seed
    guard !request.workloads.isEmpty, var probe = try? Planner.plan(request, library: library) else { return nil }
    for index in probe.cells.indices {
      probe.cells[index].warmupNanoseconds = warmupNanoseconds
      probe.cells[index].windowNanoseconds = windowNanoseconds
    }
    return probe
  }

  /// The row that is also asked without tracepoints, right behind each time with them.
  static let tracedRow = "exits.pio.out"

  /// Runs a plan's guests in their places; nil where the campaign was interrupted.
  static func ask(_ plan: Plan, _ resources: MachineResources, _ supervisor: Supervisor) async -> ExitFindings? {
    var reports: [(workload: String, report: RunnerReport)] = []
    var untraced: [RunnerReport] = []
    var without = resources
    without.traces = []
    for step in plan.steps {
      let workload = plan.cells[step.cell].workload.id
      guard let report = await ask(step, of: plan, resources, supervisor) else { return nil }
      reports.append((workload, report))
      guard workload == tracedRow, !resources.traces.isEmpty else { continue }
      guard let report = await ask(step, of: plan, without, supervisor) else { return nil }
      untraced.append(report)
    }
    return findings(reports, untraced: untraced)
  }

  private static func ask(
    _ step: PlannedStep, of plan: Plan, _ resources: MachineResources, _ supervisor: Supervisor
  ) async -> RunnerReport? {
    let cell = plan.cells[step.cell]
    if let obstacle = cell.skipReason ?? resources.obstacle(to: cell) { return .skipped(obstacle) }
    let specification = plan.specification(of: step, disk: nil, resources: resources)
    switch await supervisor.run(specification, limit: .seconds(Plan.limitSeconds(cell))) {
    case .interrupted: return nil
    case .report(let report, _): return report
    case .failed(let reason), .noKVM(let reason): return .skipped(reason)
    }
  }

  /// What reports of these rows say together; `untraced` are those of `tracedRow` without tracepoints, where the others have them.
  static func findings(
    _ reports: [(workload: String, report: RunnerReport)], untraced: [RunnerReport] = []
  ) -> ExitFindings {
    var findings = ExitFindings()
    for row in rows {
      let own = reports.filter { $0.workload == row.workload }.map(\.report)
      let good = own.filter { $0.status == .ok }
      for report in good { look(at: report, row, &findings) }
      if let kind = row.kind { findings.costs[kind.rawValue] = price(good) }
      if good.isEmpty {
        findings.notes.append(
          "\(row.workload) tells nothing here: \(own.first?.reason ?? "it is no row of the suites")")
      }
    }
    takeStringsApart(reports, &findings)
    if let with = findings.costs[ExitKind.portOut.rawValue], let without = price(untraced.filter { $0.status == .ok }) {
      findings.costs[ExitFindings.traceCost] = ExitCost(
        median: with.median - without.median, mean: with.mean - without.mean)
    }
    return findings
  }

  private static func look(at report: RunnerReport, _ row: Row, _ findings: inout ExitFindings) {
    func find(_ source: String, _ finding: SourceFinding) {
      if findings.sources[source]?.add(finding) == nil { findings.sources[source] = finding }
    }
    let evidence = report.evidence
    let total = evidence.loop.byReason.values.reduce(0, +)
    for source in ExitSource.allCases where source.isAsked(evidence) {
      // Its records of the reason that this row is about; all of them where it does not tell reasons apart.
      if source == .counter { find(source.rawValue, SourceFinding(expected: total, found: evidence.counted ?? 0)) }
      guard let reason = row.reason, let expected = evidence.loop.byReason[reason.name], source.sees(reason) else {
        continue
      }
      find(source.rawValue, SourceFinding(expected: expected, found: evidence.counts(of: source)[reason.name] ?? 0))
    }
    // What KVM answers itself the guest has counted.
    let operations = report.metrics["window.ops"].flatMap { UInt64(exactly: $0) }
    let known = row.reason.flatMap { evidence.loop.byReason[$0.name] } ?? operations ?? 0
    for source in row.atLeast {
      guard let found = evidence.count(named: source) else { continue }
      find(source, SourceFinding(expected: known, found: found, isLowerBound: true))
    }
  }

  /// The median of the guests' figures.
  private static func price(_ reports: [RunnerReport]) -> ExitCost? {
    func middle(_ metric: String) -> Double? {
      let values = reports.compactMap { $0.metrics[metric] }.sorted()
      return values.isEmpty ? nil : values[values.count / 2]
    }
    guard let median = middle("latency.p50"), let mean = middle("latency.mean") else { return nil }
    return ExitCost(median: median, mean: mean)
  }

  /// What string instructions take beyond an ordinary exit each: something where they begin, and something for each further
  /// element that came with the exit. Two lengths tell the one from the other; of writes there is one length, and its elements
  /// bear all.
  private static func takeStringsApart(
    _ reports: [(workload: String, report: RunnerReport)], _ findings: inout ExitFindings
  ) {
    func string(_ workload: String, _ single: ExitKind) -> StringCost? {
      let good = reports.filter { $0.workload == workload && $0.report.status == .ok }.map(\.report)
      guard let whole = price(good), let one = findings.costs[single.rawValue] else { return nil }
      return StringCost(good, whole: whole, one: one)
    }
    if let short = string("exits.string.in", .portIn), let long = string("exits.sector.in", .portIn) {
      let slope = long.further - short.further
      guard slope > 0 else { return }
      func element(_ cost: (StringCost) -> Double) -> Double { max(0, (cost(long) - cost(short)) / slope) }
      let each = ExitCost(median: element(\.median), mean: element(\.mean))
      findings.costs[ExitKind.portInElement.rawValue] = each
      findings.costs[ExitKind.portInString.rawValue] = ExitCost(
        median: max(0, short.median - short.further * each.median), mean: max(0, short.mean - short.further * each.mean)
      )
    }
    if let writes = string("exits.string.out", .portOut) {
      findings.costs[ExitKind.portOutElement.rawValue] = ExitCost(
        median: max(0, writes.median / writes.further), mean: max(0, writes.mean / writes.further))
    }
  }
}

/// A string instruction's exit beside an ordinary one.
private struct StringCost {
  /// Elements that come with an exit beside its first.
  let further: Double
  /// Seconds an exit takes more.
  let median: Double
  let mean: Double

  /// Nil on a host that leaves the guest for every element: there a string is nothing else than many exits.
  init?(_ reports: [RunnerReport], whole: ExitCost, one: ExitCost) {
    let operations = reports.reduce(0) { $0 + ($1.metrics["window.ops"] ?? 0) }
    let tallies = reports.flatMap { $0.exits.byDetail.values }
    let exits = tallies.reduce(0) { $0 + Double($1.exits) }
    let elements = tallies.reduce(0) { $0 + Double($1.elements) }
    guard operations > 0, exits > 0, elements > exits else { return nil }
    further = elements / exits - 1
    median = whole.median * operations / exits - one.median
    mean = whole.mean * operations / exits - one.mean
  }
}

extension ExitSource {
  /// True where it can tell exits of `reason` from others.
  fileprivate func sees(_ reason: ExitReason) -> Bool {
    switch self {
    case .counter: false
    case .mmioStatistic, .memoryRecords: reason == .mmio
    case .userspaceRecords: true
    case .portRecords: reason == .io
    }
  }

  /// True where it was there to be asked.
  fileprivate func isAsked(_ evidence: ExitEvidence) -> Bool {
    switch self {
    case .counter: evidence.counted != nil
    case .mmioStatistic: true
    case .userspaceRecords: evidence.trace?.events["kvm_userspace_exit"]?.lost == 0
    case .portRecords: evidence.trace?.events["kvm_pio"]?.lost == 0
    case .memoryRecords: evidence.trace?.events["kvm_mmio"]?.lost == 0
    }
  }
}

extension ExitEvidence {
  /// All that a source has counted, `stats:exits` or `trace:kvm_exit`; nil where it was not asked.
  fileprivate func count(named source: String) -> UInt64? {
    let (kind, name) = (source.prefix { $0 != ":" }, String(source.drop { $0 != ":" }.dropFirst()))
    return kind == "stats" ? statistics[name] ?? 0 : trace?.events[name]?.count
  }
}
