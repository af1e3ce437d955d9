import ArgumentParser
import Campaign
import Foundation
import ResultStore

/// `pvbench history annotate`.
struct HistoryAnnotate: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "annotate", abstract: "Write a remark beside a run.")
  @Argument(help: "The run's id.")
  var name: String
  @Argument(help: "What to remember, such as 'new firmware'.")
  var note: String
  @OptionGroup var options: HistoryOptions

  func run() throws {
    let folder = try options.folder()
    try options.withHistory { history in
      try history.annotate(name, note)
      // The folder may be gone; while it is there, the remark is the run's own.
      try (try? RunFolder.find(name, in: folder))?.add(note: note)
    }
  }
}

/// `pvbench history import`.
struct HistoryImport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Take in the runs of a folder, or the lines of an export.")
  @Argument(help: "A folder of runs, or a file that `history export` wrote; the folder of runs.")
  var source: String?
  @OptionGroup var options: HistoryOptions

  func run() throws {
    let folder = try options.folder()
    let result = try HistoryIndex.read(source ?? folder, into: folder)
    Console.print("\(result.runs) runs are in the history, \(result.empty) others observed nothing\n")
    for failure in result.failures { Console.diagnose(failure) }
    if !result.failures.isEmpty { throw ExitCode(1) }
  }
}

/// `pvbench history export`.
struct HistoryExport: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Print every run with all of its observations, a line of JSON each.")
  @OptionGroup var options: HistoryOptions

  func run() throws {
    try options.withHistory { history in
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      for run in try history.runs() {
        Console.print(String(decoding: try encoder.encode(try history.run(run.id)), as: UTF8.self) + "\n")
      }
    }
  }
}

/// `pvbench history prune`.
struct HistoryPrune: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prune", abstract: "Forget all but the newest runs; their folders stay.")
  @Option(help: "How many runs to keep.")
  var keep: Int
  @OptionGroup var options: HistoryOptions

  func validate() throws {
    guard keep >= 0 else { throw ValidationError("--keep: expected a number of runs") }
  }

  func run() throws {
    try options.withHistory { history in
      let old = try history.runs().dropLast(keep).map(\.id)
      try history.remove(old)
      Console.print("forgot \(old.count) runs\n")
    }
  }
}

/// `pvbench history verify`.
struct HistoryVerify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Read all of the history, and say what is wrong with it.")
  @OptionGroup var options: HistoryOptions

  func run() throws {
    let folder = try options.folder()
    let faults = try options.withHistory { history in
      let faults = try history.faults()
      let missing = try HistoryIndex.missing(from: history, in: folder)
      Console.print("\(try history.runs().count) runs, \(faults.count) faults\n")
      if !missing.isEmpty {
        Console.diagnose(
          "\(missing.count) finished runs are not in the history (take them in with `pvbench history import`)")
      }
      return faults
    }
    for fault in faults { Console.diagnose(fault) }
    if !faults.isEmpty { throw ExitCode(1) }
  }
}
