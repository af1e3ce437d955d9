import HostTopology

/// What happened to the host between two moments, as far as it can be read. What cannot be is in `unwatched`.
struct HostEvents {
  /// Stolen time of a guest's CPU that is let pass: a share of the time that passed, but never less than five of the ticks
  /// that it is counted in.
  static let stealShare = 0.05
  static let stealSeconds = 0.05
  /// How far CLOCK_REALTIME may move against CLOCK_MONOTONIC_RAW without having been set: slewing is limited to 500 ppm
  /// (adjtimex(2)), and the two clocks are not read at once.
  static let slewShare = 0.001
  static let slewSeconds = 0.01
  /// Time asleep that is no rounding.
  static let suspendedSeconds = 0.01
  /// Change of the frequency under the governor `performance`, which keeps it as high as it can: more than steps of turbo.
  static let frequencyShare = 0.2

  let before: HostMoment
  let after: HostMoment

  /// Everything that was seen.
  var seen: [SeenDisturbance] {
    let perCPU = pairs.flatMap { [steal($0, $1), throttling($0, $1), frequency($0, $1)] }
    return (perCPU + [clock, suspension, clocksource]).compactMap(\.self)
  }

  private var pairs: [(CPUMoment, CPUMoment)] {
    before.cpus.compactMap { cpu in after.cpus.first { $0.id == cpu.id }.map { (cpu, $0) } }
  }

  private var elapsedSeconds: Double { Double(after.clocks.raw - before.clocks.raw) / 1e9 }

  private func steal(_ before: CPUMoment, _ after: CPUMoment) -> SeenDisturbance? {
    guard let first = before.stealSeconds, let last = after.stealSeconds else { return nil }
    let stolen = ((last - first) * 100).rounded() / 100  // ticks
    guard stolen > max(Self.stealSeconds, Self.stealShare * elapsedSeconds) else { return nil }
    return SeenDisturbance(
      kind: .steal,
      evidence: "the host's hypervisor took \(Quantity.text(seconds: stolen)) of CPU \(before.id)'s "
        + Quantity.text(seconds: elapsedSeconds))
  }

  private func throttling(_ before: CPUMoment, _ after: CPUMoment) -> SeenDisturbance? {
    guard let first = before.throttles, let last = after.throttles, last > first else { return nil }
    return SeenDisturbance(
      kind: .throttling, evidence: "CPU \(before.id) or its package was throttled \(last - first) times")
  }

  private func frequency(_ before: CPUMoment, _ after: CPUMoment) -> SeenDisturbance? {
    func changed(_ what: String, _ first: String, _ last: String) -> SeenDisturbance {
      SeenDisturbance(kind: .frequency, evidence: "the \(what) of CPU \(before.id) went from \(first) to \(last)")
    }
    if let first = before.governor, let last = after.governor, first != last {
      return changed("governor", first, last)
    }
    if let first = before.frequencyLimits, let last = after.frequencyLimits, first != last {
      return changed("frequency limits", first + " kHz", last + " kHz")
    }
    // Any other governor moves the frequency all the time, as it should.
    guard before.governor == "performance", let first = before.frequency, let last = after.frequency else { return nil }
    guard Double(abs(last - first)) > Self.frequencyShare * Double(max(first, last)) else { return nil }
    return changed("frequency", "\(first) kHz", "\(last) kHz")
  }

  private var clock: SeenDisturbance? {
    let (first, last) = (before.clocks, after.clocks)
    let moved = Double((last.realtime - first.realtime) - (last.raw - first.raw)) / 1e9 - suspendedSeconds
    guard abs(moved) > Self.slewSeconds + Self.slewShare * elapsedSeconds else { return nil }
    let direction = moved > 0 ? "forward" : "back"
    return SeenDisturbance(
      kind: .clock, evidence: "the host's clock was set \(direction) by \(Quantity.text(seconds: abs(moved)))")
  }

  /// The raw clock stands still as well while the host is suspended, and the time of day does not.
  private var suspendedSeconds: Double {
    let (first, last) = (before.clocks, after.clocks)
    return Double((last.boot - first.boot) - (last.monotonic - first.monotonic)) / 1e9
  }

  private var suspension: SeenDisturbance? {
    guard suspendedSeconds > Self.suspendedSeconds else { return nil }
    return SeenDisturbance(
      kind: .clock, evidence: "the host was suspended for \(Quantity.text(seconds: suspendedSeconds))")
  }

  private var clocksource: SeenDisturbance? {
    guard let first = before.clocksource, let last = after.clocksource, first != last else { return nil }
    return SeenDisturbance(kind: .clocksource, evidence: "the clocksource went from \(first) to \(last)")
  }
}

extension HostMoment {
  /// What this host does not tell: unknown, and not fine for that.
  var unwatched: [Disturbance] {
    var kinds: [Disturbance] = []
    if !cpus.allSatisfy({ $0.stealSeconds != nil }) { kinds.append(.steal) }
    if !cpus.allSatisfy({ $0.throttles != nil }) { kinds.append(.throttling) }
    if !cpus.allSatisfy({ $0.governor != nil && $0.frequencyLimits != nil }) { kinds.append(.frequency) }
    if clocksource == nil { kinds.append(.clocksource) }
    return kinds
  }
}
