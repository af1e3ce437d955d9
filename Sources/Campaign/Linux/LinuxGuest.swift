import Glibc
import MachineLauncher

/// Workloads with `guest: linux`: a tool in an initial ramdisk on a kernel that pvbench did not write. Its disk is memory of the
/// runner: it begins and ends with it, and nothing on the host has to be given back.
enum LinuxGuest {
  /// RAM for an unpacked ramdisk and its tools.
  private static let leastMemory: UInt64 = 384 << 20
  private static let diskBytes: UInt64 = 32 << 20
  /// From the runner's start to user space, generously: a kernel under nested emulation takes half a minute.
  private static let bootSeconds = 20.0
  /// Most of a console that is kept.
  private static let consoleLimit = 4 << 20

  /// Why `workload` cannot run with what the user has named; nil where it can, or is no workload of Linux's.
  static func obstacle(_ workload: Workload, _ request: RunRequest) -> String? {
    guard workload.guest == .linux, request.linuxKernel == nil || request.linuxInitrd == nil else { return nil }
    return "no Linux guest was named (`make linux-guest` makes one for --linux-kernel and --linux-initrd)"
  }

  /// Whether the files that were named are there.
  static func check(_ request: RunRequest) throws(CampaignError) {
    for (option, path) in [("--linux-kernel", request.linuxKernel), ("--linux-initrd", request.linuxInitrd)] {
      guard let path, access(path, R_OK) != 0 else { continue }
      throw .usage("\(option) \(path): \(String(cString: strerror(errno)).lowercased())")
    }
  }

  /// Seconds that a repetition takes.
  static func seconds(_ cell: PlannedCell) -> Double {
    bootSeconds + Double(cell.warmupNanoseconds + cell.windowNanoseconds) / 1e9
  }

  /// The machine of `cell`, with the tool's command behind `--` on the kernel's command line.
  static func specification(
    _ cell: PlannedCell, _ request: RunRequest, resources: MachineResources
  ) -> MachineSpecification {
    var specification = MachineSpecification()
    var guest = ForeignGuest(kernel: request.linuxKernel ?? "")
    guest.initrd = request.linuxInitrd
    guest.isForced = request.isForced ?? false
    guest.append = "quiet no_timer_check rdinit=/init -- " + FioTool.arguments(cell).joined(separator: " ")
    specification.foreign = guest
    specification.vcpus = request.vcpus ?? 1
    specification.memory = max(request.memory ?? leastMemory, leastMemory)
    specification.choices = cell.mode.choices.merging(["net": "none"]) { $1 }
    specification.disk = .memory(byteCount: diskBytes)
    specification.timeoutNanoseconds = UInt64((Plan.limitSeconds(cell) - 3) * 1e9)
    resources.place(cell, &specification)
    specification.kvmPath = resources.kvmPath
    return specification
  }

  /// Runs the guest, and takes what its tool has printed into the report.
  static func run(
    _ specification: MachineSpecification, limit: Duration, on supervisor: Supervisor
  ) async -> RunnerOutcome {
    let console = ConsoleText(limit: consoleLimit)
    let outcome = await supervisor.boot(specification, limit: limit) { console.append($0) }
    guard case .report(let report, let diagnostics) = outcome else { return outcome }
    return .report(FioTool.judged(report, console: console.text), diagnostics: diagnostics)
  }
}
