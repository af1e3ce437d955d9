import Foundation
import HostTopology
import Measurement
import ResultStore

/// What begins a campaign.
public struct CampaignOptions: Sendable {
  /// The folder that runs are made in, where nobody names another.
  public static let defaultOut = "results"

  /// What to measure.
  public var request = RunRequest()
  /// Suites.
  public var library: SuiteLibrary
  /// The folder that runs are made in.
  public var out = Self.defaultOut
  /// An earlier run to go on with.
  public var resume: String?
  /// Use a `--disk` that holds data.
  public var overwriteDisk = false
  /// The run that this one is compared with when it is over.
  public var against: Against?
  /// The command line, for the record.
  public var command: [String] = []
  /// pvbench's version, for the record.
  public var version = ""
  /// Where to look for what is known of the gate on this host; nil for nowhere.
  public var calibrations: CalibrationStore?
  /// `PVBENCH_VM`, `PVBENCH_KVM_PATH`.
  public var environment: [String: String] = [:]
  /// Bytes of the disk image.
  var imageBytes = Plan.defaultImageBytes

  /// Options over these suites.
  public init(library: SuiteLibrary) { self.library = library }
}

/// How a campaign ended.
public struct CampaignResult: Sendable {
  /// The run's folder.
  public var folder: RunFolder
  /// Everything that has ended; nil where not even that could be read.
  public var record: RunRecord?
  /// What stopped it; nil where nothing did, or a signal.
  public var error: CampaignError?
  /// Whether all reports have been written.
  public var isPublished = false

  /// The process's exit code, but for signals (interface.md).
  public var exitCode: Int32 {
    if let error { return error.exitCode }
    guard let record, record.status == .complete else { return 1 }
    let isAllSkipped = record.cells.allSatisfy { $0.repetitions.allSatisfy { $0.status == .skipped } }
    return isAllSkipped ? 77 : 0
  }
}

/// A planned run in its folder: workload × mode × repetition, one runner process each. Every finished repetition is on disk
/// before the next one starts.
public struct Campaign: Sendable {
  /// Writes the reports of a run into its folder.
  public typealias Publisher = @Sendable (RunRecord, RunFolder) throws -> Void

  /// Where it is.
  public let folder: RunFolder
  var saved: SavedCampaign
  /// What is asked of this host first; nil where nothing is, or where it has been.
  let probe: Probe?
  let supervisor: Supervisor
  /// Of another build, where there is one.
  let previous: Supervisor?
  let resources: MachineResources
  let outlook: String
  /// What is known of the gate between runs of this host, for the record.
  let calibration: CalibrationNote?
  let moment: @Sendable (_ cpus: [Int]) -> HostMoment

  /// Guests to ask, and their places: they need other ones than the run's.
  struct Probe: Sendable {
    let plan: Plan
    let resources: MachineResources
  }

  /// One line where the host is less than fit to measure; nil where it is fit.
  public var hostWarnings: String? {
    let count = saved.host.warnings.count
    guard count > 0 else { return nil }
    let warnings = count == 1 ? "1 warning" : "\(count) warnings"
    return "this host is less than fit to measure: \(warnings) (see pvbench doctor)"
  }

  /// The plan that is carried out.
  public var plan: Plan { saved.plan }

  /// Plans a run, or finds the one to resume, after everything that can be checked has been: names, disk, KVM, runner.
  /// Nothing is made on disk before.
  public static func prepare(_ options: CampaignOptions) throws(CampaignError) -> Campaign {
    try prepare(options, host: .live)
  }

  /// What `prepare` would plan or resume; looks at no more of this host than the disk that is named.
  public static func plan(_ options: CampaignOptions) throws(CampaignError) -> Plan {
    if let path = options.resume { return try reopen(path, options).saved.plan }
    let plan = try Planner.plan(options.request, library: options.library, imageBytes: options.imageBytes)
    if let disk = plan.request.disk { try DiskTarget.check(disk, needed: plan.imageBytes) }
    return plan
  }

  static func prepare(_ options: CampaignOptions, host: HostServices) throws(CampaignError) -> Campaign {
    let existing: Existing? = if let path = options.resume { try reopen(path, options) } else { nil }
    let plan: Plan =
      if let existing { existing.saved.plan } else {
        try Planner.plan(options.request, library: options.library, imageBytes: options.imageBytes)
      }
    let kvmPath = KVMAccess.path(environment: options.environment)
    let programs = plan.cells.map(\.program)
    if programs.contains(where: \.needsKVM) { try KVMAccess.check(kvmPath) }
    let qemu = programs.contains(where: \.isQEMU) ? host.qemu(options.environment) : nil
    if case .missing(let reason) = qemu, programs.allSatisfy(\.isQEMU) { throw .host(reason) }
    let supervisor = try Supervisor.locate(environment: options.environment)
    let previous =
      programs.contains(.previous) ? try Supervisor.locatePrevious(environment: options.environment) : nil
    if let disk = plan.request.disk, plan.needsDisk {
      try DiskTarget.check(disk, needed: plan.imageBytes)
      if !options.overwriteDisk { try DiskTarget.checkContent(disk, byteCount: plan.imageBytes) }
    }
    let vcpus = plan.mostVCPUs
    var record = host.record(vcpus, kvmPath, options.out)
    record.configuration["unwatched"] = .array(host.moment([]).unwatched.map { .string($0.rawValue) })
    if case .found(_, let version) = qemu { record.configuration["qemu"] = .string(version) }
    if let previous { record.configuration["previous_runner"] = .string(previous.runner) }
    try options.against?.check(plan, on: record)
    let home = plan.request.numaNode
    var resources = host.resources(vcpus, home, kvmPath)
    if let home, case .failure(let obstacle)? = resources.placements[.local] {
      throw .usage("--numa node=\(home): \(obstacle)")
    }
    resources.qemu = qemu
    if plan.request.trace == true {
      do { resources.traces = try host.tracepoints() } catch { throw .host("--trace: \(error.reason)") }
    }
    let outlook = PlanOutlook.line(plan, library: options.library)
    let isAsked = host.asksGuests && plan.cells.contains(where: \.isCounted)
    let probe = (isAsked ? ExitProbe.plan(plan, library: options.library) : nil).map {
      var places = host.resources($0.mostVCPUs, home, kvmPath)
      places.traces = resources.traces
      return Probe(plan: $0, resources: places)
    }
    let calibration = try options.calibrations?.note(on: record)
    if let existing {
      guard existing.saved.host.fingerprint == record.fingerprint else {
        throw .usage(
          "--resume \(existing.folder.path): this run was begun on another host (\(existing.saved.host.name))")
      }
      existing.folder.removeLeftovers()
      return Campaign(
        folder: existing.folder, saved: existing.saved, probe: existing.saved.findings == nil ? probe : nil,
        supervisor: supervisor, previous: previous, resources: resources, outlook: outlook, calibration: calibration,
        moment: host.moment)
    }
    do {
      let folder = try RunFolder.create(in: options.out, host: record.name)
      let saved = SavedCampaign(
        plan: plan, started: Date().formatted(.iso8601), command: options.command, version: options.version,
        host: record,
        looking: CostOfLooking.last(in: options.out).flatMap { $0.fingerprint == record.fingerprint ? $0 : nil })
      try saved.write(to: folder)
      return Campaign(
        folder: folder, saved: saved, probe: probe, supervisor: supervisor, previous: previous, resources: resources,
        outlook: outlook, calibration: calibration, moment: host.moment)
    } catch let error as CampaignError {
      throw error
    } catch {
      throw .failure("\(error)")
    }
  }

  private typealias Existing = (folder: RunFolder, saved: SavedCampaign)

  /// Opens the run to go on with, if it still means the same.
  private static func reopen(_ name: String, _ options: CampaignOptions) throws(CampaignError) -> Existing {
    let folder = try StoredRun.find(name, in: options.out)
    let saved = try SavedCampaign.read(from: folder)
    if let conflict = options.request.conflict(with: saved.plan.request) {
      throw .usage("--resume \(name): \(conflict) (leave it out, or begin a new run)")
    }
    let current = try Planner.plan(
      saved.plan.request, library: options.library, imageBytes: saved.plan.imageBytes)
    if let changed = saved.plan.cells.first(where: { !current.cells.contains($0) }) {
      throw .usage(
        "--resume \(name): the definition of \(changed.workload.id) (\(changed.label)) has changed since the run began "
          + "(begin a new run)")
    }
    guard current == saved.plan else {
      throw .usage("--resume \(name): the suites have changed since the run began (begin a new run)")
    }
    return (folder, saved)
  }

  /// Carries out what is missing, then has the reports published: also after an error, and when the surrounding task is
  /// cancelled, which kills the repetition that is running.
  public func run(progress: any ProgressSink, publish: Publisher) async -> CampaignResult {
    var result = CampaignResult(folder: folder)
    var campaign = self
    progress.report(.planned(outlook))
    do {
      try await campaign.ask(progress)
      try await campaign.execute(progress)
    } catch {
      result.error = error
    }
    progress.report(.preparing("writing the reports"))
    do {
      var record = try campaign.saved.record(of: folder, finished: Date().formatted(.iso8601))
      record.calibration = calibration
      result.record = record
      try publish(record, folder)
      result.isPublished = true
    } catch {
      // What stopped the repetitions is the cause; a full disk stops the reports as well.
      result.error = result.error ?? error as? CampaignError ?? .failure("\(error)")
    }
    progress.report(.ended)
    return result
  }

  /// Asks this host what the run wants to know before it begins.
  private mutating func ask(_ progress: any ProgressSink) async throws(CampaignError) {
    guard let probe else { return }
    progress.report(.preparing("asking this host what it counts, and what an exit costs on it"))
    guard let findings = await ExitProbe.ask(probe.plan, probe.resources, supervisor) else { return }
    findings.notes.forEach { progress.report(.detail($0)) }
    if let remark = findings.traceRemark { progress.report(.planned(remark)) }
    saved.findings = findings
    try saved.write(to: folder)
  }

  private func execute(_ progress: any ProgressSink) async throws(CampaignError) {
    let finished = Set(try stored { () throws(StoreError) in try folder.finishedOrders() })
    let missing = plan.steps.indices.filter { !finished.contains($0) }
    let image = try makeImage(for: missing, progress)
    defer { if let image, plan.request.disk == nil { unlink(image.path) } }
    let countsReads: Bool
    do { countsReads = try image?.countsReads() ?? false } catch { throw .failure("\(error)") }
    var pace = Pace(plan: plan, missing: missing)
    for order in missing where !Task.isCancelled {
      let step = pace.progress(order: order)
      progress.report(.started(step))
      guard let file = try await measure(order, image: image, countsReads: countsReads, progress) else { return }
      try stored { () throws(StoreError) in try folder.write(file) }
      pace.finish(order: order)
      progress.report(.finished(step, file.repetition.status, reason: file.repetition.reason))
    }
  }

  private func makeImage(for missing: [Int], _ progress: any ProgressSink) throws(CampaignError) -> DiskImage? {
    let isNeeded = missing.contains {
      let cell = plan.cells[plan.steps[$0].cell]
      return cell.skipReason == nil && cell.usesImage
    }
    guard isNeeded, !Task.isCancelled else { return nil }
    progress.report(.preparing("seeding a disk image of \(Quantity.text(bytes: plan.imageBytes))"))
    let path = plan.request.disk ?? folder.file("disk.img")
    do {
      return try DiskImage(
        path: path, byteCount: plan.imageBytes, seed: plan.imageSeed, isNew: plan.request.disk == nil)
    } catch {
      if plan.request.disk == nil { unlink(path) }
      throw .failure("\(error)")
    }
  }

  /// Runs one repetition; nil where the campaign was interrupted in it.
  private func measure(
    _ order: Int, image: DiskImage?, countsReads: Bool, _ progress: any ProgressSink
  ) async throws(CampaignError) -> RepetitionFile? {
    let step = plan.steps[order]
    let cell = plan.cells[step.cell]
    var record: RepetitionRecord
    if let reason = cell.skipReason ?? resources.obstacle(to: cell) ?? lackOfProgram(cell) {
      record = RepetitionRecord(index: step.index, order: order, status: .skipped, reason: reason)
    } else {
      if let image, cell.isCached { try prepare(image) }
      var specification = plan.specification(of: step, disk: image?.path, resources: resources)
      let hasTimeline = plan.request.timeline == true && cell.program == .builtin && cell.workload.tool == nil
      if hasTimeline {
        specification.timeline = try stored { () throws(StoreError) in try folder.newTimeline(order: order) }
      }
      let supervisor = cell.program == .previous ? previous ?? supervisor : supervisor
      progress.report(.detail("\(supervisor.runner) \(specification.arguments.joined(separator: " "))"))
      let limit = Duration.seconds(Plan.limitSeconds(cell))
      let cpus = specification.vcpuCPUs + (specification.ioCPU.map { [$0] } ?? [])
      let before = moment(cpus)
      let outcome =
        if let tool = cell.workload.tool {
          await LinuxGuest.run(specification, tool: tool, limit: limit, on: supervisor)
        } else {
          await supervisor.run(specification, limit: limit)
        }
      let events = HostEvents(before: before, after: moment(cpus))
      if case .noKVM(let reason) = outcome { throw .host(reason) }
      guard
        let ended = RepetitionJudge.record(
          outcome, of: step, order: order, isOfHugePages: cell.workload.parameter("pages") == "thp",
          sources: saved.findings?.exact ?? [.counter])
      else { return nil }
      record = ended
      if let findings = saved.findings { record.trace = findings.believed(record.trace) }
      var slots: [UInt64] = []
      if case .report(let report, let diagnostics) = outcome {
        slots = report.slots
        Validity(of: cell, tolerated: plan.request.tolerated ?? [], countsReads: countsReads)
          .judge(&record, metrics: report.metrics, events)
        diagnostics.forEach { progress.report(.detail($0)) }
        try stored { () throws(StoreError) in try folder.writeGuestLog(report.log, order: order) }
        if hasTimeline { try stored { () throws(StoreError) in try folder.keepTimeline(order: order) } }
      }
      if let image, cell.usesImage { try settle(image, after: step, slots: slots, record: &record) }
    }
    return RepetitionFile(
      cell: cell.key, choices: cell.choices, primary: cell.workload.primary,
      warmupSeconds: Double(cell.warmupNanoseconds) / 1e9, repetition: record)
  }

  private func prepare(_ image: DiskImage) throws(CampaignError) {
    do { try image.fillPageCache() } catch { throw .failure("\(error)") }
  }

  /// Why the program that should run the cell's guests is not there; nil where it is.
  private func lackOfProgram(_ cell: PlannedCell) -> String? {
    guard cell.program.isQEMU, case .missing(let reason) = resources.qemu else { return nil }
    return reason
  }

  /// Checks the image and gives the next repetition a fresh one. A benchmark that wrote wrong data fails.
  private func settle(
    _ image: DiskImage, after step: PlannedStep, slots: [UInt64], record: inout RepetitionRecord
  ) throws(CampaignError) {
    func fail(_ reason: String) {
      (record.status, record.reason, record.metrics) = (.failed, reason, [:])
    }
    do {
      guard record.status == .ok || record.status == .invalid else {
        // Nobody knows what a guest wrote that did not end properly; one that was skipped wrote nothing.
        return record.status == .skipped ? () : try image.reseed()
      }
      do {
        guard let access = try plan.imageAccess(of: step, slots: slots) else { return }
        if let mismatch = try image.settle(access) { fail("\(mismatch)") }
      } catch let error as SlotError {
        fail("\(error)")
        try image.reseed()
      }
    } catch {
      throw .failure("\(error)")
    }
  }

  private func stored<Value>(_ body: () throws(StoreError) -> Value) throws(CampaignError) -> Value {
    do { return try body() } catch { throw .failure("\(error)") }
  }
}

/// Foretells how long the rest of a run takes: the plan's estimate, scaled by how well it has foretold so far.
struct Pace {
  private let plan: Plan
  private let started = ContinuousClock.now
  private var plannedRemaining: Double
  private var plannedDone = 0.0
  private var done: Int

  init(plan: Plan, missing: [Int]) {
    self.plan = plan
    done = plan.steps.count - missing.count
    plannedRemaining = missing.reduce(0) { $0 + PlanEstimate.seconds(plan.cells[plan.steps[$1].cell]) }
  }

  mutating func finish(order: Int) {
    let seconds = PlanEstimate.seconds(plan.cells[plan.steps[order].cell])
    plannedDone += seconds
    plannedRemaining -= seconds
    done += 1
  }

  func progress(order: Int) -> StepProgress {
    let step = plan.steps[order]
    let elapsed = Double((ContinuousClock.now - started) / .milliseconds(1)) / 1000
    let scale = plannedDone > 0 ? elapsed / plannedDone : 1
    return StepProgress(
      done: done, total: plan.steps.count, workload: plan.cells[step.cell].workload.id,
      mode: plan.cells[step.cell].label, repetition: step.index + 1,
      repetitions: plan.cells[step.cell].repetitions(of: plan.request.repetitions ?? 0),
      remainingSeconds: plannedRemaining * scale)
  }
}
