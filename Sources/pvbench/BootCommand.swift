import ArgumentParser
import Campaign
import Foundation

/// `pvbench boot`.
struct BootCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "boot", abstract: "Start a foreign guest on pvbench's runner, and time its boot.",
    discussion: """
      The guest's console is standard output; the phases of its boot go to standard error. Exit codes: 0 the guest ended by \
      itself (and, where it wrote a status to port 0xF4, with 0), 1 it failed, panicked or did not end in time, 64 usage, 69 \
      this host cannot run it.
      """)

  @Option(help: "A kernel: bzImage, vmlinux, or an ELF with a PVH note or a multiboot header.")
  var kernel: String?
  @Option(help: "A multiboot 1 guest, such as kvm-unit-tests; its module says NR_CPUS and MEMSIZE.")
  var multiboot: String?
  @Option(help: "An initial ramdisk, or the multiboot guest's module.")
  var initrd: String?
  @Option(parsing: .unconditional, help: "Added to the kernel's command line.")
  var append = ""
  @Option(help: "The row of choices: full or paravirt.")
  var mode = "paravirt"
  @Option(parsing: .upToNextOption, help: "Other choices: key=value, several with commas.")
  var with: [String] = []
  @Option(help: "vCPUs; 1.")
  var vcpus = 1
  @Option(help: "Guest RAM.", transform: Self.bytes)
  var memory: UInt64 = 256 << 20
  @Option(help: "A raw file or block device as the guest's disk.")
  var disk: String?
  @Option(help: "A network card with this behind it: echo, sink, tap:NAME, iperf3, …")
  var net: String?
  @Option(help: "Give the guest up after this long: 60s.", transform: Self.nanoseconds)
  var timeout: UInt64 = 60_000_000_000
  @Option(help: "The console's line that contains this text is the user's marker; so is a write of 123 to port 0x3F0.")
  var marker: String?
  @Flag(help: "No ACPI tables: one vCPU, and virtio-mmio devices named on the command line.")
  var noACPI = false
  @Flag(help: "Start Linux even where ring 0 is interpreted.")
  var force = false
  @Option(help: "Also keep the console in this file.")
  var log: String?
  @Flag(help: "Print JSON in place of the console.")
  var json = false

  func run() async throws {
    let session = try BootSession(request, environment: ProcessInfo.processInfo.environment)
    let log = try log.map { try ConsoleFile(path: $0) }
    let isQuiet = json
    let (result, signal) = await Interruption.guarding {
      await session.run { bytes in
        if !isQuiet { Console.write(bytes) }
        log?.append(bytes)
      }
    }
    if let signal { throw ExitCode(128 + signal) }
    let record = try result.get()
    if json { Console.print(record.json + "\n") } else { Console.note(record.text) }
    guard let failure = record.failure else { return }
    if !record.lastLines.isEmpty { Console.note("the console's last lines:\n") }
    for line in record.lastLines { Console.note("  \(line)\n") }
    Console.diagnose(failure)
    throw ExitCode(record.exitCode)
  }

  private var request: BootRequest {
    var request = BootRequest()
    request.kernel = kernel
    request.multiboot = multiboot
    request.initrd = initrd
    request.append = append
    request.hasACPI = !noACPI
    request.isForced = force
    request.marker = marker
    request.mode = mode
    request.choices = with.flatMap { $0.split(separator: ",").map(String.init) }
    request.vcpus = vcpus
    request.memory = memory
    request.disk = disk
    request.network = net
    request.timeout = timeout
    return request
  }

  @Sendable private static func bytes(_ text: String) throws -> UInt64 {
    guard let value = Quantity.bytes(text) else { throw ValidationError("expected a size such as 256MiB") }
    return value
  }

  @Sendable private static func nanoseconds(_ text: String) throws -> UInt64 {
    guard let value = Quantity.nanoseconds(text) else { throw ValidationError("expected a duration such as 60s") }
    return value
  }
}
