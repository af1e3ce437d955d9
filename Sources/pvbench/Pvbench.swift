import ArgumentParser
import Campaign
import Foundation

/// The program: subcommands, and the one place where an error becomes a line and an exit code.
@main struct Pvbench: AsyncParsableCommand {
  static let version = "0.1.0"
  static let configuration = CommandConfiguration(
    commandName: "pvbench",
    abstract: "What does emulation cost on this KVM host, and what does paravirtualisation give back?",
    discussion: """
      Exit codes: 0 fine, 1 failed or invalid, 2 regression and 3 inconclusive (--fail-on), 64 usage, 69 no KVM, 77 all \
      skipped, 130/143 interrupted.
      """,
    version: version,
    subcommands: [
      RunCommand.self, CompareCommand.self, BaselineCommand.self, CalibrateCommand.self, ReportCommand.self,
      HistoryCommand.self, NightlyCommand.self, BootCommand.self, DoctorCommand.self, LookingCommand.self,
      ListCommand.self,
    ])

  static func main() async {
    do {
      try checkSubcommand(CommandLine.arguments.dropFirst().first)
      var command = try parseAsRoot()
      if var command = command as? any AsyncParsableCommand {
        try await command.run()
      } else {
        try command.run()
      }
    } catch {
      leave(error)
    }
  }

  /// A misspelt subcommand would be called an unexpected argument.
  private static func checkSubcommand(_ name: String?) throws(CampaignError) {
    let names = configuration.subcommands.compactMap { $0.configuration.commandName }
    guard let name, !name.hasPrefix("-"), !(names + ["help"]).contains(name) else { return }
    throw .usage("unknown command '\(name)'" + NearestName.hint(for: name, in: names))
  }

  /// Ends the process: help and version on standard output, anything else as one line on standard error.
  private static func leave(_ error: any Error) -> Never {
    if let error = error as? CampaignError {
      Console.diagnose("\(error)")
      Foundation.exit(error.exitCode)
    }
    let code = exitCode(for: error)
    if error is ExitCode || code.isSuccess { exit(withError: error) }
    let message = message(for: error).split(separator: "\n").first.map(String.init) ?? "\(error)"
    Console.diagnose(message)
    Foundation.exit(code.rawValue)
  }
}
