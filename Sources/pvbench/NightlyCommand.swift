import ArgumentParser
import Campaign
import Foundation

/// `pvbench nightly`.
struct NightlyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "nightly", abstract: "Measure, look at what changed since last night, and say so in a paragraph.",
    discussion: """
      Takes the options of `pvbench run`. Two nights never overlap; one that was missed is a gap in the series. Exit codes: \
      those of `run`; with --fail-on, 2 where a primary metric has a new change point for the worse or --confirm confirmed a \
      suspect, and with --fail-on inconclusive, 3 where a suspect was not decided. Timers and CI jobs: contrib/.
      """)

  @Flag(help: "Run suspects again, interleaved with the build that --previous-runner names.")
  var confirm = false
  @Option(help: "Exit with 2 after a regression; inconclusive: also with 3 where a suspect was not decided.")
  var failOn: ComparedRuns.Gate?
  @Option(
    help:
      "A command that reads the summary on its standard input; PVBENCH_NIGHTLY_CODE and PVBENCH_NIGHTLY_RUN are set.")
  var hook: String?
  @Option(
    help: "Delete the folders of older nights than this many, but for baselines and annotated ones; all are kept.")
  var keep: Int?
  @OptionGroup var measurement: MeasureOptions
  @OptionGroup var console: ConsoleOptions

  func validate() throws {
    guard keep ?? 1 >= 1 else { throw ValidationError("--keep: expected 1 or more nights") }
  }

  func run() async throws {
    var options = try measurement.campaign()
    options.request.fill(from: try Configuration.load(environment: options.environment))
    let lock = try Nightly.lock(options.out)
    for line in Doctor(environment: options.environment, results: options.out).settle() { Console.diagnose(line) }
    let (night, progress) = (Nightly(options, confirms: confirm), console.progress)
    let (report, signal) = await Interruption.guarding {
      await night.run(progress: progress) { run, folder in try Publication.publish(run, in: folder) }
    }
    let code = signal.map { 128 + $0 } ?? report.exitCode(failOn: failOn)
    if let error = report.error { Console.diagnose("\(error)") }
    Console.print(console.json ? try report.json(failOn: failOn) : report.summary + "\n")
    await conclude(report, code: code, in: options.out)
    // Until here no other night may begin.
    withExtendedLifetime(lock) {}
    if code != 0 { throw ExitCode(code) }
  }

  private func conclude(_ report: NightReport, code: Int32, in folder: String) async {
    let archive = NightArchive(in: folder)
    if let line = archive.log(report.summary, code: code) { Console.diagnose(line) }
    if let keep { archive.prune(keeping: keep).failures.forEach(Console.diagnose) }
    guard let hook else { return }
    if let line = await NightHook(hook).run(report.summary, code: code, folder: report.folder?.path) {
      Console.diagnose(line)
    }
  }
}
