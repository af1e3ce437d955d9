import ArgumentParser
import Campaign
import Foundation

/// What is measured, and how: the options of every command that measures.
struct MeasureOptions: ParsableArguments {
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
      "Programs that run the guests, compared with each other: builtin, previous, qemu, qemu-tcg (see `pvbench list runners`)."
  )
  var runner: [String] = []
  @Option(help: "The pvbench-vm of another build, for --runner builtin,previous; PVBENCH_PREVIOUS_VM.")
  var previousRunner: String?
  @Option(help: "The kernel of `guest: linux` workloads (`make linux-guest` makes one).")
  var linuxKernel: String?
  @Option(help: "Their initial ramdisk.")
  var linuxInitrd: String?
  @Flag(help: "Run them even where ring 0 is interpreted.")
  var force = false
  @Flag(help: "Also a file for Perfetto or chrome://tracing of each repetition: guest, exits, threads.")
  var timeline = false
  @Option(
    help: "Disturbances that leave a repetition valid, on hosts that always have them: \(Disturbance.forms).",
    transform: Self.disturbances)
  var tolerate: [Disturbance]?
  @Flag(help: "Record KVM's tracepoints, too: also what the kernel answers itself, by reason. It costs.")
  var trace = false
  @Option(help: "A folder of suites that override the built-in ones.")
  var suites: String?

  /// The campaign that these options, the environment and files ask for.
  func campaign() throws -> CampaignOptions {
    let environment = ProcessInfo.processInfo.environment
    let settings = try Configuration.load(environment: environment)
    var options = CampaignOptions(library: try SuiteLibrary.load(directory: suites))
    options.request = try request()
    options.out = out ?? settings.out ?? options.out
    options.overwriteDisk = overwriteDisk
    options.command = ["pvbench"] + CommandLine.arguments.dropFirst()
    options.version = Pvbench.version
    options.environment = environment
    options.calibrations = CalibrationStore(environment: environment)
    if let previousRunner { options.environment["PVBENCH_PREVIOUS_VM"] = previousRunner }
    return options
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
    request.tolerated = tolerate
    request.timeline = timeline ? true : nil
    request.trace = trace ? true : nil
    return request
  }

  private static func split(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }

  @Sendable private static func bytes(_ text: String) throws -> UInt64 {
    guard let value = Quantity.bytes(text) else { throw ValidationError("expected a size such as 64MiB") }
    return value
  }

  @Sendable static func disturbances(_ text: String) throws -> [Disturbance] {
    guard let list = Disturbance.list(text) else { throw ValidationError("expected \(Disturbance.forms)") }
    return list
  }
}

/// `pvbench run`.
struct RunCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run", abstract: "Measure, and write a report.",
    discussion: "Without options: every suite in both modes.")

  @OptionGroup var measurement: MeasureOptions
  @Option(help: "Go on with an interrupted run: its folder or id.")
  var resume: String?
  @Option(help: "Compare with this run or baseline when it is over (with --json: print the comparison).")
  var against: String?
  @Option(help: "With --against, as for `pvbench compare`: regression or inconclusive.")
  var failOn: ComparedRuns.Gate?
  @Flag(help: "With --against: also with another host's run.")
  var allowMismatch = false
  @Flag(help: "Print the plan with its estimated time and disk space; measure nothing.")
  var dryRun = false
  @OptionGroup var console: ConsoleOptions

  func validate() throws {
    guard against != nil || failOn == nil && !allowMismatch else {
      throw ValidationError("--fail-on and --allow-mismatch need --against")
    }
  }

  func run() async throws {
    var options = try measurement.campaign()
    options.resume = resume
    options.against = try against.map { try Against($0, in: options.out, allowsMismatch: allowMismatch) }
    // A resumed run has its own settings: only a flag can contradict them.
    if resume == nil { options.request.fill(from: try Configuration.load(environment: options.environment)) }
    if dryRun {
      let plan = PlanDocument(try Campaign.plan(options), library: options.library)
      return Console.print(console.json ? plan.json + "\n" : plan.text)
    }
    for line in Doctor(environment: options.environment, results: options.out).settle() { Console.diagnose(line) }
    let campaign = try Campaign.prepare(options)
    if let line = campaign.hostWarnings, !console.quiet { Console.note(line + "\n") }
    let progress = console.progress
    let (result, signal) = await Interruption.guarding {
      await campaign.run(progress: progress) { run, folder in try Publication.publish(run, in: folder) }
    }
    try conclude(result, signal: signal, against: options.against, calibrations: options.calibrations)
  }

  private func conclude(
    _ result: CampaignResult, signal: Int32?, against: Against?, calibrations: CalibrationStore?
  ) throws {
    if let error = result.error { Console.diagnose("\(error)") }
    var code: Int32 = 0
    if let record = result.record {
      if let obstacle = HistoryIndex.add(record, from: result.folder) { Console.diagnose(obstacle) }
      let report = result.isPublished ? result.folder.file("report.html") : nil
      if !console.json { Console.print(Publication.summary(record, report: report)) }
      if let against, signal == nil {
        let compared = try against.compared(with: record, calibrations: calibrations)
        let columns = Console.columns
        let table = ComparisonText(
          compared.document, columns: columns ?? .max, usesColor: console.color.isOn(onTerminal: columns != nil))
        Console.print(console.json ? compared.json + "\n" : "\n" + table.text)
        code = compared.exitCode(failOn: failOn)
      } else if console.json {
        Console.print(try Publication.json(record))
      }
    }
    if let signal {
      Console.diagnose("interrupted; go on with: pvbench run --resume \(result.folder.path)")
      throw ExitCode(128 + signal)
    }
    if result.exitCode != 0 { throw ExitCode(result.exitCode) }
    if code != 0 { throw ExitCode(code) }
  }
}

extension ScheduleOrder: ExpressibleByArgument {}
