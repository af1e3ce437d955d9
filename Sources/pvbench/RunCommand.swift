import ArgumentParser
import Campaign
import Foundation

/// `pvbench run`.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Measure, and write a report.",
    discussion: "Without options: every suite in both modes.")

  @Option(parsing: .upToNextOption, help: "A suite, or several with commas; io = disk + network, all = every one.")
  var suite: [String] = []
  @Option(parsing: .upToNextOption, help: "A workload, or a pattern such as 'disk.*.qd1'.")
  var workload: [String] = []
  @Option(parsing: .upToNextOption, help: "Modes: full, paravirt, or full+disk=virtio-blk.")
  var mode: [String] = []
  @Option(parsing: .upToNextOption, help: "A variant of each mode with other choices: key=value, several with commas.")
  var with: [String] = []
  @Flag(help: "Also full, paravirt and every mode that is one choice away from either: which choice gains what.")
  var ablate = false
  @Option(help: "Repetitions (guest boots) of each cell; 10, more for many cells, or 6 with --quick.")
  var reps: Int?
  @Flag(help: "Short windows and few repetitions of the workloads tagged quick.")
  var quick = false
  @Option(help: "Seed of images and access patterns; 1.")
  var seed: UInt64?
  @Option(help: "interleaved (rounds of every cell) or sequential.")
  var order: ScheduleOrder?
  @Option(help: "The folder that runs are made in; results.")
  var out: String?
  @Option(help: "Go on with an interrupted run: its folder or id.")
  var resume: String?
  @Flag(help: "Print the plan with its estimated time and disk space; measure nothing.")
  var dryRun = false
  @Option(help: "A file or block device as the guest's disk; its first 64 MiB are overwritten.")
  var disk: String?
  @Flag(help: "Use --disk though it holds data.")
  var overwriteDisk = false
  @Option(help: "Guest RAM; 64MiB.", transform: Self.bytes)
  var memory: UInt64?
  @Option(help: "vCPUs; 1.")
  var vcpus: Int?
  @Option(help: "auto, node=N, spread or remote: where guests go on a host with several NUMA nodes.")
  var numa: String?
  @Option(
    parsing: .upToNextOption,
    help:
      "Programs that run the guests, compared with each other: builtin, qemu, qemu-tcg (see `pvbench list runners`).")
  var runner: [String] = []
  @Option(help: "The kernel of `guest: linux` workloads (`make linux-guest` makes one).")
  var linuxKernel: String?
  @Option(help: "Their initial ramdisk.")
  var linuxInitrd: String?
  @Flag(help: "Run them even where ring 0 is interpreted.")
  var force = false
  @Flag(help: "Record KVM's tracepoints, too: also what the kernel answers itself, by reason. It costs.")
  var trace = false
  @Option(help: "A folder of suites that override the built-in ones.")
  var suites: String?
  @OptionGroup var console: ConsoleOptions

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let settings = try Configuration.load(environment: environment)
    var options = CampaignOptions(library: try SuiteLibrary.load(directory: suites))
    options.request = try request()
    options.out = out ?? settings.out ?? options.out
    options.resume = resume
    options.overwriteDisk = overwriteDisk
    options.command = ["pvbench"] + CommandLine.arguments.dropFirst()
    options.version = Pvbench.version
    options.environment = environment
    // A resumed run has its own settings: only a flag can contradict them.
    if resume == nil { options.request.fill(from: settings) }
    if dryRun {
      let plan = PlanDocument(try Campaign.plan(options), library: options.library)
      return Console.print(console.json ? plan.json + "\n" : plan.text)
    }
    for line in Doctor(environment: environment, results: options.out).settle() { Console.diagnose(line) }
    let campaign = try Campaign.prepare(options)
    if let line = campaign.hostWarnings, !console.quiet { Console.note(line + "\n") }
    let progress = console.progress
    let (result, signal) = await Interruption.guarding {
      await campaign.run(progress: progress) { run, folder in try Publication.publish(run, in: folder) }
    }
    try conclude(result, signal: signal)
  }

  private func request() throws(CampaignError) -> RunRequest {
    var request = RunRequest()
    request.suites = suite.flatMap(Self.split)
    request.workloads = workload.flatMap(Self.split)
    request.modes = mode.flatMap(Self.split)
    request.variants = with.map(Self.split)
    request.ablate = ablate
    request.repetitions = reps
    request.quick = quick
    request.seed = seed
    request.order = order
    request.memory = memory
    request.vcpus = vcpus
    request.numa = numa
    request.disk = disk
    request.runners = try RunRequest.runners(runner.flatMap(Self.split))
    request.linuxKernel = linuxKernel
    request.linuxInitrd = linuxInitrd
    request.isForced = force ? true : nil
    request.trace = trace ? true : nil
    return request
  }

  private static func split(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }

  @Sendable private static func bytes(_ text: String) throws -> UInt64 {
    guard let value = Quantity.bytes(text) else { throw ValidationError("expected a size such as 64MiB") }
    return value
  }

  private func conclude(_ result: CampaignResult, signal: Int32?) throws {
    if let error = result.error { Console.diagnose("\(error)") }
    if let record = result.record {
      let report = result.isPublished ? result.folder.file("report.html") : nil
      Console.print(console.json ? try Publication.json(record) : Publication.summary(record, report: report))
    }
    if let signal {
      Console.diagnose("interrupted; go on with: pvbench run --resume \(result.folder.path)")
      throw ExitCode(128 + signal)
    }
    if result.exitCode != 0 { throw ExitCode(result.exitCode) }
  }
}

extension ScheduleOrder: ExpressibleByArgument {}
