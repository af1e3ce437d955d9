import Foundation
import Measurement
import Testing

@testable import Reporting

@Suite("report --anonymize") struct AnonymizerTests {
  private static let secrets = [
    "bench-01", "/home/alice/images/secret.img", "~/secret", "/dev/disk/by-id/nvme-SN4711", "192.0.2.17",
    "52:54:00:ab:cd:ef",
    "2001:db8::17", "fe80:0:0:0:1:2:3:4", "6f1c0a52-9a0e-4a6b-8a53-1f6d2f1f6a00",
  ]

  /// A run with every secret in every string whose place takes any text.
  private static func indiscreet() throws -> RunRecord {
    let text = secrets.joined(separator: ", ")
    let bytes = try RunJSON.render(try Golden.run())
    var json = try JSONSerialization.jsonObject(with: Data(bytes))
    json = filled(json, key: "", with: text)
    var run = try JSONDecoder().decode(RunRecord.self, from: JSONSerialization.data(withJSONObject: json))
    run.host.name = "bench-01"
    run.id = "20250314T221500Z-bench-01-3fa9"
    run.command = ["/opt/secret/pvbench", "run", "--out", "secret", "--disk=images/secret", "--suite", "disk"]
    run.host.configuration["board_serial"] = .string("SN4711")
    return run
  }

  /// Keys of words of pvbench's own, which it must be able to read back, and of figures.
  private static let ownWords: Set = [
    "status", "verdict", "better", "started", "finished", "latency", "suite", "workload", "mode", "runner", "metric",
    "primary", "unit", "test", "choices", "histograms",
  ]

  /// `value` with `text` behind every string that does not stand under such a key.
  private static func filled(_ value: Any, key: String, with text: String) -> Any {
    switch value {
    case _ where ownWords.contains(key): value
    case let string as String: "\(string) \(text)"
    case let values as [Any]: values.map { filled($0, key: key, with: text) }
    case let members as [String: Any]:
      Dictionary(uniqueKeysWithValues: members.map { ($0.key, filled($0.value, key: $0.key, with: text)) })
    default: value
    }
  }

  @Test(arguments: ReportFormat.all.flatMap(\.files).map(\.name)) func nothingOfItIsInAnyFormat(name: String) throws {
    let file = try #require(ReportFormat.all.flatMap(\.files).first { $0.name == name })
    let bytes = try file.render(try Anonymizer.anonymized(try Self.indiscreet()), ReportOptions())
    let text = String(decoding: bytes, as: UTF8.self)
    let found = (Self.secrets + ["secret", "SN4711"]).filter(text.contains)
    #expect(found.isEmpty)
  }

  @Test func figuresStayAsTheyAre() throws {
    let run = try Golden.run()
    let clean = try Anonymizer.anonymized(run)
    #expect(clean.cells == run.cells)
    #expect(clean.comparisons == run.comparisons)
    #expect(clean.seed == run.seed)
    #expect(clean.id == "20250314T221500Z-3fa9")
  }

  @Test(arguments: [
    "exit 0x1f0:in at 22:15:00", "12 k/s of 3/4, 1 /s", "/sys/kernel/mm and /proc/cpuinfo", "cannot open /dev/kvm",
    "1.2.3",
    "full:paravirt", "Linux 6.1.0-18-amd64",
  ]) func whatEveryHostHasIsKept(text: String) throws {
    var run = try Golden.run()
    run.host.warnings = [text]
    #expect(try Anonymizer.anonymized(run).host.warnings == [text])
  }

  @Test func hostThatIsCalledLikeAModeChangesNoMode() throws {
    var run = try Golden.run()
    run.host.name = "full"
    #expect(try Anonymizer.anonymized(run).cells.map(\.mode) == run.cells.map(\.mode))
  }
}
