import Foundation
import MachineLauncher

/// QEMU on this host, as a runner of guests.
enum QEMUProgram: Equatable, Sendable {
  case found(path: String, version: String)
  /// Why there is none that can be used, and what to do.
  case missing(String)

  private static let name = "qemu-system-x86_64"

  /// Looks for `PVBENCH_QEMU`, or for QEMU in PATH, and asks it for its version.
  static func locate(environment: [String: String]) -> QEMUProgram {
    let folders = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
    let candidates = environment["PVBENCH_QEMU"].map { [$0] } ?? folders
    guard let path = candidates.first(where: { access($0, X_OK) == 0 }) else {
      let sought = environment["PVBENCH_QEMU"].map { "PVBENCH_QEMU=\($0): no such program" } ?? "\(name) is not in PATH"
      return .missing("\(sought) (install the package qemu-system-x86)")
    }
    return judge(path, says: firstLine(of: path))
  }

  /// What the first line of `--version` means.
  static func judge(_ path: String, says line: String) -> QEMUProgram {
    guard let version = QEMUVersion(parsing: line) else {
      return .missing("\(path) does not say which QEMU it is: '\(line)'")
    }
    guard version >= QEMUSupport.oldestVersion else {
      return .missing("\(path) is QEMU \(version), which is too old (use \(QEMUSupport.oldestVersion) or newer)")
    }
    return .found(path: path, version: String(line.dropFirst("QEMU emulator version ".count)))
  }

  private static func firstLine(of path: String) -> String {
    let quoted = path.replacingOccurrences(of: "'", with: "'\\''")
    guard let stream = popen("'\(quoted)' --version 2>&1", "r") else { return "" }
    defer { pclose(stream) }
    var line = [CChar](repeating: 0, count: 256)
    guard fgets(&line, Int32(line.count), stream) != nil else { return "" }
    return String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
