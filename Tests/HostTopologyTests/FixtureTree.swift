import Foundation

/// A sysfs and a procfs made of a few files, gone with this object.
final class FixtureTree {
  let root: URL
  var sysfs: String { root.appendingPathComponent("sys").path }
  var procfs: String { root.appendingPathComponent("proc").path }

  /// Writes `files`, by path from the root: `sys/…` and `proc/…`.
  init(_ files: [String: String]) throws {
    root = FileManager.default.temporaryDirectory.appendingPathComponent("pvbench-host-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
    for (path, text) in files {
      let file = root.appendingPathComponent(path)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
  }

  deinit { try? FileManager.default.removeItem(at: root) }

  /// A server: two packages on two nodes, two cores each, two threads a core; CPUs 0-3 are the first threads.
  static let server: [String: String] = {
    var files = [
      "sys/devices/system/cpu/online": "0-7\n", "proc/self/status": "Name:\tx\nCpus_allowed_list:\t0-7\n",
      "sys/devices/system/node/online": "0-1\n",
      "sys/devices/system/node/node0/cpulist": "0-1,4-5\n", "sys/devices/system/node/node1/cpulist": "2-3,6-7\n",
      "sys/devices/system/node/node0/distance": "10 21\n", "sys/devices/system/node/node1/distance": "21 10\n",
      "sys/devices/system/node/node0/meminfo": "Node 0 MemTotal:       16318412 kB\nNode 0 MemFree: 1 kB\n",
      "sys/devices/system/node/node1/meminfo": "Node 1 MemTotal:       16511700 kB\nNode 1 MemFree: 1 kB\n",
      "sys/devices/system/cpu/smt/active": "1\n", "sys/devices/system/cpu/intel_pstate/no_turbo": "0\n",
      "sys/devices/system/cpu/vulnerabilities/meltdown": "Mitigation: PTI\n",
      "sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet\n",
      "sys/kernel/mm/ksm/run": "1\n", "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
      "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "4\n",
      "sys/module/kvm/parameters/halt_poll_ns": "200000\n", "sys/module/kvm_intel/parameters/ept": "Y\n",
      "sys/class/dmi/id/sys_vendor": "Example\n", "sys/class/dmi/id/product_name": "Server 1\n",
      "sys/kernel/tracing/events/kvm/kvm_userspace_exit/id": "1234\n",
      "proc/sys/kernel/osrelease": "6.1.0-30-amd64\n", "proc/sys/kernel/hostname": "alpha\n",
      "proc/cmdline": "quiet isolcpus=2\n", "proc/loadavg": "5.25 1.00 0.50 1/200 4711\n",
      "proc/meminfo": "MemTotal:       32830112 kB\nMemFree: 100 kB\n",
      "proc/stat": "cpu  1000 0 1000 7500 0 0 0 500 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n",
      "proc/cpuinfo": """
      processor\t: 0
      vendor_id\t: GenuineIntel
      cpu family\t: 6
      model\t\t: 85
      model name\t: Example CPU @ 2.00GHz
      stepping\t: 7
      microcode\t: 0x5003604
      flags\t\t: fpu vmx avx2 x2apic constant_tsc

      processor\t: 1
      vendor_id\t: Other

      """,
    ]
    for cpu in 0..<8 {
      let folder = "sys/devices/system/cpu/cpu\(cpu)"
      files["\(folder)/topology/core_id"] = "\(cpu % 2)\n"
      files["\(folder)/topology/physical_package_id"] = "\(cpu % 4 / 2)\n"
      files["\(folder)/cpufreq/scaling_governor"] = "powersave\n"
    }
    return files
  }()

  /// The server with some files changed, or removed where nil.
  static func server(_ changes: [String: String?]) throws -> FixtureTree {
    var files = server
    for (path, text) in changes { files[path] = text }
    return try FixtureTree(files)
  }
}
