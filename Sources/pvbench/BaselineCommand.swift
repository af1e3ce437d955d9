import ArgumentParser
import Campaign

/// `pvbench baseline`.
struct BaselineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "baseline", abstract: "Names for runs, for `compare` and `run --against`.",
    subcommands: [BaselineSave.self, BaselineList.self, BaselineDelete.self], defaultSubcommand: BaselineList.self)
}

/// `pvbench baseline save`.
struct BaselineSave: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "save", abstract: "Give a run a name, which may have been another run's.")
  @Argument(help: "The name.")
  var name: String
  @Argument(help: "The run: its folder, or its id in the folder of runs; the newest complete one.")
  var target: String?
  @OptionGroup var options: HistoryOptions

  func run() throws {
    let baseline = try Baseline.save(name, run: target, in: try options.folder())
    Console.print("\(baseline.name) is \(baseline.run)\n")
  }
}

/// `pvbench baseline list`.
struct BaselineList: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "Every name, and its run.")
  @OptionGroup var options: HistoryOptions
  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let baselines = Baseline.all(in: try options.folder())
    Console.print(json ? try Baseline.json(baselines) : Baseline.text(baselines))
  }
}

/// `pvbench baseline delete`.
struct BaselineDelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Forget a name; the run stays.")
  @Argument(help: "The name.")
  var name: String
  @OptionGroup var options: HistoryOptions

  func run() throws { try Baseline.delete(name, in: try options.folder()) }
}
