import Foundation
import Subprocess

/// A command that hears of every night, for mail or chat: the summary is its standard input.
public struct NightHook: Sendable {
  private let command: String
  private let patience: Duration

  /// A command for `/bin/sh`, which is killed after `patience`.
  public init(_ command: String, patience: Duration = .seconds(60)) {
    (self.command, self.patience) = (command, patience)
  }

  /// Runs it, with `PVBENCH_NIGHTLY_CODE` and `PVBENCH_NIGHTLY_RUN` (a folder; empty where there is none) in its environment.
  ///
  /// - Returns: what went wrong with it, one line; nil where nothing did.
  public func run(_ summary: String, code: Int32, folder: String?) async -> String? {
    // A file: a command that does not read its input would break a pipe.
    let path = NSTemporaryDirectory() + "pvbench-night-" + UUID().uuidString
    defer { unlink(path) }
    do {
      try (summary + "\n").write(toFile: path, atomically: false, encoding: .utf8)
      let input = open(path, O_RDONLY | O_CLOEXEC)
      guard input >= 0 else { return "the hook was not run: cannot open \(path)" }
      let hook = Task { [command] in try await Self.process(command, input, code, folder) }
      let alarm = Task { [patience] in
        try await Task.sleep(for: patience)
        hook.cancel()
      }
      defer { alarm.cancel() }
      let status = try await hook.value
      if hook.isCancelled { return "the hook did not end within \(patience.components.seconds) s, and was killed" }
      return status.isSuccess ? nil : "the hook failed: \(status)"
    } catch {
      return "the hook was not run: \(error)"
    }
  }

  private static func process(
    _ command: String, _ input: Int32, _ code: Int32, _ folder: String?
  ) async throws -> TerminationStatus {
    var options = PlatformOptions()
    options.processGroupID = 0
    options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
    let result = try await Subprocess.run(
      .path("/bin/sh"), arguments: ["-c", command],
      environment: .inherit.updating(["PVBENCH_NIGHTLY_CODE": "\(code)", "PVBENCH_NIGHTLY_RUN": folder ?? ""]),
      platformOptions: options, input: .fileDescriptor(.init(rawValue: input), closeAfterSpawningProcess: true),
      output: .currentStandardError, error: .currentStandardError)
    return result.terminationStatus
  }
}
