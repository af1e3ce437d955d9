import Foundation
import HostTopology
import MachineLauncher
import Measurement
import Testing

@testable import Campaign

/// A folder that lives as long as the test.
final class TemporaryFolder {
  let path: String

  init() throws {
    path = NSTemporaryDirectory() + "campaign-tests-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { "\(path)/\(name)" }

  @discardableResult func write(_ text: String, to name: String) throws -> String {
    let path = file(name)
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: true, encoding: .utf8)
    return path
  }

  /// A shell script in place of the runner. Only a link is made: a program that was just written may be "busy"
  /// (Tests/Fixtures/programs/script says why).
  func runner(_ script: String) throws -> String {
    let path = file("runner-\(UUID().uuidString)")
    try write(script + "\n", to: (path as NSString).lastPathComponent + ".sh")
    let program = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fixtures/programs/script")
    try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: program.path)
    return path
  }

  /// A script that prints `report`, after `before`.
  func runner(printing report: RunnerReport, before: String = ":") throws -> String {
    let text = try write(report.text, to: "report-\(UUID().uuidString).txt")
    return try runner("\(before)\ncat '\(text)'")
  }
}

extension RunnerReport {
  /// A guest that read a little.
  static var ok: RunnerReport {
    var report = RunnerReport()
    report.status = .ok
    report.metrics = ["throughput.ops": 1000, "exits.loop_total": 42, "exits.kernel_total": 42]
    report.slots = [7]
    report.log = ["hello from the guest"]
    return report
  }
}

extension HostMoment {
  /// The same at all times.
  static let quiet = HostMoment(
    cpus: [], clocksource: "tsc", clocks: HostClocks(realtime: 0, raw: 0, monotonic: 0, boot: 0))
}

extension HostServices {
  /// A host that is always the same.
  static let fixed = named("tester")

  static func named(_ name: String) -> HostServices {
    HostServices(
      record: { _, _, _ in
        HostRecord(
          fingerprint: "fingerprint of \(name)", configuration: [:], cpu: [:], kernel: "6.1", kvm: [:], numa: [],
          warnings: [], name: name)
      },
      resources: { _, _, kvmPath in MachineResources(kvmPath: kvmPath) }, moment: { _ in .quiet })
  }
}

extension SuiteLibrary {
  /// The suites that are built in.
  static func embedded() throws -> SuiteLibrary { try load(directory: nil, workingDirectory: "/nowhere") }
}

extension RunRequest {
  /// A request for these workloads.
  static func of(_ workloads: String..., modes: [String] = [], repetitions: Int = 2) -> RunRequest {
    var request = RunRequest()
    request.workloads = workloads
    request.modes = modes
    request.repetitions = repetitions
    return request
  }
}
