import Glibc
import MachineLauncher
import Measurement
import Testing

extension RealGuests {
  @Suite("pvbench-vm on real guests")
  struct RunnerProgramTests {
    private let image: SeededImage

    init() throws { image = try SeededImage() }

    @Test(arguments: [DiskJob(), DiskJob(disk: "ide-pio", operation: "write"), DiskJob(depth: 32)])
    func aReportIsPrinted(_ job: DiskJob) throws {
      let result = try RunnerProgram.run(job.specification(on: image).arguments)
      #expect(result.status == 0)
      #expect(result.errors == "")
      let report = RunnerReport(parsing: result.output)
      #expect(report.isComplete)
      #expect(report.status == .ok, "\(report.reason ?? "")")
      #expect(report.text == result.output)
    }

    @Test func aFailedGuestIsAReportToo() throws {
      let result = try RunnerProgram.run(["kernel=misbehave", "parameter:how=triplefault"])
      #expect(result.status == 0)
      #expect(RunnerReport(parsing: result.output).isComplete)
      #expect(RunnerReport(parsing: result.output).reason == "the guest triple-faulted")
    }

    @Test(
      .enabled(if: RunnerProgram.chosen != nil, "only of a release build, named by PVBENCH_VM"),
      arguments: [DiskJob(), DiskJob(disk: "ide-pio")])
    func theRunnerIsSlim(_ job: DiskJob) throws {
      let report = RunnerReport(parsing: try RunnerProgram.run(job.specification(on: image).arguments).output)
      #expect(try #require(report.metrics["memory.runner_overhead"]) <= 3.6 * 1_048_576)
    }

    @Test func aRunnerEndsWithItsParent() throws {
      let guest = "kernel=misbehave parameter:how=hang timeout-ns=120000000000"
      let shell = try Child(["/bin/sh", "-c", "\(RunnerProgram.path) \(guest) & echo $!; wait"])
      #expect(Child.eventually(seconds: 10) { Process(printedBy: shell).map { $0.threads > 1 } ?? false })
      let runner = try #require(Process(printedBy: shell))
      kill(shell.pid, SIGKILL)
      #expect(shell.wait().status == 128 + SIGKILL)
      #expect(Child.eventually(seconds: 5) { !runner.isAlive })
    }
  }

  @Suite("disk images that cannot be used")
  struct ImageTests {
    /// How the one line on standard error begins and ends.
    private func expectRefusal(_ result: Child.Result, of path: String, saying reason: String) {
      #expect(result.status == 1)
      #expect(result.output == "")
      #expect(result.errors.hasPrefix("pvbench-vm: disk image '\(path)' \(reason)"), "\(result.errors)")
      #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test(arguments: ["ide-pio", "virtio-blk"])
    func aMissingImageIsNamed(disk: String) throws {
      let path = "/nonexistent/disk.img"
      let result = try RunnerProgram.run(["kernel=disk", "choice:disk=\(disk)", "disk=\(path)"])
      expectRefusal(result, of: path, saying: "does not exist")
    }

    @Test func aFolderIsNoImage() throws {
      let folder = try TemporaryFolder()
      let result = try RunnerProgram.run(["kernel=disk", "disk=\(folder.path)"])
      expectRefusal(result, of: folder.path, saying: "is a directory")
    }

    @Test func anEmptyFileIsNoImage() throws {
      let folder = try TemporaryFolder()
      let path = try folder.file("empty.img", [])
      expectRefusal(try RunnerProgram.run(["kernel=disk", "disk=\(path)"]), of: path, saying: "is empty")
    }

    @Test(.enabled(if: Host.canMount, "no read-only folder can be had"))
    func aReadOnlyImageIsNamed() throws {
      let folder = try TemporaryFolder()
      let path = try folder.file("disk.img", [UInt8](repeating: 0, count: 4096), mode: 0o444)
      let mount = "mount --bind \"$0\" \"$0\" && mount -o remount,bind,ro \"$0\" && exec \"$@\""
      let result = try Child.run([
        "/usr/bin/unshare", "--mount", "/bin/sh", "-c", mount, folder.path, RunnerProgram.path, "kernel=disk",
        "disk=\(path)",
      ])
      expectRefusal(result, of: path, saying: "cannot be written")
    }
  }
}

/// Exit codes that need no guest.
@Suite("pvbench-vm's exit codes", .serialized)
struct ExitCodeTests {
  @Test(arguments: ["color=red", "vcpus=none", "choice:disk=floppy", "--help"])
  func aUsageErrorIs64(argument: String) throws {
    let result = try RunnerProgram.run([argument])
    #expect(result.status == 64)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("pvbench-vm: "))
    #expect(result.errors.contains("'\(argument)'"))
    #expect(result.errors.split(separator: "\n").count == 1)
  }

  /// A path, and what is said of it.
  static let paths: [(path: String, line: String)] = [
    ("/nonexistent/kvm", "cannot open /nonexistent/kvm: no such file or directory (load kvm_intel or kvm_amd"),
    ("/dev/null", "/dev/null is not a KVM device: inappropriate ioctl for device"),
  ]

  @Test(arguments: paths)
  func aHostWithoutKVMIs69(path: String, line: String) throws {
    let result = try RunnerProgram.run(["kernel=disk", "kvm=\(path)"])
    #expect(result.status == 69)
    #expect(result.output == "")
    #expect(result.errors.hasPrefix("pvbench-vm: \(line)"), "\(result.errors)")
    #expect(result.errors.split(separator: "\n").count == 1)
  }
}

/// Someone else's child, seen through /proc.
private struct Process {
  private let pid: String

  /// The process whose id is the first line that `shell` printed; nil before that.
  init?(printedBy shell: Child) {
    guard let line = shell.output.split(separator: "\n").first else { return nil }
    pid = String(line)
  }

  /// Threads; 0 where there is no such process.
  var threads: Int { status("Threads").flatMap { Int($0) } ?? 0 }

  /// False for what nobody has reaped, too.
  var isAlive: Bool { status("State").map { !$0.hasPrefix("Z") && !$0.hasPrefix("X") } ?? false }

  private func status(_ key: String) -> String? {
    let text = String(decoding: TemporaryFolder.contents(of: "/proc/\(pid)/status"), as: UTF8.self)
    return text.split(separator: "\n").first { $0.hasPrefix("\(key):") }?.split(separator: "\t").last.map(String.init)
  }
}
