/// Which way a metric gets better.
public enum Polarity: String, Codable, Sendable {
  case higher
  case lower
}

/// A metric as data: everything that tables, gates and reports need to know of it. To add a metric is to add a row to
/// `MetricCatalog`.
public struct Metric: Codable, Sendable, Equatable {
  /// Stable identifier, `throughput.ops`.
  public var id: String
  /// Base unit: `s`, `B`, `1`, `1/s`, `B/s`.
  public var unit: String
  /// Direction of improvement.
  public var better: Polarity
  /// Smallest relative change that counts (0.05 is 5 %).
  public var floorRelative: Double
  /// Smallest absolute change that counts, in `unit`; nil where only the relative one applies.
  public var floorAbsolute: Double?
  /// True where a gate may use it as a cell's primary metric.
  public var primary: Bool
  /// A few words for people.
  public var label: String

  /// A metric row; see the properties.
  public init(
    id: String, unit: String, better: Polarity, floorRelative: Double = 0.05, floorAbsolute: Double? = nil,
    primary: Bool = false, label: String
  ) {
    self.id = id
    self.unit = unit
    self.better = better
    self.floorRelative = floorRelative
    self.floorAbsolute = floorAbsolute
    self.primary = primary
    self.label = label
  }

  enum CodingKeys: String, CodingKey {
    case id, unit, better, primary, label
    case floorRelative = "floor_relative"
    case floorAbsolute = "floor_absolute"
  }

  /// Writes every key; an absent floor is `null`, never missing.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(id, forKey: .id)
    try container.encode(unit, forKey: .unit)
    try container.encode(better, forKey: .better)
    try container.encode(floorRelative, forKey: .floorRelative)
    try container.encode(floorAbsolute, forKey: .floorAbsolute)
    try container.encode(primary, forKey: .primary)
    try container.encode(label, forKey: .label)
  }
}

/// Every metric that pvbench knows, one row each.
public enum MetricCatalog {
  /// All rows, in the order in which reports show them.
  public static let all: [Metric] = [
    Metric(id: "throughput.ops", unit: "1/s", better: .higher, primary: true, label: "Operations per second"),
    Metric(id: "throughput.bytes", unit: "B/s", better: .higher, primary: true, label: "Bytes per second"),
    Metric(id: "latency.mean", unit: "s", better: .lower, floorAbsolute: 10e-6, label: "Latency, mean"),
    Metric(id: "latency.min", unit: "s", better: .lower, floorAbsolute: 1e-6, label: "Latency, smallest"),
    Metric(id: "latency.p50", unit: "s", better: .lower, floorAbsolute: 10e-6, primary: true, label: "Latency, median"),
    Metric(id: "latency.p99", unit: "s", better: .lower, floorAbsolute: 10e-6, label: "Latency, 99th percentile"),
    Metric(id: "latency.p99.9", unit: "s", better: .lower, floorAbsolute: 10e-6, label: "Latency, 99.9th percentile"),
    Metric(id: "cycles.min", unit: "1", better: .lower, floorAbsolute: 1e3, label: "TSC cycles, smallest"),
    Metric(id: "cycles.p50", unit: "1", better: .lower, floorAbsolute: 1e4, label: "TSC cycles, median"),
    Metric(id: "cycles.p99", unit: "1", better: .lower, floorAbsolute: 1e4, label: "TSC cycles, 99th percentile"),
    Metric(id: "cycles.p99.9", unit: "1", better: .lower, floorAbsolute: 1e4, label: "TSC cycles, 99.9th percentile"),
    Metric(id: "latency.max", unit: "s", better: .lower, floorAbsolute: 100e-6, label: "Latency, largest"),
    Metric(id: "network.lost", unit: "1", better: .lower, floorAbsolute: 1, label: "Frames lost"),
    Metric(id: "network.corrupted", unit: "1", better: .lower, floorAbsolute: 1, label: "Frames changed on the way"),
    Metric(id: "network.duplicated", unit: "1", better: .lower, floorAbsolute: 1, label: "Frames that came twice"),
    Metric(id: "network.reordered", unit: "1", better: .lower, floorAbsolute: 1, label: "Frames that were overtaken"),
    Metric(
      id: "network.unsent", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Frames that were due but found no buffer"),
    Metric(id: "network.sent", unit: "1", better: .higher, floorAbsolute: 1, label: "Frames that the guest sent"),
    Metric(
      id: "network.received", unit: "1", better: .higher, floorAbsolute: 1, label: "Frames that the guest received"),
    Metric(
      id: "network.port_sent", unit: "1", better: .higher, floorAbsolute: 1,
      label: "Guest's frames that the port behind its card took"),
    Metric(
      id: "network.port_received", unit: "1", better: .higher, floorAbsolute: 1,
      label: "Frames that the port gave to the guest's card"),
    Metric(
      id: "network.dropped_card_outgoing", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Guest's frames dropped at its card"),
    Metric(
      id: "network.dropped_card_incoming", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Frames for the guest dropped at its card"),
    Metric(
      id: "network.dropped_port_outgoing", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Guest's frames dropped behind its card"),
    Metric(
      id: "network.dropped_port_incoming", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Frames for the guest dropped before its card"),
    Metric(
      id: "network.dropped_far_side", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Guest's frames dropped by the host's socket"),
    Metric(
      id: "network.peer_dropped_port_outgoing", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Other guest's frames dropped behind its card"),
    Metric(
      id: "network.peer_dropped_port_incoming", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Frames for the other guest dropped before its card"),
    Metric(
      id: "network.peer_dropped_card_outgoing", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Other guest's frames dropped at its card"),
    Metric(
      id: "network.peer_dropped_card_incoming", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Frames for the other guest dropped at its card"),
    Metric(
      id: "network.taken", unit: "1", better: .higher, floorAbsolute: 1,
      label: "Datagrams that the far side took"),
    Metric(
      id: "network.retransmits", unit: "1", better: .lower, floorAbsolute: 1,
      label: "TCP segments that were sent again"),
    Metric(
      id: "network.interrupts", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Interrupts of the network card, whole life"),
    Metric(
      id: "network.doorbells", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Doorbells of the network card, whole life"),
    Metric(
      id: "eoi.saved", unit: "1", better: .higher, floorAbsolute: 1,
      label: "Ends of interrupt without a write, whole life"),
    Metric(id: "lock.turns", unit: "1", better: .higher, floorAbsolute: 1, label: "Turns at the lock, whole life"),
    Metric(id: "ipi.sent", unit: "1", better: .higher, floorAbsolute: 1, label: "Interrupts sent between vCPUs"),
    Metric(id: "ipi.handled", unit: "1", better: .higher, floorAbsolute: 1, label: "Interrupts handled by vCPUs"),
    Metric(
      id: "clock.drift", unit: "1", better: .lower, floorAbsolute: 1e-6,
      label: "Relative difference of the clock against the TSC"),
    Metric(
      id: "clock.host_drift", unit: "1", better: .lower, floorAbsolute: 1e-6, primary: true,
      label: "Relative difference of the clock against the host's"),
    Metric(
      id: "clock.host_drift_uncertainty", unit: "1", better: .lower, floorAbsolute: 1e-6,
      label: "Uncertainty of that difference"),
    Metric(id: "clock.host_seconds", unit: "s", better: .higher, label: "Host's time over which it was found"),
    Metric(
      id: "clock.reads", unit: "1", better: .higher, floorAbsolute: 1,
      label: "Reads of the clock in the window, none of them earlier than one before"),
    Metric(id: "timer.armed", unit: "1", better: .higher, floorAbsolute: 1, label: "Timers armed, whole life"),
    Metric(
      id: "timer.handled", unit: "1", better: .higher, floorAbsolute: 1, label: "Timer interrupts handled, whole life"),
    Metric(id: "timer.lost", unit: "1", better: .lower, floorAbsolute: 1, label: "Timers whose interrupt never came"),
    Metric(id: "timer.missed", unit: "1", better: .lower, floorAbsolute: 1, label: "Deadlines missed in the window"),
    Metric(
      id: "timer.early", unit: "1", better: .lower, floorAbsolute: 1, label: "Interrupts before their deadline"),
    Metric(
      id: "timer.replayed", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Interrupts of missed deadlines that came later"),
    Metric(
      id: "steal.guest", unit: "s", better: .lower, floorAbsolute: 1e-3, label: "Steal time as vCPU 0 sees it, window"),
    Metric(
      id: "steal.host", unit: "s", better: .lower, floorAbsolute: 1e-3,
      label: "The same by the host's scheduler: its thread's wait for a CPU"),
    Metric(
      id: "steal.ratio", unit: "1", better: .higher, floorAbsolute: 0.01,
      label: "Steal time that the guest sees, of what the host's scheduler says"),
    Metric(id: "exits.per_op", unit: "1", better: .lower, floorAbsolute: 0.1, label: "Userspace exits per operation"),
    Metric(
      id: "exits.kvm_per_op", unit: "1", better: .lower, floorAbsolute: 0.1,
      label: "All exits per operation, as KVM counts them"),
    Metric(id: "exits.handler_seconds_per_op", unit: "s", better: .lower, label: "Time in exit handlers per operation"),
    Metric(id: "host.cpu_seconds", unit: "s", better: .lower, label: "Host CPU in the window"),
    Metric(id: "host.cpu_seconds_per_op", unit: "s", better: .lower, label: "Host CPU per operation"),
    Metric(
      id: "host.run_delay", unit: "s", better: .lower, floorAbsolute: 10e-3,
      label: "Longest wait of a vCPU's or an I/O thread for its CPU, window"),
    Metric(
      id: "host.stood_still", unit: "s", better: .lower, floorAbsolute: 0.1,
      label: "Time that the runner stood still, whole life"),
    Metric(
      id: "host.storage_read", unit: "B", better: .lower, floorAbsolute: 4096,
      label: "Bytes that storage gave to the runner in the window"),
    Metric(id: "window.seconds", unit: "s", better: .lower, label: "Measured window"),
    Metric(id: "window.ops", unit: "1", better: .higher, label: "Operations in the window"),
    Metric(id: "window.loop_seconds", unit: "s", better: .lower, label: "Cost of one empty measurement"),
    Metric(
      id: "boot.first_byte", unit: "s", better: .lower, floorAbsolute: 1e-3,
      label: "Start of the runner's process to the guest's first byte"),
    Metric(
      id: "boot.first_instruction", unit: "s", better: .lower, floorAbsolute: 100e-6,
      label: "KVM_CREATE_VM to first guest instruction"),
    Metric(
      id: "boot.vmm_ready", unit: "s", better: .lower, floorAbsolute: 1e-3,
      label: "Process start to a machine that can run"),
    Metric(
      id: "boot.kernel_entry", unit: "s", better: .lower, floorAbsolute: 1e-3,
      label: "Process start to a foreign kernel's first instruction"),
    Metric(
      id: "boot.console", unit: "s", better: .lower, floorAbsolute: 1e-3,
      label: "Process start to the console's first byte"),
    Metric(id: "boot.init", unit: "s", better: .lower, floorAbsolute: 1e-3, label: "Process start to Linux's init"),
    Metric(
      id: "boot.marker", unit: "s", better: .lower, floorAbsolute: 1e-3, label: "Process start to the user's marker"),
    Metric(id: "boot.end", unit: "s", better: .lower, floorAbsolute: 1e-3, label: "Process start to the guest's end"),
    Metric(id: "boot.ready", unit: "s", better: .lower, floorAbsolute: 1e-3, label: "KVM_CREATE_VM to workload ready"),
    Metric(
      id: "memory.runner_overhead", unit: "B", better: .lower, floorAbsolute: 65536,
      label: "Runner PSS beyond touched guest RAM"),
    Metric(
      id: "memory.misplaced", unit: "B", better: .lower, floorAbsolute: 4096,
      label: "Guest RAM beside its NUMA nodes"),
    Metric(id: "memory.guest_touched", unit: "B", better: .lower, floorAbsolute: 65536, label: "Guest RAM touched"),
    Metric(
      id: "memory.reclaimed", unit: "B", better: .higher, floorAbsolute: 65536,
      label: "Guest RAM given back through the balloon, whole life"),
    Metric(
      id: "memory.balloon_free", unit: "B", better: .higher, floorAbsolute: 65536,
      label: "Free RAM that the guest's balloon driver reports"),
    Metric(
      id: "memory.dirtied", unit: "1", better: .higher, floorAbsolute: 1, label: "Pages that the guest wrote to"),
    Metric(
      id: "exits.loop_total", unit: "1", better: .lower, floorAbsolute: 1, label: "Exits seen by the loop, whole life"),
    Metric(
      id: "exits.kernel_total", unit: "1", better: .lower, floorAbsolute: 1,
      label: "Exits counted by kvm_userspace_exit, whole life"),
  ]

  /// The row with this id.
  public static func metric(_ id: String) -> Metric? { all.first { $0.id == id } }
}
