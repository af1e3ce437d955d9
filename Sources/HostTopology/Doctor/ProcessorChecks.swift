extension HostCheck {
  /// Clock speed, idling, siblings and isolation of the CPUs.
  static let processor: [HostCheck] = [
    HostCheck(id: "cpu.virtual", why: "guests are nested and timings include its hypervisor") { host in
      guard !host.cpu.flags.isEmpty else { return .cannotTell("/proc/cpuinfo lists no flags") }
      return host.cpu.isVirtual ? .warning("the host is itself a virtual machine", nil) : .ok("not a virtual machine")
    },
    HostCheck(id: "cpu.placement", why: "threads that share a CPU or reach across nodes slow each other down") { host in
      guard let plan = host.pinning else { return .warning("no CPU is known to pin threads to", nil) }
      guard let warning = plan.warning else { return .ok("every thread of a guest has a core") }
      return .warning(warning, nil)
    },
    HostCheck(id: "frequency.governor", why: "clock speed varies") { host in
      let paths = host.cpuFolders.map { $0 + "/cpufreq/scaling_governor" }
      guard !host.configuration.governors.isEmpty else {
        return .cannotTell("no CPU has a frequency governor here (cpufreq); the hypervisor or firmware sets the speed")
      }
      let others = host.configuration.governors.filter { $0 != "performance" }
      guard !others.isEmpty else { return .ok("the frequency governor is performance") }
      let wrong = paths.filter { HostFile.text($0).map { $0 != "performance" } ?? false }
      return .warning(
        "the frequency governor is \(others.joined(separator: ", ")), not performance",
        Remedy(
          writing: "performance", to: wrong,
          pattern: host.sysfs + "/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
    },
    HostCheck(id: "frequency.turbo", why: "clock speed varies with load and temperature") { host in
      guard let isOn = host.configuration.turboIsOn else {
        return .cannotTell("neither intel_pstate/no_turbo nor cpufreq/boost is in /sys/devices/system/cpu")
      }
      guard isOn else { return .ok("turbo is off") }
      let folder = host.sysfs + "/devices/system/cpu"
      let isIntel = HostFile.exists(folder + "/intel_pstate/no_turbo")
      let path = folder + (isIntel ? "/intel_pstate/no_turbo" : "/cpufreq/boost")
      return .warning("turbo is on", Remedy(writing: isIntel ? "1" : "0", to: [path], pattern: path))
    },
    HostCheck(id: "frequency.idle", why: "waking from it adds to every wake-up") { host in idleStates(host) },
    HostCheck(id: "cpu.smt", why: "a busy sibling slows a vCPU down") { host in
      guard try host.sys("/devices/system/cpu/smt/active") == "1" else { return .ok("SMT is off") }
      // Not for --apply: cpusets lose the CPUs that go, and do not have them back when these return.
      return .warning("SMT is on", Remedy("echo off | tee \(host.sysfs)/devices/system/cpu/smt/control"))
    },
    HostCheck(id: "cpu.isolation", why: "other work and timer ticks interrupt vCPUs") { host in
      let words = try host.commandLine
      let given = ["isolcpus", "nohz_full", "rcu_nocbs"].filter { name in words.contains { $0.hasPrefix(name + "=") } }
      guard !given.contains("isolcpus") || !given.contains("nohz_full") else {
        return .ok("CPUs are isolated (\(given.joined(separator: ", ")))")
      }
      let cpus = host.topology.cpus.count
      guard cpus > 2 else { return .warning("no CPU is isolated, and \(cpus) are too few to isolate any", nil) }
      let list = "2-\(cpus - 1)"
      return .warning(
        given.isEmpty ? "no CPU is isolated" : "of the CPUs' isolation there is only \(given.joined(separator: ", "))",
        .advice("add isolcpus=\(list) nohz_full=\(list) rcu_nocbs=\(list) to the kernel's command line, and reboot"))
    },
    HostCheck(id: "cpu.microcode", why: "mitigations and costs of exits depend on it") { host in
      host.cpu.microcode.map { .ok("microcode \($0)") } ?? .cannotTell("/proc/cpuinfo names no microcode")
    },
    HostCheck(id: "cpu.mitigations", why: "exits are cheaper than on a host in service") { host in
      let folder = host.sysfs + "/devices/system/cpu/vulnerabilities"
      let names = HostFile.names(in: folder)
      guard !names.isEmpty else { return .cannotTell("\(folder) lists none") }
      let isOff = try host.commandLine.contains { $0 == "mitigations=off" }
      let vulnerable = names.filter { HostFile.text("\(folder)/\($0)")?.hasPrefix("Vulnerable") == true }
      guard isOff || !vulnerable.isEmpty else {
        return .ok("\(names.count) vulnerabilities known, each mitigated or absent")
      }
      let which = vulnerable.isEmpty ? "mitigations=off" : vulnerable.joined(separator: ", ")
      return .warning("not mitigated: \(which)", .advice("update the microcode, and boot with mitigations=auto"))
    },
  ]

  /// States that take longer to leave than the cheapest exit takes, in µs.
  private static let longestWakeUp = 10

  private static func idleStates(_ host: HostReading) -> Verdict? {
    var names: Set<String> = []
    var paths: [String] = []
    var known = 0
    for folder in host.cpuFolders.map({ $0 + "/cpuidle" }) {
      for state in HostFile.names(in: folder).map({ "\(folder)/\($0)" }) {
        guard let latency = HostFile.number(state + "/latency") else { continue }
        known += 1
        guard latency > longestWakeUp, HostFile.text(state + "/disable") == "0" else { continue }
        names.insert(HostFile.text(state + "/name") ?? "?")
        paths.append(state + "/disable")
      }
    }
    guard known > 0 else { return .cannotTell("no CPU lists idle states (cpuidle)") }
    guard !paths.isEmpty else { return .ok("no idle state takes more than \(longestWakeUp) us to leave") }
    let sorted = names.sorted().joined(separator: ", ")
    return .warning(
      "idle states that take more than \(longestWakeUp) us to leave are in use: \(sorted)",
      Remedy(
        // A pattern would also name the shallow states.
        "for f in \(host.sysfs)/devices/system/cpu/cpu[0-9]*/cpuidle/state*; do "
          + "[ \"$(cat $f/latency)\" -le \(longestWakeUp) ] || echo 1 > $f/disable; done",
        settings: paths.map { Setting(path: $0, value: "1") }))
  }
}
