import ArgumentParser
import Campaign
import Foundation
import Reporting
import ResultStore

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
  @Option(
    help: ArgumentHelp(
      "The smallest change of a metric that counts: throughput.ops=5%, latency.p99=10us, or both with a comma.",
      valueName: "metric=floor"))
  var threshold: [String] = []
  @Option(help: "Exit with 2 after a regression; inconclusive: also with 3 where a change was not decided.")
  var failOn: ComparedRuns.Gate?
  @Flag(help: "Compare runs of different hosts, and say what differs.")
  var allowMismatch = false
  @Flag(help: "Also the exploratory metrics in the table.")
  var all = false
  @Option(help: "In place of the table: \(CompareFormat.all.map(\.name).joined(separator: ", ")).")
  var format: String?
  @Option(help: "A file for it, in place of standard output; its ending says which format, where no --format does.")
  var out: String?
  @Flag(help: "Print JSON, with every metric.")
  var json = false
  @Option(help: "Colour: auto, always or never (NO_COLOR counts for auto).")
  var color = ColorChoice.auto

  func run() throws {
    let environment = ProcessInfo.processInfo.environment
    let settings = try Configuration.load(environment: environment)
    let format = try chosenFormat()
    let runs = try ComparedRuns(
      first, second, in: settings.out ?? CampaignOptions.defaultOut, allowsMismatch: allowMismatch,
      thresholds: try Threshold.parse(threshold), calibrations: CalibrationStore(environment: environment))
    do {
      let bytes = try format?.render(runs.document, ReportOptions()) ?? Array(text(of: runs).utf8)
      if let out { try AtomicFile.write(bytes, to: out) } else { Console.write(bytes) }
    } catch {
      throw CampaignError.failure("\(error)")
    }
    let code = runs.exitCode(failOn: failOn)
    if code != 0 { throw ExitCode(code) }
  }

  private func text(of runs: ComparedRuns) -> String {
    if json || out?.hasSuffix(".json") == true { return runs.json + "\n" }
    let columns = out == nil ? Console.columns : nil
    return ComparisonText(
      runs.document, columns: columns ?? .max, usesColor: out == nil && color.isOn(onTerminal: columns != nil),
      showsAll: all
    ).text
  }

  /// The format that an option or a file's name asks for; nil for the table and JSON.
  private func chosenFormat() throws -> CompareFormat? {
    if let format {
      guard !json else { throw CampaignError.usage("--format \(format) and --json contradict each other") }
      guard let named = CompareFormat.named(format) else {
        throw CampaignError.unknown("format", format, of: CompareFormat.all.map(\.name))
      }
      return named
    }
    return json ? nil : CompareFormat.all.first { out?.hasSuffix($0.suffix) == true }
  }
}

extension ComparedRuns.Gate: ExpressibleByArgument {}
