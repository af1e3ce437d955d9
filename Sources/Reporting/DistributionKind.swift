/// What has a section of distributions in the report, as data.
struct DistributionKind: Sendable {
  let anchor: String
  let title: String
  let lede: String
  /// How its workloads' ids begin.
  let prefix: String
  /// How the workloads' and the metrics' ids begin that are shown below the latencies; nil for none. Some workloads count what
  /// belongs here, but their latency is another thing's.
  let counts: (workloads: String, metrics: String)?
  /// The choice whose value says what was measured: every mode is then a row of its own. Nil where modes stand side by side.
  let choice: String?
  /// The table's unit.
  let unit: String
  /// Seconds in that unit.
  let unitSeconds: Double

  static let all = [
    DistributionKind(
      anchor: "costs", title: "What each way out of the guest costs",
      lede: """
        From the guest and back to it, measured by the guest; cheapest first. Lines run from the median to the 99.9th \
        percentile, with a tick at the 99th, as far as there are samples enough.
        """, prefix: "exits.", counts: nil, choice: nil, unit: "ns", unitSeconds: 1e-9),
    DistributionKind(
      anchor: "clocks", title: "What reading a clock costs",
      lede: """
        One read after the other, each timed by the time stamp counter. A clock that goes back fails its boot, and enters no \
        figure.
        """, prefix: "platform.clock.read", counts: ("platform.clock.", "clock."), choice: "clock", unit: "ns",
      unitSeconds: 1e-9),
    DistributionKind(
      anchor: "timers", title: "How late timers are",
      lede: "From the deadline to the first instruction of the handler, as the guest sees it.",
      prefix: "platform.timer.", counts: ("platform.timer.", "timer."), choice: "timer", unit: "µs", unitSeconds: 1e-6),
  ]
}
