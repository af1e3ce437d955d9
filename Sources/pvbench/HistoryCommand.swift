import ArgumentParser
import Campaign
import Foundation
import ResultStore

/// `pvbench history`.
struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "The nightly series, and where they changed.",
    discussion: """
      Every run is taken into history.sqlite in the folder of runs. It can be made anew at any time: `history import`. Exit \
      codes: 0 fine, 1 the history is damaged or cannot be written, 2 a regression (only with --fail-on), 64 usage.
      """,
    subcommands: [
      HistoryList.self, HistoryShow.self, HistoryRegressions.self, HistoryAnnotate.self, HistoryImport.self,
      HistoryExport.self, HistoryPrune.self, HistoryVerify.self,
    ], defaultSubcommand: HistoryList.self)
}

/// What all of its subcommands have in common.
struct HistoryOptions: ParsableArguments {
  @Option(help: "The folder that runs are made in; results.")
  var out: String?

  /// The folder that flags, environment and files name.
  func folder() throws(CampaignError) -> String {
    let settings = try Configuration.load(environment: ProcessInfo.processInfo.environment)
    return out ?? settings.out ?? CampaignOptions.defaultOut
  }

  /// Hands the history of that folder to `body`.
  func withHistory<Value>(_ body: (History) throws -> Value) throws -> Value {
    do {
      return try body(try History.open(in: try folder(), creating: false))
    } catch let error as HistoryError {
      throw CampaignError(error)
    }
  }
}

/// Which series.
struct SeriesOptions: ParsableArguments {
  @Option(help: "Only this workload.")
  var workload: String?
  @Option(help: "Only this mode.")
  var mode: String?
  @Option(help: "Only the host with this fingerprint.")
  var fingerprint: String?

  /// The series of `history` that these options leave.
  func series(_ metric: String?, in history: History) throws -> [Series] {
    let found = try history.series(metric: metric, workload: workload, mode: mode, fingerprint: fingerprint)
    if found.isEmpty, let metric {
      let all = try history.series()
      guard all.contains(where: { $0.metric.id == metric }) else {
        throw CampaignError.unknown("metric", metric, of: all.map(\.metric.id))
      }
    }
    guard !found.isEmpty else { throw CampaignError.usage("the history has no such series") }
    return found
  }
}

/// `pvbench history list`.
struct HistoryList: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Its runs, the oldest first.")
  @OptionGroup var options: HistoryOptions
  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    try options.withHistory { history in
      let runs = try history.runs()
      Console.print(json ? try HistoryJSON.runs(runs) : HistoryText.runs(runs))
    }
  }
}

/// `pvbench history show`.
struct HistoryShow: ParsableCommand {
  /// More series than these fit nobody's screen.
  private static let most = 8

  static let configuration = CommandConfiguration(commandName: "show", abstract: "Draw a metric, night by night.")
  @Argument(help: "A metric, such as throughput.ops (see `pvbench list metrics`).")
  var metric: String
  @OptionGroup var names: SeriesOptions
  @OptionGroup var options: HistoryOptions
  @Flag(help: "Print JSON.")
  var json = false
  @Option(help: "Colour: auto, always or never (NO_COLOR counts for auto).")
  var color = ColorChoice.auto

  func run() throws {
    try options.withHistory { history in
      let series = try names.series(metric, in: history)
      guard json || series.count <= Self.most else {
        throw CampaignError.usage("\(series.count) series have \(metric): choose with --workload and --mode")
      }
      var changes = SeriesChanges(history)
      let found = try changes.find(in: series)
      let notes = try history.notes()
      let drawings = try series.map { series in
        let nights = try history.nights(of: series)
        return SeriesDrawing(
          series, nights: nights, changes: found, remarks: try changes.remarks(on: nights, notes: notes))
      }
      let columns = Console.columns
      Console.print(
        json
          ? try HistoryJSON.series(drawings)
          : drawings.map { $0.text(columns: columns ?? 80, usesColor: color.isOn(onTerminal: columns != nil)) }
            .joined(separator: "\n"))
    }
  }
}

/// `pvbench history regressions`.
struct HistoryRegressions: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "regressions", abstract: "Where series became worse, and what was different that night.")
  @OptionGroup var names: SeriesOptions
  @Option(help: "Only this metric.")
  var metric: String?
  @Option(help: "Changes of the last nights only; 30.")
  var nights = 30
  @Flag(help: "Also what became better.")
  var all = false
  @Option(help: "Exit with 2 where there is a regression.")
  var failOn: HistoryGate?
  @OptionGroup var options: HistoryOptions
  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let changes = try options.withHistory { history in
      var changes = SeriesChanges(history)
      return try changes.find(in: try names.series(metric, in: history), nights: nights)
    }
    let shown = changes.filter { all || !$0.isImprovement }
    if json {
      Console.print(try HistoryJSON.changes(shown))
    } else {
      Console.print(shown.isEmpty ? "nothing became worse in the last \(nights) nights\n" : HistoryText.changes(shown))
    }
    if failOn != nil, shown.contains(where: { !$0.isImprovement }) { throw ExitCode(2) }
  }
}

/// What `history regressions --fail-on` takes.
enum HistoryGate: String, ExpressibleByArgument, CaseIterable {
  case regression
}
