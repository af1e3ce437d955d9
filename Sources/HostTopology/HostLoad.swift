/// How busy the host is at one moment. Two samples tell what a run suffered.
public struct HostLoad: Equatable, Sendable {
  /// CPU time that this host's own hypervisor gave to others, in seconds since boot; nil where /proc/stat has none.
  public let stealSeconds: Double?
  /// All CPU time, idle included, in seconds since boot.
  public let totalSeconds: Double
  /// Load average of the last minute; nil where it cannot be read.
  public let average: Double?

  /// Samples `procfs`.
  public init(procfs: String = "/proc") {
    let line = (HostFile.text(procfs + "/stat") ?? "").split(separator: "\n").first { $0.hasPrefix("cpu ") }
    // user nice system idle iowait irq softirq steal; guest time is already in user time (proc(5)).
    let ticks = (line ?? "").split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
    // USER_HZ is 100 on every architecture that Linux still has.
    stealSeconds = ticks.count == 8 ? ticks[7] / 100 : nil
    totalSeconds = ticks.reduce(0, +) / 100
    average = HostFile.text(procfs + "/loadavg")?.split(separator: " ").first.flatMap { Double($0) }
  }

  /// The share of CPU time stolen since `earlier`, 0 to 1; nil where it cannot be told.
  public func stolenShare(since earlier: HostLoad) -> Double? {
    Self.share(from: (earlier.stealSeconds, earlier.totalSeconds), to: (stealSeconds, totalSeconds))
  }

  /// The share of CPU time stolen since boot.
  var stolenShare: Double? { Self.share(from: (0, 0), to: (stealSeconds, totalSeconds)) }

  private static func share(from a: (steal: Double?, total: Double), to b: (steal: Double?, total: Double)) -> Double? {
    guard let before = a.steal, let after = b.steal, b.total > a.total else { return nil }
    return (after - before) / (b.total - a.total)
  }
}
