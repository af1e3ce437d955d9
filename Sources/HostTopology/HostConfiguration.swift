import Measurement

/// The host's software and settings: what may change from one night to the next on the same machine. Recorded with every
/// run, never part of the fingerprint (methodology, section 5).
struct HostConfiguration {
  let kernel: String?
  let governors: [String]
  let turboIsOn: Bool?
  let smtIsOn: Bool?
  let ksmIsRunning: Bool?
  let clocksource: String?
  let record: [String: JSONValue]

  init(sysfs: String, procfs: String, cpu: CPUFacts, kvm: KVMFacts) {
    let cpus = sysfs + "/devices/system/cpu"
    let folders = HostFile.names(in: cpus).filter { $0.hasPrefix("cpu") && Int($0.dropFirst(3)) != nil }
    kernel = HostFile.text(procfs + "/sys/kernel/osrelease")
    governors = Set(folders.compactMap { HostFile.text("\(cpus)/\($0)/cpufreq/scaling_governor") }).sorted()
    turboIsOn = Self.turbo(cpus)
    smtIsOn = HostFile.text(cpus + "/smt/active").map { $0 == "1" }
    ksmIsRunning = HostFile.text(sysfs + "/kernel/mm/ksm/run").map { $0 == "1" }
    clocksource = HostFile.text(sysfs + "/devices/system/clocksource/clocksource0/current_clocksource")

    let vulnerabilities = cpus + "/vulnerabilities"
    let mitigations = HostFile.names(in: vulnerabilities).map { name in
      (name, Self.string(HostFile.text("\(vulnerabilities)/\(name)")))
    }
    let pages = sysfs + "/kernel/mm/hugepages"
    let hugePages = HostFile.names(in: pages).map { name in
      (name, HostFile.number("\(pages)/\(name)/nr_hugepages").map { JSONValue.number(Double($0)) } ?? .null)
    }
    record = [
      "kernel_release": Self.string(kernel),
      "kernel_version": Self.string(HostFile.text(procfs + "/sys/kernel/version")),
      "command_line": Self.string(HostFile.text(procfs + "/cmdline")),
      "microcode": Self.string(cpu.microcode),
      "firmware_version": Self.string(HostFile.text(sysfs + "/class/dmi/id/bios_version")),
      "mitigations": .object(Dictionary(uniqueKeysWithValues: mitigations)),
      "kvm_parameters": .object(kvm.parameters),
      "governors": .array(governors.map(JSONValue.string)),
      "turbo": turboIsOn.map(JSONValue.bool) ?? .null,
      "smt": smtIsOn.map(JSONValue.bool) ?? .null,
      "deepest_idle_state": Self.string(Self.deepestIdleState(cpus)),
      "transparent_huge_pages": Self.string(
        Self.bracketed(HostFile.text(sysfs + "/kernel/mm/transparent_hugepage/enabled"))),
      "ksm": ksmIsRunning.map(JSONValue.bool) ?? .null,
      "clocksource": Self.string(clocksource),
      "huge_pages": .object(Dictionary(uniqueKeysWithValues: hugePages)),
      "numa_balancing": Self.string(HostFile.text(procfs + "/sys/kernel/numa_balancing")),
    ]
  }

  /// intel_pstate says `no_turbo`, acpi-cpufreq says `boost`; nil where neither is there.
  private static func turbo(_ cpus: String) -> Bool? {
    if let text = HostFile.text(cpus + "/intel_pstate/no_turbo") { return text == "0" }
    return HostFile.text(cpus + "/cpufreq/boost").map { $0 == "1" }
  }

  private static func deepestIdleState(_ cpus: String) -> String? {
    let folder = cpus + "/cpu0/cpuidle"
    let states = HostFile.names(in: folder).compactMap { $0.hasPrefix("state") ? Int($0.dropFirst(5)) : nil }
    return states.max().flatMap { HostFile.text("\(folder)/state\($0)/name") }
  }

  /// The chosen word of `always [madvise] never`.
  static func bracketed(_ text: String?) -> String? {
    guard let text, let open = text.firstIndex(of: "["), let close = text[open...].firstIndex(of: "]") else {
      return text
    }
    return String(text[text.index(after: open)..<close])
  }

  private static func string(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
}
