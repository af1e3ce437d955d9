import Measurement

/// What starting a guest of one cell cost.
struct BootRow: Sendable {
  let workload: String
  let mode: String
  let cells: [WorkloadSection.CellView]

  static let metrics = ["boot.first_instruction", "boot.ready", "memory.runner_overhead", "memory.guest_touched"]

  /// Nil where none of it was measured.
  init?(_ summary: CellSummary) {
    guard !summary.metrics.isDisjoint(with: Self.metrics) else { return nil }
    workload = summary.cell.workload
    mode = summary.cell.mode
    cells = Self.metrics.map { id in
      WorkloadSection.CellView(summary, id: id, unit: MetricCatalog.metric(id)?.unit ?? "")
    }
  }
}

/// The host as facts for people. Its name is left out: reports are shared.
enum HostFacts {
  /// What belongs on the first screen.
  static func short(_ host: HostRecord) -> [Fact] {
    var facts: [Fact] = []
    if let model = host.cpu["model_name"] ?? host.cpu["model"] { facts.append(Fact(label: "CPU", value: text(model))) }
    facts.append(Fact(label: "Kernel", value: host.kernel))
    if let vendor = host.kvm["vendor"] { facts.append(Fact(label: "KVM", value: text(vendor))) }
    return facts
  }

  /// Everything that was recorded.
  static func all(_ host: HostRecord) -> [Fact] {
    var facts = [Fact(label: "fingerprint", value: host.fingerprint), Fact(label: "kernel", value: host.kernel)]
    for (group, values) in [("cpu", host.cpu), ("kvm", host.kvm), ("", host.configuration)] {
      for (key, value) in values.sorted(by: { $0.key < $1.key }) {
        facts.append(Fact(label: group.isEmpty ? words(key) : "\(group) \(words(key))", value: text(value)))
      }
    }
    for (index, node) in host.numa.enumerated() { facts.append(Fact(label: "NUMA node \(index)", value: text(node))) }
    return facts
  }

  private static func words(_ key: String) -> String { key.split(separator: "_").joined(separator: " ") }

  static func text(_ value: JSONValue) -> String {
    switch value {
    case .null: "unknown"
    case .bool(let flag): flag ? "yes" : "no"
    case .number(let number): Int64(exactly: number).map { "\($0)" } ?? "\(number)"
    case .string(let string): string
    case .array(let values): values.map(text).joined(separator: ", ")
    case .object(let members):
      members.sorted { $0.key < $1.key }.map { "\(words($0.key)) \(text($0.value))" }.joined(separator: ", ")
    }
  }
}
