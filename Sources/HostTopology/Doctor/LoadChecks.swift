extension HostCheck {
  /// Clocks and what interrupts them.
  static let time: [HostCheck] = [
    HostCheck(id: "time.clocksource", why: "reading the time is slower or less exact") { host in
      let folder = "/devices/system/clocksource/clocksource0"
      let source = try host.sys(folder + "/current_clocksource")
      guard source != "tsc" else { return .ok("the clocksource is tsc") }
      let available = HostFile.text(host.sysfs + folder + "/available_clocksource") ?? ""
      let path = host.sysfs + folder + "/current_clocksource"
      // Not for --apply: the kernel had a reason to leave an unstable TSC.
      let remedy = available.split(separator: " ").contains("tsc") ? Remedy("echo tsc | tee \(path)") : nil
      return .warning("the clocksource is \(source), not tsc", remedy)
    },
    HostCheck(id: "time.watchdog", why: "it interrupts every CPU and takes a hardware counter") { host in
      guard try host.proc("/sys/kernel/nmi_watchdog") != "0" else { return .ok("the NMI watchdog is off") }
      return .warning("the NMI watchdog is on", Remedy("sysctl kernel.nmi_watchdog=0"))
    },
    HostCheck(id: "time.irqbalance", why: "it moves interrupts to CPUs that measure") { host in
      let isRunning = host.processes.contains { HostFile.text("\(host.procfs)/\($0)/comm") == "irqbalance" }
      return isRunning
        ? .warning("irqbalance is running", Remedy("systemctl stop irqbalance")) : .ok("irqbalance is not running")
    },
    HostCheck(id: "kernel.debugging", why: "every lock and allocation is slower than on a host in service") { host in
      let release = try host.proc("/sys/kernel/osrelease")
      guard !HostFile.exists(host.procfs + "/lockdep") else {
        return .warning("kernel \(release) has lockdep", .advice("boot a kernel without CONFIG_PROVE_LOCKING"))
      }
      return .ok("kernel \(release) has no lockdep")
    },
  ]

  /// What else the host is doing.
  static let load: [HostCheck] = [
    HostCheck(id: "load.average", why: "other work takes CPU time from guests") { host in
      let text = try host.proc("/loadavg")
      guard let average = host.load.average, !host.topology.cpus.isEmpty else {
        return .cannotTell("\(host.procfs)/loadavg is not a load average: \(text.prefix(40))")
      }
      let count = host.topology.cpus.count == 1 ? "1 CPU" : "\(host.topology.cpus.count) CPUs"
      let found = "load average \(average) on \(count)"
      guard average > Double(host.topology.cpus.count) / 2 else { return .ok(found) }
      return .warning("the host is busy: \(found)", .advice("find what runs (top), and end it or wait"))
    },
    HostCheck(id: "load.pressure", why: "threads wait for a CPU that others have") { host in
      let text = try host.proc("/pressure/cpu")
      guard let share = pressure(text) else {
        return .cannotTell("\(host.procfs)/pressure/cpu has no avg60: \(text.prefix(40))")
      }
      let found = "some thread waited for a CPU \(share) % of the last minute"
      return share > 5 ? .warning(found, .advice("find what runs (top), and end it or wait")) : .ok(found)
    },
    HostCheck(id: "load.guests", why: "they compete for CPUs, caches and memory") { host in guests(host) },
    HostCheck(id: "load.steal", why: "guests stand still while the host's hypervisor runs others") { host in
      _ = try host.proc("/stat")
      guard let share = host.load.stolenShare else { return .cannotTell("\(host.procfs)/stat has no steal time") }
      let percent = Double(Int((share * 1000).rounded())) / 10
      let found = "the host has lost \(percent) % of its CPU time since boot to its own hypervisor (steal)"
      return share > 0.005 ? .warning(found, nil) : .ok(found)
    },
  ]

  /// `some avg10=0.00 avg60=1.23 …`: the share of the last minute in which some thread waited, in percent
  /// (Documentation/accounting/psi.rst).
  private static func pressure(_ text: String) -> Double? {
    let line = text.split(separator: "\n").first { $0.hasPrefix("some ") }
    let field = line?.split(separator: " ").first { $0.hasPrefix("avg60=") }
    return field.flatMap { Double($0.dropFirst(6)) }
  }

  /// Every virtual machine is a descriptor of some process, whatever program it is.
  private static func guests(_ host: HostReading) -> Verdict? {
    var machines = 0
    var closed = 0
    for process in host.processes {
      let folder = "\(host.procfs)/\(process)/fd"
      guard HostFile.canRead(folder) else {
        // Gone since the list was made, or somebody else's.
        if HostFile.exists(folder) { closed += 1 }
        continue
      }
      machines += HostFile.names(in: folder).count { HostFile.link("\(folder)/\($0)") == "anon_inode:kvm-vm" }
    }
    let others = machines == 1 ? "1 other virtual machine is" : "\(machines) other virtual machines are"
    guard machines == 0 else { return .warning("\(others) running", .advice("shut them down while you measure")) }
    guard closed == 0 else {
      return .cannotTell("the descriptors of \(closed) processes cannot be read (run as root)")
    }
    return .ok("no other virtual machine is running")
  }
}
