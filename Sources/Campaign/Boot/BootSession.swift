import Foundation
import MachineLauncher
import Subprocess

/// One boot of a foreign guest: its runner process, its console and its report.
public struct BootSession: Sendable {
  private let supervisor: Supervisor
  private let specification: MachineSpecification

  /// Seconds that a runner is given beyond its guest's time to end both.
  private static let grace = 10.0

  /// Checks the request against this host.
  ///
  /// - Throws: `CampaignError`, before anything was started.
  public init(_ request: BootRequest, environment: [String: String]) throws(CampaignError) {
    let path = KVMAccess.path(environment: environment)
    specification = try request.specification(kvmPath: path)
    try KVMAccess.check(path)
    supervisor = try Supervisor.locate(environment: environment)
  }

  /// Runs the guest; `console` is given what it prints, as it comes.
  ///
  /// - Returns: how it went, or why the runner could not start it.
  public func run(console: @escaping @Sendable ([UInt8]) -> Void) async -> Result<BootRecord, CampaignError> {
    var specification = specification
    specification.foreign?.startNanoseconds = Self.now()
    let limit = Duration.seconds(Double(specification.timeoutNanoseconds) / 1e9 + Self.grace)
    switch await supervisor.boot(specification, limit: limit, console: console) {
    case .report(let report, _): return .success(BootRecord(report))
    case .noKVM(let reason): return .failure(.host(Self.plain(reason)))
    case .failed(let reason): return .failure(.failure(Self.plain(reason)))
    case .interrupted: return .failure(.failure("the boot was interrupted"))
    }
  }

  /// Nanoseconds of the clock that runners count from.
  private static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// A runner's message without the runner's name.
  private static func plain(_ message: String) -> String {
    message.components(separatedBy: "pvbench-vm: ").last ?? message
  }
}

extension Supervisor {
  /// Runs a foreign guest: the runner's standard output is the guest's console, its standard error the report.
  func boot(
    _ specification: MachineSpecification, limit: Duration, console: @escaping @Sendable ([UInt8]) -> Void
  ) async -> RunnerOutcome {
    await supervise(
      specification, limit: limit,
      output: { sequence in
        for try await buffer in sequence { console(buffer.withUnsafeBytes { Array($0) }) }
      },
      errors: { sequence in
        var bytes: [UInt8] = []
        do {
          for try await buffer in sequence where bytes.count <= Self.reportLimit {
            buffer.withUnsafeBytes { bytes.append(contentsOf: $0) }
          }
        } catch {
          // A report that was cut off is not complete, and says so by its missing end.
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").map(String.init)
      },
      conclude: { status, _, lines in
        Self.outcome(
          status, output: Array((lines.joined(separator: "\n") + "\n").utf8),
          diagnostics: lines.suffix(Self.diagnosticLines))
      })
  }
}
