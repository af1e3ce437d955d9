import HostTopology
import Measurement

/// Decides whether a repetition says anything of its guest (docs/decisions/0023-invalid-not-slow.md). What the runner and the
/// host have seen is compared with limits; one that was passed makes the repetition invalid, with the numbers.
struct Validity {
  /// Share of the window that a vCPU's or an I/O thread may have waited for its CPU, where no other of its guest runs there.
  static let runDelayShare = 0.05
  /// Wait that is no competition, whatever the window: a kernel's own threads now and then.
  static let runDelaySeconds = 0.02
  /// Time that a runner may stand still, in seconds: one that is merely late is not stopped.
  static let standstillSeconds = 0.5
  /// Share of what a guest read past the page cache that must have come from the disk.
  static let storageShare = 0.9

  /// What is known and forgiven.
  var tolerated: [Disturbance] = []
  /// Bytes that may be on their way from the disk when the window opens; nil where reads are not told apart from the page
  /// cache: writes, other back ends, a file system that keeps no account.
  var bytesInFlight: Double?

  /// Everything that was seen of a repetition with these metrics.
  func seen(_ metrics: [String: Double], _ host: HostEvents) -> [SeenDisturbance] {
    [load(metrics), standstill(metrics), cache(metrics)].compactMap(\.self) + host.seen
  }

  /// Makes `record` invalid where something was seen that is not tolerated. A repetition that failed stays failed, but its reason
  /// names what may have been the cause.
  func judge(_ record: inout RepetitionRecord, metrics: [String: Double], _ host: HostEvents) {
    let all = seen(metrics, host)
    if record.status == .ok { record.notes += Self.unwatched(metrics).map { "\($0.rawValue) was not watched" } }
    let grave = all.filter { !tolerated.contains($0.kind) }
    record.notes += all.filter { tolerated.contains($0.kind) }.map { "tolerated: \($0.text)" }
    guard !grave.isEmpty else { return }
    let reason = grave.map(\.text).joined(separator: "; ")
    switch record.status {
    case .ok: (record.status, record.reason) = (.invalid, reason)
    case .invalid, .failed: record.reason = (record.reason.map { $0 + "; " } ?? "") + "meanwhile \(reason)"
    case .skipped: return
    }
  }

  /// What nobody could look at: threads that share CPUs, a kernel without that account.
  private static func unwatched(_ metrics: [String: Double]) -> [Disturbance] {
    [(.load, "host.run_delay"), (.stopped, "host.stood_still")].compactMap { metrics[$1] == nil ? $0 : nil }
  }

  private func load(_ metrics: [String: Double]) -> SeenDisturbance? {
    guard let waited = metrics["host.run_delay"], let window = metrics["window.seconds"],
      waited > Self.runDelaySeconds, waited > Self.runDelayShare * window
    else { return nil }
    return SeenDisturbance(
      kind: .load,
      evidence: "a vCPU's or an I/O thread waited \(Quantity.text(seconds: waited)) of "
        + "\(Quantity.text(seconds: window)) for its CPU, which other work had")
  }

  private func standstill(_ metrics: [String: Double]) -> SeenDisturbance? {
    guard let seconds = metrics["host.stood_still"], seconds > Self.standstillSeconds else { return nil }
    return SeenDisturbance(kind: .stopped, evidence: "the runner stood still for \(Quantity.text(seconds: seconds))")
  }

  private func cache(_ metrics: [String: Double]) -> SeenDisturbance? {
    guard let bytesInFlight, let given = metrics["host.storage_read"], let rate = metrics["throughput.bytes"],
      let window = metrics["window.seconds"], given < Self.storageShare * rate * window - bytesInFlight
    else { return nil }
    let (all, disk) = (UInt64((rate * window).rounded()), UInt64(given))
    return SeenDisturbance(
      kind: .cache, evidence: "of \(all) bytes that were read past the page cache the disk gave \(disk)")
  }
}

extension Validity {
  /// How a cell's repetitions are judged; `countsReads` says that reads of the image are in the kernel's account of it.
  init(of cell: PlannedCell, tolerated: [Disturbance], countsReads: Bool) {
    self.tolerated = tolerated
    guard countsReads, cell.usesImage, !cell.isCached, cell.workload.parameter("operation") == "read",
      let block = cell.workload.number("block"), let depth = cell.workload.number("depth")
    else { return }
    bytesInFlight = Double(block * depth)
  }
}
