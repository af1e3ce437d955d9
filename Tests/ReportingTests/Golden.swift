import Foundation
import Measurement
import Testing

/// Reference files in Tests/Fixtures/report, found beside the sources so that no bundle is needed.
enum Golden {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/report")

  /// The run that all golden files are made from.
  static func run() throws -> RunRecord {
    try JSONDecoder().decode(RunRecord.self, from: Data(contentsOf: folder.appending(path: "run.json")))
  }

  /// Compares with the reference, naming the first line that differs. `PVBENCH_WRITE_GOLDEN=1 swift test` writes it anew;
  /// look at the difference before committing it.
  static func expect(
    _ bytes: [UInt8], equals name: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let url = folder.appending(path: name)
    if ProcessInfo.processInfo.environment["PVBENCH_WRITE_GOLDEN"] != nil { try Data(bytes).write(to: url) }
    let reference = [UInt8](try Data(contentsOf: url))
    guard bytes != reference else { return }
    let found = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
    let wanted = reference.split(separator: 0x0A, omittingEmptySubsequences: false)
    let line =
      zip(found, wanted).enumerated().first { $0.element.0 != $0.element.1 }?.offset ?? min(found.count, wanted.count)
    func text(_ lines: [ArraySlice<UInt8>]) -> String {
      line < lines.count ? String(decoding: lines[line].prefix(2000), as: UTF8.self) : "(end of file)"
    }
    Issue.record(
      "\(name), line \(line + 1):\n  expected: \(text(wanted))\n  found:    \(text(found))",
      sourceLocation: sourceLocation)
  }
}
