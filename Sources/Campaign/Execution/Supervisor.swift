import Foundation
import MachineLauncher
import Subprocess
import Synchronization

/// How a runner process ended.
enum RunnerOutcome: Equatable, Sendable {
  /// It said what happened; `diagnostics` is the end of its standard error.
  case report(RunnerReport, diagnostics: [String])
  /// It could not open the KVM device.
  case noKVM(String)
  /// It crashed, hung, or spoke nonsense.
  case failed(String)
  /// The campaign was interrupted, and the runner killed.
  case interrupted
}

/// Starts one runner process per repetition, and never leaves one behind: it ends by itself, or is killed by its own
/// process id when its time is up or the campaign is interrupted.
struct Supervisor: Sendable {
  /// Most bytes of a report.
  static let reportLimit = 16 << 20
  /// Lines of standard error that a reason quotes at most.
  static let diagnosticLines = 3
  static let noKVMExitCode: Int32 = 69

  private final class Deadline: Sendable {
    let hasPassed = Atomic(false)
  }

  /// The runner's executable.
  let runner: String

  /// Finds the runner: `PVBENCH_VM`, or `pvbench-vm` beside this program.
  static func locate(environment: [String: String]) throws(CampaignError) -> Supervisor {
    if let path = environment["PVBENCH_VM"] {
      guard access(path, X_OK) == 0 else { throw .usage("PVBENCH_VM=\(path): no such program") }
      return Supervisor(runner: path)
    }
    let executable = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    let path = executable.deletingLastPathComponent().appending(path: "pvbench-vm").path
    guard access(path, X_OK) == 0 else {
      throw .failure("cannot find the runner \(path) (build it with `swift build`, or name it with PVBENCH_VM)")
    }
    return Supervisor(runner: path)
  }

  /// Finds the other build that `--runner previous` means: `PVBENCH_PREVIOUS_VM`.
  static func locatePrevious(environment: [String: String]) throws(CampaignError) -> Supervisor {
    guard let path = environment["PVBENCH_PREVIOUS_VM"] else {
      throw .usage("--runner previous needs the other build of pvbench-vm (name it with --previous-runner)")
    }
    guard access(path, X_OK) == 0 else { throw .usage("the previous runner \(path): no such program") }
    return Supervisor(runner: path)
  }

  /// Runs one guest; kills the runner after `limit`.
  func run(_ specification: MachineSpecification, limit: Duration) async -> RunnerOutcome {
    await supervise(specification, limit: limit, output: Self.collect, errors: Self.lastLines) {
      Self.outcome($0, output: $1, diagnostics: $2)
    }
  }

  /// Starts a runner, hands over what it writes, and kills it after `limit`; `conclude` says what its end means.
  func supervise<Output: Sendable>(
    _ specification: MachineSpecification, limit: Duration,
    output: @escaping @Sendable (SubprocessOutputSequence) async throws -> Output,
    errors: @escaping @Sendable (SubprocessOutputSequence) async -> [String],
    conclude: (TerminationStatus, Output, [String]) -> RunnerOutcome
  ) async -> RunnerOutcome {
    var options = PlatformOptions()
    // A group of its own: Ctrl-C at the terminal reaches pvbench only, which then ends the runner and whatever it started.
    options.processGroupID = 0
    options.teardownSequence = [.send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
    let deadline = Deadline()
    var specification = specification
    specification.spawnedNanoseconds = Self.monotonicNanoseconds()
    let arguments = specification.arguments
    do {
      let result = try await Subprocess.run(
        .path(.init(runner)), arguments: Arguments(arguments), platformOptions: options, input: .none,
        output: .sequence, error: .sequence
      ) { execution in
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask {
            try await Task.sleep(for: limit)
            deadline.hasPassed.store(true, ordering: .relaxed)
            try execution.send(signal: .kill, toProcessGroup: true)
          }
          async let diagnostics = errors(execution.standardError)
          let report = try await output(execution.standardOutput)
          let lines = await diagnostics
          group.cancelAll()
          return (report: report, diagnostics: lines)
        }
      }
      if deadline.hasPassed.load(ordering: .relaxed) {
        return .failed("timed out after \(limit.components.seconds) s\(Self.quote(result.closureResult.diagnostics))")
      }
      if Task.isCancelled { return .interrupted }
      return conclude(
        result.terminationStatus, result.closureResult.report, result.closureResult.diagnostics)
    } catch {
      if Task.isCancelled { return .interrupted }
      if deadline.hasPassed.load(ordering: .relaxed) { return .failed("timed out after \(limit.components.seconds) s") }
      return .failed("cannot run \(runner): \(error)")
    }
  }

  private static func monotonicNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// What the end of a process means. `output` is nil where it was longer than any report can be.
  static func outcome(_ status: TerminationStatus, output: [UInt8]?, diagnostics: [String]) -> RunnerOutcome {
    switch status {
    case .signaled(let signal):
      return .failed(
        "runner was killed by signal \(signal): \(String(cString: strsignal(signal)))\(quote(diagnostics))")
    case .exited(noKVMExitCode):
      return .noKVM(diagnostics.last ?? "the runner cannot open the KVM device")
    case .exited(let code) where code != 0:
      return .failed("runner exited with code \(code)\(quote(diagnostics))")
    case .exited:
      guard let output else { return .failed("runner wrote more than \(reportLimit >> 20) MiB") }
      let report = RunnerReport(parsing: String(decoding: output, as: UTF8.self))
      guard report.isComplete else { return .failed("runner's report is not complete\(quote(diagnostics))") }
      return .report(report, diagnostics: diagnostics)
    }
  }

  private static func quote(_ lines: [String]) -> String { lines.isEmpty ? "" : ": " + lines.joined(separator: " | ") }

  /// Everything the runner writes; nil, once more than `reportLimit` has come: the rest is read and dropped.
  private static func collect(_ output: SubprocessOutputSequence) async throws -> [UInt8]? {
    var bytes: [UInt8] = []
    for try await buffer in output where bytes.count <= reportLimit {
      buffer.withUnsafeBytes { bytes.append(contentsOf: $0) }
    }
    return bytes.count > reportLimit ? nil : bytes
  }

  /// The last lines of standard error, whatever its length.
  private static func lastLines(of output: SubprocessOutputSequence) async -> [String] {
    var tail: [UInt8] = []
    do {
      for try await buffer in output {
        buffer.withUnsafeBytes { tail.append(contentsOf: $0) }
        if tail.count > 1 << 16 { tail.removeFirst(tail.count - 4096) }
      }
    } catch {
      // What came before the pipe broke is still the best there is.
    }
    return String(decoding: tail.suffix(4096), as: UTF8.self).split(separator: "\n").suffix(diagnosticLines)
      .map(String.init)
  }
}
