/// Everything that the warnings are made from.
struct WarningFacts {
  let cpu: CPUFacts
  let configuration: HostConfiguration
  let load: HostLoad
  let topology: Topology
  let pinning: PinningPlan?
  let tracepoint: TracepointEvent

  /// What makes the host less than fit to measure, a sentence each; a fact that is unknown warns of nothing.
  var sentences: [String] {
    [
      cpu.isVirtual
        ? "the host is itself a virtual machine: guests are nested and timings include its hypervisor" : nil,
      pinning.map(\.warning) ?? "no CPU is known to pin threads to",
      governor, smt, turbo, ksm, clocksource, busy, steal, outOfReach,
    ].compactMap(\.self)
  }

  private var governor: String? {
    let others = configuration.governors.filter { $0 != "performance" }
    guard !others.isEmpty else { return nil }
    return "the frequency governor is \(others.joined(separator: ", ")), not performance: clock speed varies"
  }

  private var smt: String? {
    configuration.smtIsOn == true ? "SMT is on: a busy sibling slows a vCPU down" : nil
  }

  private var turbo: String? {
    configuration.turboIsOn == true ? "turbo is on: clock speed varies with load and temperature" : nil
  }

  private var ksm: String? {
    configuration.ksmIsRunning == true ? "KSM is running: it scans and merges guest memory" : nil
  }

  private var clocksource: String? {
    guard let source = configuration.clocksource, source != "tsc" else { return nil }
    return "the clocksource is \(source), not tsc: reading the time is slower or less exact"
  }

  private var busy: String? {
    guard let average = load.average, !topology.cpus.isEmpty else { return nil }
    let limit = Double(topology.cpus.count) / 2
    let count = topology.cpus.count == 1 ? "1 CPU" : "\(topology.cpus.count) CPUs"
    return average > limit ? "the host is busy: load average \(average) on \(count)" : nil
  }

  private var steal: String? {
    guard let share = load.stolenShare, share > 0.005 else { return nil }
    let percent = Double(Int((share * 1000).rounded())) / 10
    return "the host has lost \(percent) % of its CPU time since boot to its own hypervisor (steal)"
  }

  private var outOfReach: String? {
    guard case .outOfReach(let reason) = tracepoint else { return nil }
    return "exits are not counted by the kernel a second time: \(reason)"
  }
}
