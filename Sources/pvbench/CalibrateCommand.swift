import ArgumentParser
import Campaign
import Foundation

/// `pvbench calibrate`.
struct CalibrateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "calibrate", abstract: "How often is compare wrong on this host, and what can it see?",
    discussion: """
      Measures six short workloads over and over, deals the boots to runs in which nothing is different, and compares these \
      as compare does. What it finds is kept for this host, and shown in every later comparison and report.
      """)

  @Option(help: "Runs that the boots are dealt to; \(Calibration.defaultRuns), and some 20 s each.")
  var runs: Int?
  @Option(help: "Seed of the guests, pairings and resampling; 1.")
  var seed: UInt64?
  @Option(help: "The folder that runs are made in; results.")
  var out: String?
  @Option(help: "Go on with an interrupted calibration: its folder or id.")
  var resume: String?
  @Flag(help: "Print the plan with its estimated time and disk space; measure nothing.")
  var dryRun = false
  @Flag(help: "Also show the metrics that no gate looks at.")
  var all = false
  @Option(help: .hidden, transform: Self.permille)
  var slowdown: Int?
  @OptionGroup var console: ConsoleOptions

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let options = try options(environment)
    if dryRun {
      let plan = try Calibration.plan(options)
      return Console.print(console.json ? plan.json + "\n" : plan.text)
    }
    for line in Doctor(environment: environment, results: options.campaign.out).settle() { Console.diagnose(line) }
    let calibration = try Calibration.prepare(options)
    if let line = calibration.campaign.hostWarnings, !console.quiet { Console.note(line + "\n") }
    let progress = console.progress
    let (result, signal) = await Interruption.guarding {
      await calibration.run(progress: progress) { run, folder in try Publication.publish(run, in: folder) }
    }
    if let signal {
      Console.diagnose("interrupted; go on with: pvbench calibrate --resume \(result.folder.path)")
      throw ExitCode(128 + signal)
    }
    if let error = result.error { throw error }
    guard let run = result.record else { throw ExitCode(result.exitCode) }
    let record = try calibration.evaluate(run)
    if let line = Calibration.remark(on: run) { Console.note(line + "\n") }
    Console.print(console.json ? record.json + "\n" : CalibrationText(record, showsAll: all).text)
    let path = try CalibrationStore(environment: environment).write(record)
    if !console.quiet { Console.note("kept for this host: \(path)\n") }
  }

  private func options(_ environment: [String: String]) throws -> CalibrationOptions {
    let settings = try Configuration.load(environment: environment)
    var campaign = CampaignOptions(library: try SuiteLibrary.load(directory: nil))
    campaign.request.seed = seed ?? (resume == nil ? settings.seed : nil)
    campaign.out = out ?? settings.out ?? campaign.out
    campaign.resume = resume
    campaign.command = ["pvbench"] + CommandLine.arguments.dropFirst()
    campaign.version = Pvbench.version
    campaign.environment = environment
    var options = CalibrationOptions(campaign: campaign)
    options.runs = runs
    options.slowdownPermille = slowdown
    return options
  }

  @Sendable private static func permille(_ text: String) throws -> Int {
    guard let fraction = Quantity.fraction(text), (0.001...1).contains(fraction) else {
      throw ValidationError("expected a percentage such as 10%")
    }
    return Int((1000 * fraction).rounded())
  }
}
