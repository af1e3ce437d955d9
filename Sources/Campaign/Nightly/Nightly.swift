import Foundation
import Measurement
import ResultStore

/// One night: run, take into the history, look at what changed, ask another build, and say it in a paragraph.
public struct Nightly: Sendable {
  /// What to run.
  public var options: CampaignOptions
  /// Whether suspects are run again, interleaved with the build that `PVBENCH_PREVIOUS_VM` names.
  public var confirms: Bool

  /// A night with these options.
  public init(_ options: CampaignOptions, confirms: Bool) { (self.options, self.confirms) = (options, confirms) }

  /// Keeps other nights out of the folder of runs for as long as it lives.
  ///
  /// - Throws: `CampaignError.failure` where there is one already.
  public static func lock(_ folder: String) throws(CampaignError) -> FolderLock {
    let lock: FolderLock?
    do { lock = try FolderLock.take("nightly.lock", in: folder) } catch { throw .failure("\(error)") }
    guard let lock else {
      throw .failure("another night is being measured in \(folder): nothing was measured (wait until it has ended)")
    }
    return lock
  }

  /// Lives through the night, whatever goes wrong in it.
  public func run(progress: any ProgressSink, publish: Campaign.Publisher) async -> NightReport {
    await run(host: .live, progress: progress, publish: publish)
  }

  func run(host: HostServices, progress: any ProgressSink, publish: Campaign.Publisher) async -> NightReport {
    var report = NightReport()
    do {
      if confirms { _ = try Supervisor.locatePrevious(environment: options.environment) }
      let result = await (try Campaign.prepare(options, host: host)).run(progress: progress, publish: publish)
      (report.run, report.folder, report.error) = (result.record, result.folder, result.error)
      report.runCode = result.exitCode
      guard let run = result.record else { return report }
      report.findings = try look(at: run, in: result.folder)
      guard confirms, !Task.isCancelled, let suspects = report.findings?.suspects, !suspects.isEmpty else {
        return report
      }
      report.confirmation = try await confirm(suspects, host, progress, publish)
    } catch {
      // Of a run that failed, and of what came of it, the first is the cause.
      report.error = report.error ?? error
    }
    return report
  }

  private func look(at run: RunRecord, in folder: RunFolder) throws(CampaignError) -> NightFindings? {
    if let obstacle = HistoryIndex.add(run, from: folder) { throw .failure(obstacle) }
    do {
      return try NightFindings(run, in: try History.open(in: options.out, creating: true))
    } catch {
      throw CampaignError(error)
    }
  }

  private func confirm(
    _ suspects: [NightFindings.Suspect], _ host: HostServices, _ progress: any ProgressSink,
    _ publish: Campaign.Publisher
  ) async throws(CampaignError) -> Confirmation? {
    var again = options
    guard
      let request = try Confirmation.request(for: suspects, like: options.request, library: options.library)
    else { return nil }
    (again.request, again.resume) = (request, nil)
    let result = await (try Campaign.prepare(again, host: host)).run(progress: progress, publish: publish)
    if let error = result.error { throw error }
    guard let run = result.record, !Task.isCancelled else { return nil }
    if let obstacle = HistoryIndex.add(run, from: result.folder) { throw .failure(obstacle) }
    return Confirmation(run)
  }
}
