import GuestMemory
import KVM
import Measurement
import MachineLauncher
import PVWire

/// What a guest's end left behind, without any of the machinery: from it the report is made by a pure function.
struct GuestOutcome {
  var stopReason = StopReason.interrupted
  var timedOutAfterSeconds: Double?
  var heartbeat: UInt64 = 0
  /// How long this process stood still; nil where nobody looked.
  var standstillSeconds: Double?
  var hostError: String?
  var panic: (vector: UInt64, error: UInt64, rip: UInt64, cr2: UInt64)?
  var records: [GuestRecord] = []
  var window: WindowMeasurement?
  /// Exits inside the window, of all vCPUs; nil where nobody told them apart.
  var exits: ExitCounts? = ExitCounts()
  var tscHertz: UInt64 = 1
  var createTSC: UInt64 = 0
  /// From the start of this process, as whoever started it has noted it, to the first byte on the guest's console.
  var firstByteSeconds: Double?
  var firstInstructionTSC: UInt64?
  var readyTSC: UInt64?
  var memoryUsage: (guest: UInt64, runner: UInt64)?
  /// Where RAM was when the window closed, and where it should have been.
  var residence: PageResidence?
  var memoryNodes: [Int] = []
  /// Nil where the loop is another program's.
  var loopExits: UInt64? = 0
  var kernelExits: UInt64?
  var log: [String] = []
  var notes: [String] = []
  /// What the network card and the port behind it have counted, by metric.
  var networkCounts: [String: UInt64] = [:]
  /// What the balloon has counted, by metric.
  var memoryCounts: [String: UInt64] = [:]
  /// The way out that the guest has taken over and over.
  var way: WayOut?

  /// When the guest's window opened and closed, by its own TSC; nil where it has said nothing of it.
  var guestWindow: (start: UInt64, end: UInt64)? {
    for case .window(_, _, let start, let end, _) in records { return (start, end) }
    return nil
  }
}

/// Turns an outcome into the runner's report.
enum ReportBuilder {
  static func report(_ outcome: GuestOutcome) -> RunnerReport {
    var report = RunnerReport()
    report.log = outcome.log
    report.notes = outcome.notes
    addTimes(outcome, to: &report)
    addPlaces(outcome, to: &report)
    addRecords(outcome, to: &report)
    // What a guest lost and what a host's sink missed are the same thing, seen from either end of the stream.
    for (id, count) in outcome.networkCounts { report.metrics[id, default: 0] += Double(count) }
    for (id, count) in outcome.memoryCounts { report.metrics[id] = Double(count) }
    (report.status, report.reason) = verdict(outcome)
    if report.status == .ok, let departures = Departures(outcome) {
      if let absence = departures.absence { (report.status, report.reason) = (.skipped, absence) }
      if let complaint = departures.complaint { (report.status, report.reason) = (.failed, complaint) }
    }
    return report
  }

  /// How the repetition ended, worst news first.
  private static func verdict(_ outcome: GuestOutcome) -> (RepetitionStatus, String?) {
    if let error = outcome.hostError { return (.failed, error) }
    if let seconds = outcome.timedOutAfterSeconds {
      return (.failed, "the guest did not finish within \(seconds) s (its heartbeat stands at \(outcome.heartbeat))")
    }
    switch outcome.stopReason {
    case .done: break
    case .panic:
      guard let panic = outcome.panic else { return (.failed, "the guest panicked") }
      let text =
        "exception \(panic.vector), error code \(hex(panic.error)), at \(hex(panic.rip)), CR2 \(hex(panic.cr2))"
      return (.failed, "the guest panicked: \(text)")
    case .tripleFault: return (.failed, "the guest triple-faulted")
    case .powerOff: return (.failed, "the guest halted without a result")
    case .machineCheck(let text): return (.failed, text)
    case .interrupted: return (.failed, "the guest was interrupted")
    }
    for record in outcome.records {
      switch record {
      case .failure(let text): return (.failed, String(decoding: text, as: UTF8.self))
      case .skip(let text): return (.skipped, String(decoding: text, as: UTF8.self))
      default: continue
      }
    }
    guard outcome.window != nil, outcome.records.contains(where: { $0.type == 3 }) else {
      return (.failed, "the guest ended without a measured window")
    }
    return (.ok, nil)
  }

  private static func addTimes(_ outcome: GuestOutcome, to report: inout RunnerReport) {
    let hertz = Double(outcome.tscHertz)
    if let seconds = outcome.firstByteSeconds { report.metrics["boot.first_byte"] = seconds }
    if let tsc = outcome.firstInstructionTSC {
      report.metrics["boot.first_instruction"] = Double(tsc &- outcome.createTSC) / hertz
    }
    if let tsc = outcome.readyTSC { report.metrics["boot.ready"] = Double(tsc &- outcome.createTSC) / hertz }
    report.metrics["host.stood_still"] = outcome.standstillSeconds
    if let usage = outcome.memoryUsage {
      report.metrics["memory.guest_touched"] = Double(usage.guest)
      report.metrics["memory.runner_overhead"] = Double(usage.runner)
    }
    report.metrics["exits.loop_total"] = outcome.loopExits.map { Double($0) }
    if let exits = outcome.kernelExits { report.metrics["exits.kernel_total"] = Double(exits) }
  }

  /// Where guest RAM is, page by page, where it was bound to nodes.
  private static func addPlaces(_ outcome: GuestOutcome, to report: inout RunnerReport) {
    guard !outcome.memoryNodes.isEmpty else { return }
    guard let residence = outcome.residence else {
      return report.notes.append("the kernel does not say on which NUMA nodes guest RAM is")
    }
    let pages = residence.pages.sorted { $0.key < $1.key }.map { "\($0.value) on node \($0.key)" }
    report.notes.append("touched pages of guest RAM: \(pages.joined(separator: ", "))")
    report.metrics["memory.misplaced"] = Double(
      residence.misplaced(outside: outcome.memoryNodes) * GuestMemory.pageByteCount)
  }

  /// Guests send whole numbers: what is a fraction in results is counted in a smaller unit.
  private static let guestUnits = [
    "clock.drift": 1e9, "clock.host_seconds": 1e9, "clock.host_drift_uncertainty": 1e9, "steal.guest": 1e9,
  ]

  private static func addRecords(_ outcome: GuestOutcome, to report: inout RunnerReport) {
    var histograms: [String: Histogram] = [:]
    var drift: ClockDrift?
    for record in outcome.records {
      switch record {
      case .log(let text): report.log.append(String(decoding: text, as: UTF8.self))
      case .value(let name, let value):
        let id = String(decoding: name, as: UTF8.self)
        guard id != ClockDrift.metric else {
          drift = ClockDrift(billionths: Int64(bitPattern: value))
          continue
        }
        report.metrics[id] = Double(value) / Self.guestUnits[id, default: 1]
      case .window(let operations, let bytes, let start, let end, let empty):
        addWindow(
          outcome, operations: Double(operations), bytes: Double(bytes), ticks: Double(end - start),
          empty: Double(empty),
          to: &report)
      case .slots(let slots): report.slots = slots
      case .histogram(let name, let pairs):
        for pair in pairs {
          // Bucket numbers were validated when the record was read.
          _ = histograms[String(decoding: name, as: UTF8.self), default: Histogram()]
            .add(bucket: Int(pair.bucket), count: UInt64(pair.count))
        }
      case .failure, .skip: continue
      }
    }
    for (name, histogram) in histograms { add(histogram, name: name, to: &report) }
    for statistic in ["min", "p50", "p99", "p99.9"] {
      report.metrics["cycles.\(statistic)"] = report.metrics["latency.\(statistic)"].map {
        $0 * Double(outcome.tscHertz)
      }
    }
    drift?.add(to: &report)
    addSteal(outcome, to: &report)
  }

  /// The guest's account of stolen time beside the host's; a guest that has none is compared with nothing.
  private static func addSteal(_ outcome: GuestOutcome, to report: inout RunnerReport) {
    guard let seen = report.metrics["steal.guest"] else { return }
    guard let waited = outcome.window?.runDelaySeconds else {
      return report.notes.append("the host's scheduler keeps no account of waiting threads (/proc/PID/schedstat)")
    }
    report.metrics["steal.host"] = waited
    if waited > 0 { report.metrics["steal.ratio"] = seen / waited }
  }

  private static func addWindow(
    _ outcome: GuestOutcome, operations: Double, bytes: Double, ticks: Double, empty: Double,
    to report: inout RunnerReport
  ) {
    let seconds = ticks / Double(outcome.tscHertz)
    guard seconds > 0, operations > 0 else { return }
    report.metrics["window.seconds"] = seconds
    report.metrics["window.ops"] = operations
    report.metrics["window.loop_seconds"] = empty / Double(outcome.tscHertz)
    report.metrics["throughput.ops"] = operations / seconds
    // Operations that move nothing have no bytes a second.
    if bytes > 0 { report.metrics["throughput.bytes"] = bytes / seconds }
    guard let window = outcome.window else { return }
    report.kvmStats = window.kvmStats
    if let exits = outcome.exits {
      report.exits = exits
      report.metrics["exits.per_op"] = Double(exits.userspace) / operations
      // Exits that nobody timed took an unknown time, not none.
      if exits.total == 0 || !exits.latency.isEmpty {
        let handlers = exits.latency.values.reduce(0) { $0 + $1.sum }
        report.metrics["exits.handler_seconds_per_op"] = handlers / operations
      }
    }
    // A counter that has not moved need not count on this host: missing is not zero.
    report.metrics["exits.kvm_per_op"] = window.kvmStats["exits"].map { Double($0) / operations }
    report.metrics["host.run_delay"] = window.longestRunDelaySeconds
    report.metrics["host.storage_read"] = window.storageReadBytes.map { Double($0) }
    report.metrics["host.cpu_seconds"] = window.cpuSeconds
    report.metrics["host.cpu_seconds_per_op"] = window.cpuSeconds / operations
  }

  /// The histogram, and its percentiles as far as its samples carry them (methodology, section 2).
  private static func add(_ histogram: Histogram, name: String, to report: inout RunnerReport) {
    report.histograms[name] = histogram.encoded()
    report.metrics["\(name).mean"] = histogram.mean.map { $0 / 1e9 }
    report.metrics["\(name).min"] = histogram.minimum.map { Double($0) / 1e9 }
    report.metrics["\(name).max"] = histogram.maximum.map { Double($0) / 1e9 }
    for (label, quantile) in [("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
      let needed = UInt64(Histogram.samplesNeeded(forQuantile: quantile))
      if histogram.count >= needed, let value = histogram.percentile(quantile) {
        report.metrics["\(name).\(label)"] = Double(value) / 1e9
      } else {
        report.notes.append("\(name).\(label): insufficient samples (\(histogram.count) < \(needed))")
      }
    }
  }

  private static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
