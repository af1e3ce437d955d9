extension HostCheck {
  /// What the kernel does to memory behind a guest's back.
  static let memory: [HostCheck] = [
    HostCheck(id: "memory.thp", why: "huge pages are a choice of each mode, which the host should not make for all") {
      host in
      let path = "/kernel/mm/transparent_hugepage/enabled"
      let text = try host.sys(path)
      let choice = HostConfiguration.bracketed(text) ?? text
      guard choice != "madvise" else { return .ok("transparent huge pages are for those that ask (madvise)") }
      return .warning(
        "transparent huge pages are \(choice), not madvise",
        Remedy(writing: "madvise", to: [host.sysfs + path], pattern: host.sysfs + path))
    },
    HostCheck(id: "memory.ksm", why: "it scans and merges guest memory") { host in
      let path = "/kernel/mm/ksm/run"
      guard try host.sys(path) == "1" else { return .ok("KSM is not running") }
      return .warning("KSM is running", Remedy(writing: "0", to: [host.sysfs + path], pattern: host.sysfs + path))
    },
    HostCheck(id: "memory.huge_pages", why: "the choices pages=2m and pages=1g are skipped") { host in
      let folder = host.sysfs + "/kernel/mm/hugepages"
      let sizes = HostFile.names(in: folder)
      guard !sizes.isEmpty else { return .cannotTell("\(folder) lists no size: this kernel has no hugetlb pages") }
      let reserved = sizes.filter { HostFile.number("\(folder)/\($0)/nr_hugepages") ?? 0 > 0 }
      guard reserved.isEmpty else { return .ok("reserved: \(reserved.joined(separator: ", "))") }
      return .warning("no huge pages are reserved", Remedy("sysctl vm.nr_hugepages=128"))
    },
    HostCheck(id: "memory.swap", why: "guest memory that was written out must be read again") { host in
      let areas = try host.proc("/swaps").split(separator: "\n").dropFirst().count
      guard areas > 0 else { return .ok("there is no swap") }
      return .warning(areas == 1 ? "there is 1 swap area" : "there are \(areas) swap areas", Remedy("swapoff -a"))
    },
    HostCheck(id: "memory.free", why: "guests that do not fit make the host reclaim memory") { host in
      _ = try host.proc("/meminfo")
      guard let free = host.memory("MemAvailable") else { return .cannotTell("/proc/meminfo has no MemAvailable") }
      let found = "\(free >> 20) MiB of memory are available"
      return free < 1 << 30 ? .warning(found, .advice("end what uses memory (top -o %MEM)")) : .ok(found)
    },
    HostCheck(id: "memory.numa_balancing", why: "it unmaps guest pages to see who uses them, and moves them") { host in
      guard host.topology.nodes.count > 1 else { return .ok("one NUMA node: nothing is balanced") }
      guard try host.proc("/sys/kernel/numa_balancing") != "0" else { return .ok("NUMA balancing is off") }
      return .warning("NUMA balancing is on", Remedy("sysctl kernel.numa_balancing=0"))
    },
    HostCheck(id: "memory.aslr", why: "every repetition has the same layout, lucky or not") { host in
      let value = try host.proc("/sys/kernel/randomize_va_space")
      guard value != "2" else { return .ok("address spaces are laid out at random") }
      return .warning(
        "address spaces are not wholly laid out at random (\(value))", Remedy("sysctl kernel.randomize_va_space=2"))
    },
  ]
}
