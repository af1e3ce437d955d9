import Foundation
import MachineLauncher
import Measurement
import ResultStore
import Statistics

/// Measures what pvbench's own instruments cost: the same guests with all of them, without each, and without any, boot by boot
/// in turn (methodology, section 7).
public struct CostOfLooking: Sendable {
  /// Rounds where nobody says otherwise.
  public static let defaultRounds = 10
  /// The file of the last record, in the folder that runs are made in.
  static let fileName = "looking.json"
  /// Every exit of the one is a write to a port and nothing else; the other exits 266 times for each operation of a real driver.
  static let workloads = [("exits.pio.out", "full"), ("disk.randread.4k.qd1", "full+backend=memory")]
  /// By the guest's own clock: the host's would be an instrument as well.
  static let metric = "latency.p50"

  /// A set of instruments, and what differs from the default one: its name in the record.
  struct Arm: Equatable, Sendable {
    let name: String
    let instruments: Set<Instrument>

    /// The default set first: every other arm is compared with it.
    static let all: [Arm] =
      [Arm(name: "default", instruments: Set(Instrument.allCases))]
      + Instrument.allCases.map { Arm(name: $0.rawValue, instruments: Set(Instrument.allCases).subtracting([$0])) }
      + [Arm(name: "all", instruments: [])]
  }

  let plan: Plan
  let supervisor: Supervisor
  let resources: MachineResources
  let host: HostServices
  let fingerprint: String
  let version: String
  let out: String

  /// Checks everything that can be checked before: KVM, the runner, the folder of runs.
  public static func prepare(_ options: CampaignOptions) throws(CampaignError) -> CostOfLooking {
    try prepare(options, host: .live)
  }

  static func prepare(_ options: CampaignOptions, host: HostServices) throws(CampaignError) -> CostOfLooking {
    var request = RunRequest()
    request.workloads = workloads.map(\.0)
    request.modes = workloads.map(\.1)
    request.repetitions = options.request.repetitions ?? defaultRounds
    request.quick = true
    request.seed = options.request.seed
    request.tolerated = options.request.tolerated
    var plan = try Planner.plan(request, library: options.library)
    plan.cells = workloads.compactMap { workload, mode in
      plan.cells.first { $0.workload.id == workload && $0.label == mode }
    }
    let kvmPath = KVMAccess.path(environment: options.environment)
    try KVMAccess.check(kvmPath)
    return CostOfLooking(
      plan: plan, supervisor: try Supervisor.locate(environment: options.environment),
      resources: host.resources(1, nil, kvmPath), host: host,
      fingerprint: host.record(1, kvmPath, options.out).fingerprint,
      version: options.version, out: options.out)
  }

  /// The record that was made last for runs in `out`; nil where there is none that this pvbench can read.
  static func last(in out: String) -> LookingRecord? {
    guard let bytes = try? AtomicFile.read("\(out)/\(fileName)") else { return nil }
    return try? JSONDecoder().decode(LookingRecord.self, from: Data(bytes))
  }

  /// Measures, and leaves the record where the next runs find it.
  ///
  /// - Throws: also where a guest did not measure: a cost that some boots are missing from is none.
  public func measure(progress: any ProgressSink) async throws(CampaignError) -> LookingRecord {
    let rounds = plan.request.repetitions ?? Self.defaultRounds
    var values: [[String: [[String: Double]]]] = plan.cells.map { _ in [:] }
    for round in 0..<rounds {
      progress.report(.preparing("round \(round + 1) of \(rounds)"))
      for cell in plan.cells.indices {
        for arm in round.isMultiple(of: 2) ? Arm.all : Arm.all.reversed() {
          guard let metrics = try await boot(PlannedStep(cell: cell, index: round), arm) else { continue }
          values[cell][arm.name, default: []].append(metrics)
        }
        // A round counts as a whole or not at all: pairs must stay pairs.
        let complete = Arm.all.map { values[cell][$0.name]?.count ?? 0 }.min() ?? 0
        for arm in Arm.all { values[cell][arm.name] = values[cell][arm.name].map { Array($0.prefix(complete)) } }
      }
    }
    progress.report(.ended)
    let rows = plan.cells.indices.flatMap { cell in
      Arm.all.dropFirst().compactMap {
        Self.row(plan.cells[cell], $0, on: values[cell]["default"] ?? [], off: values[cell][$0.name] ?? [])
      }
    }
    let record = LookingRecord(
      measured: Date().formatted(.iso8601), version: version, fingerprint: fingerprint, rows: rows)
    try write(record)
    return record
  }

  /// One guest's metrics; nil where it was disturbed.
  private func boot(_ step: PlannedStep, _ arm: Arm) async throws(CampaignError) -> [String: Double]? {
    let cell = plan.cells[step.cell]
    var specification = plan.specification(of: step, disk: nil, resources: resources)
    specification.instruments = arm.instruments
    let cpus = specification.vcpuCPUs + (specification.ioCPU.map { [$0] } ?? [])
    let before = host.moment(cpus)
    let outcome = await supervisor.run(specification, limit: .seconds(Plan.limitSeconds(cell)))
    let events = HostEvents(before: before, after: host.moment(cpus))
    if case .noKVM(let reason) = outcome { throw .host(reason) }
    guard var record = RepetitionJudge.record(outcome, of: step, order: 0) else { throw .failure("interrupted") }
    Validity(of: cell, tolerated: plan.request.tolerated ?? [], countsReads: false)
      .judge(&record, metrics: record.metrics, events)
    guard record.status == .ok || record.status == .invalid else {
      throw .failure("\(cell.workload.id) \(cell.label): \(record.reason ?? "no reason given")")
    }
    return record.status == .ok ? record.metrics : nil
  }

  /// What the instruments that `arm` lacks add to the metric and to each exit; nil without pairs.
  static func row(
    _ cell: PlannedCell, _ arm: Arm, on: [[String: Double]], off: [[String: Double]]
  ) -> LookingRecord.Row? {
    let with = on.compactMap { $0[metric] }
    let without = off.compactMap { $0[metric] }
    guard let ratio = HodgesLehmann.pairedRatio(without, with), let median = OrderStatistics.median(with),
      let bare = OrderStatistics.median(without),
      let exits = OrderStatistics.median(on.compactMap { $0["exits.per_op"] })
    else { return nil }
    let added = HodgesLehmann.paired(zip(with, without).map { ($0 - $1) / exits })
    return LookingRecord.Row(
      workload: cell.workload.id, mode: cell.label, instrument: arm.name, metric: metric, n: with.count, on: median,
      off: bare, ratio: (ratio.value, ratio.low, ratio.high),
      exitSeconds: exits > 0 ? added.map { ($0.value, $0.low, $0.high) } : nil)
  }

  private func write(_ record: LookingRecord) throws(CampaignError) {
    do {
      try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
      try AtomicFile.write(record.json, to: "\(out)/\(Self.fileName)")
    } catch { throw .failure("\(error)") }
  }
}
