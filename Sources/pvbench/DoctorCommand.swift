import ArgumentParser
import Campaign
import Foundation

/// `pvbench doctor`.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Is this host fit to measure?",
    discussion: """
      Looks and changes nothing, unless --apply or --restore is given. What --apply changes is on disk before it is changed; \
      if it is killed, the next run puts everything back. Exit codes: 0 looked (with or without warnings), 1 a setting could \
      not be changed or put back, 64 usage, 69 no KVM here.
      """)

  @Flag(help: "Print the commands that would change what was found; change nothing.")
  var fix = false
  @Flag(help: "Change what can be changed while the host runs. Parameters of the kernel and its modules are not.")
  var apply = false
  @Flag(help: "Put back what --apply changed.")
  var restore = false
  @Option(help: "The folder that runs are made in; results.")
  var out: String?
  @Flag(help: "Print JSON.")
  var json = false
  @Option(help: "Colour: auto, always or never (NO_COLOR counts for auto).")
  var color = ColorChoice.auto

  func validate() throws {
    guard !apply || !restore else { throw ValidationError("--apply and --restore contradict each other") }
  }

  func run() throws {
    let environment = ProcessInfo.processInfo.environment
    let settings = try Configuration.load(environment: environment)
    let doctor = Doctor(environment: environment, results: out ?? settings.out ?? CampaignOptions.defaultOut)
    let report = try doctor.examine(apply ? .apply : restore ? .restore : .look)
    Console.print(text(of: report))
    for note in report.notes { Console.diagnose(note) }
    for failure in report.failures { Console.diagnose(failure) }
    if report.exitCode != 0 { throw ExitCode(report.exitCode) }
  }

  private func text(of report: DoctorReport) -> String {
    if json { return report.json + "\n" }
    if fix, !apply, !restore { return report.script }
    let (columns, isTerminal) = Console.outputColumns
    return report.text(columns: columns, usesColor: color.isOn(onTerminal: isTerminal))
  }
}
