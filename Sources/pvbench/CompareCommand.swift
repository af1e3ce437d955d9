import ArgumentParser
import Campaign
import Foundation

/// `pvbench compare`.
struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare", abstract: "Compare two runs, statistically.",
    discussion: """
      Cells are paired by suite, workload and mode. The ratio is B over A: a Hodges-Lehmann estimate with its 95 % interval, \
      the test is Mann-Whitney's, corrected with Holm over the primary metrics. Exit codes: 0 fine, 1 a run failed or is \
      invalid, 2 regression and 3 inconclusive (only with --fail-on), 64 usage or different hosts, 77 nothing to compare.
      """)

  @Argument(help: ArgumentHelp("The first run: its folder, or its id in the folder of runs.", valueName: "a"))
  var first: String
  @Argument(help: ArgumentHelp("The second run.", valueName: "b"))
  var second: String
  @Option(help: "Exit with 2 after a regression; inconclusive: also with 3 where a change was not decided.")
  var failOn: ComparedRuns.Gate?
  @Flag(help: "Compare runs of different hosts.")
  var allowMismatch = false
  @Flag(help: "Print JSON, with every metric.")
  var json = false

  func run() throws {
    let settings = try Configuration.load(environment: ProcessInfo.processInfo.environment)
    let runs = try ComparedRuns(
      first, second, in: settings.out ?? CampaignOptions.defaultOut, allowsMismatch: allowMismatch)
    Console.print(json ? runs.json + "\n" : runs.text)
    let code = runs.exitCode(failOn: failOn)
    if code != 0 { throw ExitCode(code) }
  }
}

extension ComparedRuns.Gate: ExpressibleByArgument {}
