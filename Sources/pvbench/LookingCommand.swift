import ArgumentParser
import Campaign
import Foundation

/// `pvbench looking`.
struct LookingCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "looking", abstract: "What pvbench's own instruments cost on this host.",
    discussion: """
      The same guests with all instruments, without each and without any, boot by boot in turn. The record is kept in the folder \
      of runs; later runs of this host have it in their reports.
      """)

  @Option(help: "Rounds: boots of each workload with each set of instruments; 10.")
  var rounds: Int?
  @Option(help: "The folder that runs are made in; results.")
  var out: String?
  @Option(help: "Disturbances that leave a boot valid: \(Disturbance.forms).", transform: MeasureOptions.disturbances)
  var tolerate: [Disturbance]?
  @OptionGroup var console: ConsoleOptions

  func run() async throws {
    let environment = ProcessInfo.processInfo.environment
    let settings = try Configuration.load(environment: environment)
    var options = CampaignOptions(library: try SuiteLibrary.load(directory: nil))
    options.request.repetitions = rounds
    options.request.tolerated = tolerate ?? settings.tolerated
    options.out = out ?? settings.out ?? options.out
    options.version = Pvbench.version
    options.environment = environment
    let looking = try CostOfLooking.prepare(options)
    let record = try await looking.measure(progress: console.progress)
    Console.print(console.json ? String(decoding: try record.json, as: UTF8.self) : record.text)
  }
}
