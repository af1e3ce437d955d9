import Foundation
import Testing

@testable import HostTopology

@Suite("the checks of a host")
struct DoctorTests {
  /// One check on a made-up host.
  struct Case: CustomTestStringConvertible, Sendable {
    let id: String
    /// What differs from `fit`, by path.
    let changes: [String: String?]
    let text: String

    var testDescription: String { "\(id): \(text)" }
  }

  /// The server with everything as it should be.
  private static let fit: [String: String?] = {
    var files: [String: String?] = [
      "sys/devices/system/cpu/smt/active": "0\n", "sys/devices/system/cpu/intel_pstate/no_turbo": "1\n",
      "sys/kernel/mm/ksm/run": "0\n", "proc/loadavg": "0.10 0 0 1/1 1\n", "proc/stat": "cpu  1 0 1 900 0 0 0 0 0 0\n",
      "sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
      "sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm\n",
      "sys/module/kvm/parameters/nx_huge_pages": "N\n", "sys/module/kvm/parameters/ignore_msrs": "N\n",
      "sys/module/kvm_intel/parameters/enable_apicv": "Y\n",
      "sys/dev/block/8:0/queue/scheduler": "[none] mq-deadline\n", "sys/dev/block/8:0/queue/rotational": "0\n",
      "proc/cmdline": "quiet isolcpus=2-7 nohz_full=2-7\n",
      "proc/pressure/cpu": "some avg10=9.00 avg60=0.50 avg300=9 total=1\n",
      "proc/sys/kernel/nmi_watchdog": "0\n", "proc/sys/kernel/numa_balancing": "0\n",
      "proc/sys/kernel/randomize_va_space": "2\n", "proc/sys/kernel/perf_event_paranoid": "-1\n",
      "proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
      "proc/meminfo": "MemTotal:       32830112 kB\nMemAvailable:   20000000 kB\n",
      "proc/self/mountinfo": "27 1 8:0 / / rw - ext4 /dev/sda rw\n",
      "proc/self/limits":
        "Max open files            65536                65536                files     \nMax locked memory         unlimited            unlimited            bytes     \n",
    ]
    for cpu in 0..<8 {
      let folder = "sys/devices/system/cpu/cpu\(cpu)"
      files["\(folder)/cpufreq/scaling_governor"] = "performance\n"
      files["\(folder)/cpuidle/state0/latency"] = "0\n"
      files["\(folder)/cpuidle/state2/latency"] = "133\n"
      files["\(folder)/cpuidle/state2/name"] = "C6\n"
      files["\(folder)/cpuidle/state2/disable"] = "1\n"
    }
    return files
  }()

  private static func tree(_ changes: [String: String?] = [:]) throws -> FixtureTree {
    try FixtureTree.server(fit.merging(changes) { $1 })
  }

  private static func findings(_ tree: FixtureTree) -> [Finding] {
    HostProbe(sysfs: tree.sysfs, procfs: tree.procfs, kvmPath: "/nonexistent/kvm").findings(results: "/")
  }

  private static func finding(_ id: String, _ changes: [String: String?] = [:]) throws -> Finding {
    try #require(findings(try tree(changes)).first { $0.id == id })
  }

  @Test func aFitHostHasNoWarningButForItsMissingKVM() throws {
    let warnings = Self.findings(try Self.tree()).filter(\.isWarning)
    #expect(warnings.map(\.id) == ["kvm.device"])
    #expect(warnings.first?.isFatal == true)
  }

  static let unfit = [
    Case(
      id: "cpu.virtual", changes: ["proc/cpuinfo": "flags : fpu hypervisor\n"],
      text: "the host is itself a virtual machine"),
    Case(
      id: "frequency.governor", changes: ["sys/devices/system/cpu/cpu3/cpufreq/scaling_governor": "powersave\n"],
      text: "the frequency governor is powersave, not performance"),
    Case(
      id: "frequency.turbo", changes: ["sys/devices/system/cpu/intel_pstate/no_turbo": "0\n"], text: "turbo is on"),
    Case(
      id: "frequency.idle", changes: ["sys/devices/system/cpu/cpu1/cpuidle/state2/disable": "0\n"],
      text: "idle states that take more than 10 us to leave are in use: C6"),
    Case(id: "cpu.smt", changes: ["sys/devices/system/cpu/smt/active": "1\n"], text: "SMT is on"),
    Case(id: "cpu.isolation", changes: ["proc/cmdline": "quiet\n"], text: "no CPU is isolated"),
    Case(
      id: "cpu.isolation", changes: ["proc/cmdline": "isolcpus=2\n"],
      text: "of the CPUs' isolation there is only isolcpus"),
    Case(
      id: "cpu.mitigations", changes: ["proc/cmdline": "mitigations=off\n"], text: "not mitigated: mitigations=off"),
    Case(
      id: "cpu.mitigations", changes: ["sys/devices/system/cpu/vulnerabilities/mds": "Vulnerable; SMT on\n"],
      text: "not mitigated: mds"),
    Case(
      id: "time.clocksource", changes: ["sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet\n"],
      text: "the clocksource is hpet, not tsc"),
    Case(id: "time.watchdog", changes: ["proc/sys/kernel/nmi_watchdog": "1\n"], text: "the NMI watchdog is on"),
    Case(id: "time.irqbalance", changes: ["proc/77/comm": "irqbalance\n"], text: "irqbalance is running"),
    Case(id: "kernel.debugging", changes: ["proc/lockdep": ""], text: "kernel 6.1.0-30-amd64 has lockdep"),
    Case(
      id: "load.average", changes: ["proc/loadavg": "5.25 1 1 1/1 1\n"],
      text: "the host is busy: load average 5.25 on 8 CPUs"),
    Case(
      id: "load.pressure", changes: ["proc/pressure/cpu": "some avg10=0.00 avg60=41.05 avg300=0.00 total=1\n"],
      text: "some thread waited for a CPU 41.05 % of the last minute"),
    Case(
      id: "load.steal", changes: ["proc/stat": "cpu  1000 0 1000 7500 0 0 0 500 0 0\n"],
      text: "the host has lost 5.0 % of its CPU time since boot to its own hypervisor (steal)"),
    Case(
      id: "memory.thp", changes: ["sys/kernel/mm/transparent_hugepage/enabled": "[always] madvise never\n"],
      text: "transparent huge pages are always, not madvise"),
    Case(id: "memory.ksm", changes: ["sys/kernel/mm/ksm/run": "1\n"], text: "KSM is running"),
    Case(
      id: "memory.huge_pages", changes: ["sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0\n"],
      text: "no huge pages are reserved"),
    Case(
      id: "memory.swap", changes: ["proc/swaps": "Filename\n/dev/sdb partition 1 0 -2\n"], text: "there is 1 swap area"),
    Case(
      id: "memory.free", changes: ["proc/meminfo": "MemAvailable: 102400 kB\n"],
      text: "100 MiB of memory are available"),
    Case(
      id: "memory.numa_balancing", changes: ["proc/sys/kernel/numa_balancing": "1\n"], text: "NUMA balancing is on"),
    Case(
      id: "memory.aslr", changes: ["proc/sys/kernel/randomize_va_space": "0\n"],
      text: "address spaces are not wholly laid out at random (0)"),
    Case(
      id: "kvm.halt_poll_ns", changes: ["sys/module/kvm/parameters/halt_poll_ns": "0\n"],
      text: "kvm.halt_poll_ns is 0"),
    Case(
      id: "kvm.nx_huge_pages", changes: ["sys/module/kvm/parameters/nx_huge_pages": "Y\n"],
      text: "kvm.nx_huge_pages is Y"),
    Case(id: "kvm_intel.ept", changes: ["sys/module/kvm_intel/parameters/ept": "N\n"], text: "kvm_intel.ept is N"),
    Case(id: "kvm_amd.npt", changes: ["sys/module/kvm_amd/parameters/npt": "0\n"], text: "kvm_amd.npt is 0"),
    Case(
      id: "limits.memlock", changes: ["proc/self/limits": "Max locked memory  8388608  8388608  bytes\n"],
      text: "8192 KiB of memory may be locked"),
    Case(
      id: "limits.nofile", changes: ["proc/self/limits": "Max open files  1024  4096  files\n"],
      text: "1024 files may be open at once"),
    Case(
      id: "disk.file_system",
      changes: ["proc/self/mountinfo": "27 1 8:0 / / rw - ext4 /dev/sda rw\n28 27 0:5 / / rw - tmpfs none rw\n"],
      text: "results are on tmpfs"),
    Case(
      id: "disk.scheduler", changes: ["sys/dev/block/8:0/queue/scheduler": "none [mq-deadline]\n"],
      text: "the disk's scheduler is mq-deadline, not none"),
  ]

  @Test(arguments: unfit) func whatIsUnfitIsWarnedAbout(row: Case) throws {
    let finding = try Self.finding(row.id, row.changes)
    #expect(finding.text == row.text)
    #expect(finding.isWarning)
    #expect(!finding.why.isEmpty)
  }

  static let unreadable = [
    Case(
      id: "time.clocksource", changes: ["sys/devices/system/clocksource/clocksource0/current_clocksource": nil],
      text: ""),
    Case(id: "cpu.smt", changes: ["sys/devices/system/cpu/smt/active": nil], text: ""),
    Case(id: "load.pressure", changes: ["proc/pressure/cpu": nil], text: ""),
    Case(id: "memory.ksm", changes: ["sys/kernel/mm/ksm/run": nil], text: ""),
    Case(id: "memory.swap", changes: ["proc/swaps": nil], text: ""),
    Case(id: "limits.nofile", changes: ["proc/self/limits": nil], text: ""),
    Case(id: "disk.scheduler", changes: ["sys/dev/block/8:0/queue/scheduler": nil], text: ""),
  ]

  @Test(arguments: unreadable) func anUnreadableFileIsNamedWithItsReason(row: Case) throws {
    let text = try Self.finding(row.id, row.changes).text
    #expect(text.hasPrefix("cannot read /"))
    #expect(text.hasSuffix(": no such file or directory"))
  }

  static let untold = [
    Case(id: "cpu.virtual", changes: ["proc/cpuinfo": "processor : 0\n"], text: ""),
    Case(id: "cpu.microcode", changes: ["proc/cpuinfo": "flags : fpu\n"], text: ""),
    Case(id: "load.pressure", changes: ["proc/pressure/cpu": "garbage"], text: ""),
    Case(id: "load.average", changes: ["proc/loadavg": ""], text: ""),
    Case(id: "load.steal", changes: ["proc/stat": "cpu 1 2\n"], text: ""),
    Case(id: "memory.free", changes: ["proc/meminfo": "MemTotal: 1 kB\n"], text: ""),
    Case(id: "perf.paranoid", changes: ["proc/sys/kernel/perf_event_paranoid": "?"], text: ""),
    Case(id: "disk.file_system", changes: ["proc/self/mountinfo": "27 1\n"], text: ""),
    Case(id: "limits.memlock", changes: ["proc/self/limits": "Max open files 1 1 files\n"], text: ""),
  ]

  @Test(arguments: untold) func whatMakesNoSenseCannotBeTold(row: Case) throws {
    let finding = try Self.finding(row.id, row.changes)
    #expect(finding.verdict == .cannotTell(finding.text))
  }

  @Test func aParameterOfAModuleThatIsNotLoadedIsNotLookedAt() throws {
    #expect(!Self.findings(try Self.tree()).contains { $0.id.hasPrefix("kvm_amd.") })
  }

  @Test func otherVirtualMachinesAreCountedByTheirDescriptors() throws {
    let tree = try Self.tree(["proc/77/fd/0": ""])
    let link = tree.procfs + "/77/fd/9"
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "anon_inode:kvm-vm")
    let finding = try #require(Self.findings(tree).first { $0.id == "load.guests" })
    #expect(finding.text == "1 other virtual machine is running")
    #expect(finding.isWarning)
  }

  @Test func onlyTheCPUsThatDifferAreToBeWritten() throws {
    let file = "sys/devices/system/cpu/cpu3/cpufreq/scaling_governor"
    let settings = try #require(try Self.finding("frequency.governor", [file: "powersave\n"]).remedy).settings
    #expect(settings.map(\.value) == ["performance"])
    #expect(settings.allSatisfy { $0.path.hasSuffix(file) })
  }

  @Test func parametersOfTheKernelAndOfModulesAreNeverToBeWritten() throws {
    let all = Self.unfit.reduce(into: [String: String?]()) { $0.merge($1.changes) { $1 } }
    let settings = Self.findings(try Self.tree(all)).compactMap(\.remedy).flatMap(\.settings)
    #expect(settings.count > 4)
    #expect(settings.filter { $0.path.contains("/proc/") || $0.path.contains("/module/") } == [])
  }

  @Test func everyCheckHasItsOwnName() {
    #expect(Set(HostCheck.all.map(\.id)).count == HostCheck.all.count)
  }
}
