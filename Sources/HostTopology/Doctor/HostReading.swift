import Glibc

/// Everything that the checks are made from: facts that other parts have read already, and the trees to read more from.
struct HostReading {
  let sysfs: String
  let procfs: String
  let kvmPath: String
  /// The folder that runs are made in, or will be.
  let results: String
  let cpu: CPUFacts
  let configuration: HostConfiguration
  let kvm: KVMFacts
  let load: HostLoad
  let topology: Topology
  let pinning: PinningPlan?
  let tracepoint: TracepointEvent

  /// The file `path` of sysfs.
  func sys(_ path: String) throws(HostFileError) -> String { try HostFile.read(sysfs + path) }

  /// The file `path` of procfs.
  func proc(_ path: String) throws(HostFileError) -> String { try HostFile.read(procfs + path) }

  /// The folders `cpu0`, `cpu1`, … of the CPUs that are online.
  var cpuFolders: [String] { topology.cpus.map { "\(sysfs)/devices/system/cpu/cpu\($0.id)" } }

  /// Words of the kernel's command line.
  var commandLine: [Substring] {
    get throws(HostFileError) { try proc("/cmdline").split(separator: " ") }
  }

  /// The numbers of all processes.
  var processes: [String] { HostFile.names(in: procfs).filter { Int($0) != nil } }

  /// Bytes of /proc/meminfo's `field`; nil where there is none.
  func memory(_ field: String) -> UInt64? { ProcFile.kibibytes(ProcFile.fields(procfs + "/meminfo")[field]) }

  /// The soft limit of this process on `resource`, in its unit, as /proc/self/limits has it; `UInt64.max` for unlimited.
  func limit(_ resource: String) throws(HostFileError) -> UInt64? {
    let lines = try proc("/self/limits").split(separator: "\n")
    guard let line = lines.first(where: { $0.hasPrefix(resource) }) else { return nil }
    let value = line.dropFirst(resource.count).split(separator: " ").first
    return value == "unlimited" ? .max : value.flatMap { UInt64($0) }
  }

  /// The folder of results, or the nearest one above it that is there.
  var resultsFolder: String {
    var path = results
    while !HostFile.exists(path) {
      guard let slash = path.lastIndex(of: "/") else { return HostFile.canonical(".") }
      path = String(path[..<slash])
      if path.isEmpty { return "/" }
    }
    return HostFile.canonical(path)
  }

  /// The mount that holds the folder of results (proc(5), mountinfo); nil where none is listed.
  func resultsMount() throws(HostFileError) -> (device: String, type: String)? {
    let folder = resultsFolder
    var mounts: [(device: String, point: String, type: String)] = []
    for line in try proc("/self/mountinfo").split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count > 6, let dash = fields.firstIndex(of: "-"), dash + 1 < fields.count else { continue }
      mounts.append((String(fields[2]), String(fields[4]), String(fields[dash + 1])))
    }
    let holding = mounts.filter { $0.point == "/" || folder == $0.point || folder.hasPrefix($0.point + "/") }
    // A later mount at the same point hides the earlier one.
    let longest = holding.map(\.point.count).max()
    return holding.last { $0.point.count == longest }.map { ($0.device, $0.type) }
  }

  /// Free bytes for this user where results go; nil where nobody says.
  var freeBytes: UInt64? {
    var status = statvfs()
    guard statvfs(resultsFolder, &status) == 0 else { return nil }
    return UInt64(status.f_bavail) * UInt64(status.f_frsize)
  }
}
