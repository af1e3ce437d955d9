import Measurement
import Testing

@testable import HostTopology

@Suite("the host's record")
struct HostProbeTests {
  private func record(_ changes: [String: String?] = [:], vcpus: Int = 1) throws -> HostRecord {
    let tree = try FixtureTree.server(changes)
    return HostProbe(sysfs: tree.sysfs, procfs: tree.procfs, kvmPath: "/nonexistent/kvm").record(vcpus: vcpus)
  }

  @Test func theFirstProcessorDescribesTheHost() throws {
    let host = try record()
    #expect(host.cpu["vendor"] == .string("GenuineIntel"))
    #expect(host.cpu["model_name"] == .string("Example CPU @ 2.00GHz"))
    #expect(host.cpu["cores"] == .number(4))
    #expect(host.cpu["flags"] == .array(["vmx", "avx2", "x2apic", "constant_tsc"].map(JSONValue.string)))
    #expect(host.kernel == "6.1.0-30-amd64")
    #expect(host.name == "alpha")
    #expect(host.numa.count == 2)
  }

  @Test func settingsAreRecorded() throws {
    let configuration = try record().configuration
    #expect(configuration["command_line"] == .string("quiet isolcpus=2"))
    #expect(configuration["microcode"] == .string("0x5003604"))
    #expect(configuration["mitigations"] == .object(["meltdown": .string("Mitigation: PTI")]))
    #expect(configuration["transparent_huge_pages"] == .string("madvise"))
    #expect(configuration["huge_pages"] == .object(["hugepages-2048kB": .number(4)]))
    #expect(configuration["governors"] == .array([.string("powersave")]))
    #expect(configuration["turbo"] == .bool(true))
  }

  static let transparentHugePages: [(choice: String?, areThere: Bool)] = [
    ("[always] madvise never\n", true), ("always [madvise] never\n", true), ("always madvise [never]\n", false),
    (nil, false),
  ]

  @Test(arguments: transparentHugePages)
  func transparentHugePagesAreThereUnlessTheyAreOff(choice: String?, areThere: Bool) throws {
    let tree = try FixtureTree.server(["sys/kernel/mm/transparent_hugepage/enabled": choice])
    #expect(HostProbe(sysfs: tree.sysfs).hasTransparentHugePages == areThere)
  }

  @Test func whatCannotBeReadIsNull() throws {
    let configuration = try record(["sys/kernel/mm/ksm/run": nil, "proc/cmdline": nil]).configuration
    #expect(configuration["ksm"] == .null)
    #expect(configuration["command_line"] == .null)
  }

  @Test func theVendorModuleAndItsParametersAreRecorded() throws {
    let kvm = try record().kvm
    #expect(kvm["vendor"] == .string("kvm_intel"))
    #expect(kvm["parameters"] == .object(["kvm.halt_poll_ns": .string("200000"), "kvm_intel.ept": .string("Y")]))
    #expect(kvm["api_version"] == .null)
  }

  @Test func theDoctorsWarningsAreRecordedInWords() throws {
    let warnings = try record(vcpus: 3).warnings
    let expected: Set = [
      "no NUMA node has the 4 cores that this guest needs: its threads span nodes (threads that share a CPU or reach "
        + "across nodes slow each other down)",
      "the frequency governor is powersave, not performance (clock speed varies)",
      "SMT is on (a busy sibling slows a vCPU down)",
      "turbo is on (clock speed varies with load and temperature)",
      "KSM is running (it scans and merges guest memory)",
      "the clocksource is hpet, not tsc (reading the time is slower or less exact)",
      "the host is busy: load average 5.25 on 8 CPUs (other work takes CPU time from guests)",
    ]
    #expect(expected.subtracting(warnings) == [])
  }

  @Test func aVirtualHostIsWarnedAbout() throws {
    let cpuinfo = "vendor_id : GenuineIntel\nflags : fpu hypervisor\n"
    #expect(
      try record(["proc/cpuinfo": cpuinfo]).warnings.contains(
        "the host is itself a virtual machine (guests are nested and timings include its hypervisor)"))
  }

  @Test func aTracepointOutOfReachIsWarnedAbout() throws {
    let warnings = try record(["sys/kernel/tracing/events/kvm/kvm_userspace_exit/id": nil]).warnings
    #expect(warnings.contains { $0.hasPrefix("exits are not counted by the kernel a second time: no tracefs in ") })
  }

  @Test func thisHostHasARecord() {
    let host = HostProbe().record()
    #expect(host.fingerprint.count == 32)
    #expect(host.kernel != "unknown")
    #expect(!host.numa.isEmpty)
  }
}

@Suite("fingerprints")
struct FingerprintTests {
  private func fingerprint(_ changes: [String: String?] = [:]) throws -> String {
    let tree = try FixtureTree.server(changes)
    return HostProbe(sysfs: tree.sysfs, procfs: tree.procfs, kvmPath: "/nonexistent/kvm").record().fingerprint
  }

  @Test func softwareDoesNotChangeIt() throws {
    #expect(
      try fingerprint()
        == fingerprint([
          "proc/sys/kernel/osrelease": "6.12.0\n", "proc/cmdline": "mitigations=off\n",
          "proc/sys/kernel/hostname": "beta\n",
          "sys/kernel/mm/ksm/run": "0\n", "sys/module/kvm_intel/parameters/ept": "N\n",
          "proc/meminfo": "MemTotal:       32811000 kB\n",
        ]))
  }

  @Test(arguments: [
    ("sys/class/dmi/id/product_name", "Server 2\n"), ("proc/meminfo", "MemTotal: 65660224 kB\n"),
    ("sys/devices/system/cpu/online", "0-3\n"), ("proc/cpuinfo", "vendor_id : AuthenticAMD\n"),
  ])
  func hardwareChangesIt(path: String, text: String) throws {
    #expect(try fingerprint() != fingerprint([path: text]))
  }

  @Test func theHashIsFNV1a() {
    // Test vectors of the reference implementation (RFC 9923).
    #expect(Fingerprint.fnv1a("".utf8) == 0xcbf2_9ce4_8422_2325)
    #expect(Fingerprint.fnv1a("a".utf8) == 0xaf63_dc4c_8601_ec8c)
    #expect(Fingerprint.fnv1a("foobar".utf8) == 0x8594_4171_f739_67e8)
  }
}

@Suite("load, steal and tracepoints")
struct HostLoadTests {
  @Test func theShareStolenIsThatOfTheTimeBetween() throws {
    let before = try FixtureTree(["proc/stat": "cpu  1000 0 0 0 0 0 0 100 0 0\n"])
    let after = try FixtureTree(["proc/stat": "cpu  1075 0 0 0 0 0 0 125 0 0\n"])
    let share = HostLoad(procfs: after.procfs).stolenShare(since: HostLoad(procfs: before.procfs))
    #expect(share == 0.25)
  }

  @Test func withoutTimeBetweenNothingCanBeSaid() throws {
    let load = HostLoad(procfs: try FixtureTree(["proc/stat": "cpu  1 0 0 0 0 0 0 1 0 0\n"]).procfs)
    #expect(load.stolenShare(since: load) == nil)
  }

  @Test func aKernelWithoutStealHasNone() throws {
    let tree = try FixtureTree(["proc/stat": "cpu  1 0 0 0\n"])
    #expect(HostLoad(procfs: tree.procfs).stealSeconds == nil)
  }

  @Test func aTracepointIsFoundWhereTracefsIsMounted() throws {
    let tree = try FixtureTree(FixtureTree.server)
    #expect(Tracepoints.userspaceExitEvent(sysfs: tree.sysfs) == .found(1234))
  }

  @Test func aTracepointIsFoundAtTheOldMountPoint() throws {
    let tree = try FixtureTree(["sys/kernel/debug/tracing/events/kvm/kvm_userspace_exit/id": "77\n"])
    #expect(Tracepoints.userspaceExitEvent(sysfs: tree.sysfs).id == 77)
  }

  @Test func layoutsAreReadOfTheTracepointsThatThereAre() throws {
    let format = "ID: 103\nformat:\n\tfield:u32 isa;\toffset:24;\tsize:4;\tsigned:0;\n"
    let tree = try FixtureTree(["sys/kernel/tracing/events/kvm/kvm_exit/format": format])
    let layouts = try Tracepoints.layouts(["kvm_exit", "kvm_unheard_of"], sysfs: tree.sysfs)
    #expect(layouts.map(\.argument) == ["kvm_exit=103,isa@24+4"])
  }

  @Test func withoutTracefsThereIsAReason() throws {
    let tree = try FixtureTree(["sys/kernel/nothing": ""])
    #expect(throws: TracefsError(reason: "no tracefs in \(tree.sysfs)")) {
      try Tracepoints.layouts(["kvm_exit"], sysfs: tree.sysfs)
    }
  }

  @Test func anUnknownTracepointHasAReason() {
    #expect(Tracepoints.event("kvm/no_such_event").id == nil)
  }
}
