import Glibc

/// The host's clocks at one moment, in nanoseconds (clock_gettime(2)).
public struct HostClocks: Equatable, Sendable {
  /// CLOCK_REALTIME, which can be set.
  public var realtime: Int64
  /// CLOCK_MONOTONIC_RAW, which nobody puts right.
  public var raw: Int64
  /// CLOCK_MONOTONIC, which stands still while the host is suspended.
  public var monotonic: Int64
  /// CLOCK_BOOTTIME, which does not.
  public var boot: Int64

  /// Made-up clocks.
  public init(realtime: Int64, raw: Int64, monotonic: Int64, boot: Int64) {
    self.realtime = realtime
    self.raw = raw
    self.monotonic = monotonic
    self.boot = boot
  }

  /// This host's, now.
  public static func now() -> HostClocks {
    HostClocks(
      realtime: read(CLOCK_REALTIME), raw: read(CLOCK_MONOTONIC_RAW), monotonic: read(CLOCK_MONOTONIC),
      boot: read(CLOCK_BOOTTIME))
  }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// What one CPU's counters and settings say at one moment. What cannot be read is nil.
public struct CPUMoment: Equatable, Sendable {
  /// The kernel's number.
  public var id: Int
  /// Time since boot that this host's own hypervisor gave to others, in seconds (proc(5), stat), in steps of 10 ms.
  public var stealSeconds: Double?
  /// How often the core and its package were throttled since boot (Linux, ABI/testing/sysfs-devices-system-cpu).
  public var throttles: Int?
  /// The frequency governor.
  public var governor: String?
  /// The lowest and the highest frequency that the governor may choose, as the kernel has them: `800000-3500000`, in kHz.
  public var frequencyLimits: String?
  /// The frequency in kHz.
  public var frequency: Int?

  /// A CPU of which nothing is known.
  public init(id: Int) { self.id = id }
}

/// What can change under a running guest, at one moment. Two of them say what did.
public struct HostMoment: Equatable, Sendable {
  /// The CPUs that matter.
  public var cpus: [CPUMoment]
  /// The kernel's current clocksource; nil where it does not say.
  public var clocksource: String?
  /// The clocks.
  public var clocks: HostClocks

  /// A moment; see the properties.
  public init(cpus: [CPUMoment], clocksource: String?, clocks: HostClocks) {
    self.cpus = cpus
    self.clocksource = clocksource
    self.clocks = clocks
  }
}

extension HostProbe {
  /// The host now, and these CPUs of it; all that are online where the list is empty.
  public func moment(cpus ids: [Int], clocks: HostClocks = .now()) -> HostMoment {
    let folder = sysfs + "/devices/system/cpu"
    let steal = stealSeconds()
    let ids = ids.isEmpty ? CPUList.parse(HostFile.text(folder + "/online")) : ids
    let cpus = Set(ids).sorted().map { id in
      var cpu = CPUMoment(id: id)
      let frequency = "\(folder)/cpu\(id)/cpufreq/scaling_"
      let counts = ["core", "package"].compactMap {
        HostFile.number("\(folder)/cpu\(id)/thermal_throttle/\($0)_throttle_count")
      }
      cpu.stealSeconds = steal[id]
      cpu.throttles = counts.isEmpty ? nil : counts.reduce(0, +)
      cpu.governor = HostFile.text(frequency + "governor")
      if let low = HostFile.number(frequency + "min_freq"), let high = HostFile.number(frequency + "max_freq") {
        cpu.frequencyLimits = "\(low)-\(high)"
      }
      cpu.frequency = HostFile.number(frequency + "cur_freq")
      return cpu
    }
    return HostMoment(
      cpus: cpus, clocksource: HostFile.text(sysfs + "/devices/system/clocksource/clocksource0/current_clocksource"),
      clocks: clocks)
  }

  /// Stolen time of every CPU. Its lines in /proc/stat are `cpu3 user nice system idle iowait irq softirq steal …`, in ticks of
  /// 10 ms (USER_HZ).
  private func stealSeconds() -> [Int: Double] {
    var seconds: [Int: Double] = [:]
    for line in (HostFile.text(procfs + "/stat") ?? "").split(separator: "\n") where line.hasPrefix("cpu") {
      let fields = line.split(separator: " ")
      guard let id = Int(fields[0].dropFirst(3)), fields.count > 8 else { continue }
      seconds[id] = Double(fields[8]).map { $0 / 100 }
    }
    return seconds
  }
}
