import Glibc
import MachineLauncher
import PVWire

/// Workloads with `guest: linux`: a tool in an initial ramdisk on a kernel that pvbench did not write. Its disk is memory of the
/// runner, its far side a process of the runner: they begin and end with it, and nothing on the host has to be given back.
enum LinuxGuest {
  /// RAM for an unpacked ramdisk and its tools.
  private static let leastMemory: UInt64 = 384 << 20
  private static let diskBytes: UInt64 = 32 << 20
  /// From the runner's start to user space, generously: a kernel under nested emulation takes half a minute.
  private static let bootSeconds = 20.0
  /// The host's address on the guest's network, and the guest's own (`StackInterface`).
  static let hostAddress = text(ProbeDatagram.farAddress)
  private static let address = text(ProbeDatagram.guestAddress) + "/24"
  /// Most of a console that is kept.
  private static let consoleLimit = 4 << 20

  private static func text(_ address: UInt32) -> String {
    stride(from: 24, through: 0, by: -8).map { "\(address >> UInt32($0) & 0xFF)" }.joined(separator: ".")
  }

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
    _ cell: PlannedCell, tool: any LinuxTool.Type, _ request: RunRequest, resources: MachineResources
  ) -> MachineSpecification {
    var specification = MachineSpecification()
    var guest = ForeignGuest(kernel: request.linuxKernel ?? "")
    guest.initrd = request.linuxInitrd
    guest.isForced = request.isForced ?? false
    let hasNetwork = tool.network != .none
    guest.append = (hasNetwork ? "guest_address=\(address) " : "") + "quiet no_timer_check rdinit=/init -- "
    guest.append += tool.arguments(cell).joined(separator: " ")
    specification.foreign = guest
    specification.vcpus = request.vcpus ?? 1
    specification.memory = max(request.memory ?? leastMemory, leastMemory)
    specification.choices = cell.mode.choices
    if !hasNetwork { specification.choices["net"] = "none" }
    specification.network = tool.network
    specification.disk = tool.needsDisk ? .memory(byteCount: diskBytes) : .none
    specification.timeoutNanoseconds = UInt64((Plan.limitSeconds(cell) - 3) * 1e9)
    resources.place(cell, &specification)
    specification.kvmPath = resources.kvmPath
    return specification
  }

  /// Runs the guest, and takes what its tool has printed into the report.
  static func run(
    _ specification: MachineSpecification, tool: any LinuxTool.Type, limit: Duration, on supervisor: Supervisor
  ) async -> RunnerOutcome {
    let console = ConsoleText(limit: consoleLimit)
    let outcome = await supervisor.boot(specification, limit: limit) { console.append($0) }
    guard case .report(let report, let diagnostics) = outcome else { return outcome }
    return .report(ToolOutput.judged(report, by: tool, console: console.text), diagnostics: diagnostics)
  }
}
