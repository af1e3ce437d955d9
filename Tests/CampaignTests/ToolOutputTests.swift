import Foundation
import MachineLauncher
import Testing

@testable import Campaign

/// A console of a Linux guest as it was recorded (`Tests/Fixtures/linux`).
enum RecordedConsole: String, CaseIterable {
  case fioRead = "fio-randread"
  case fioWrite = "fio-randwrite"
  case iperf3
  case sysbenchCPU = "sysbench-cpu"
  case sysbenchMemory = "sysbench-memory"

  var tool: any LinuxTool.Type {
    switch self {
    case .fioRead, .fioWrite: FioTool.self
    case .iperf3: Iperf3Tool.self
    case .sysbenchCPU, .sysbenchMemory: SysbenchTool.self
    }
  }

  func text() throws -> String {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    return try String(
      contentsOf: folder.appending(path: "Fixtures/linux/\(rawValue).console"), encoding: .utf8)
  }

  /// What comes of a guest that ended well with `console`.
  func judged(_ console: String) -> RunnerReport {
    var report = RunnerReport()
    report.status = .ok
    return ToolOutput.judged(report, by: tool, console: console)
  }
}

@Suite("what tools print")
struct ToolOutputTests {
  @Test(arguments: RecordedConsole.allCases) func aRecordedConsoleHasFigures(_ console: RecordedConsole) throws {
    let judged = console.judged(try console.text())
    #expect(judged.status == .ok)
    #expect(judged.reason == nil)
    #expect(judged.metrics.count >= 2)
    #expect(judged.metrics.values.allSatisfy { $0.isFinite && $0 >= 0 })
  }

  @Test(arguments: RecordedConsole.allCases) func everyCutBeforeTheToolsEndIsAFailure(
    _ console: RecordedConsole
  ) throws {
    let text = try console.text()
    let end = try #require(text.range(of: "pvbench-guest: ended 0\n")).upperBound
    let whole = Array(text[..<end].utf8)
    let accepted = whole.indices.filter {
      console.judged(String(decoding: whole[..<$0], as: UTF8.self)).status != .failed
    }
    #expect(accepted.isEmpty)
    #expect(console.judged(String(text[..<end])).status == .ok)
  }

  /// Whatever line a result lacks, nothing of it is made up.
  @Test(arguments: RecordedConsole.allCases) func aMissingLineNeverAddsAFigure(_ console: RecordedConsole) throws {
    let lines = try console.text().split(separator: "\n", omittingEmptySubsequences: false)
    let figures = console.judged(lines.joined(separator: "\n")).metrics
    let others = lines.indices.map { index in
      console.judged((lines[..<index] + lines[(index + 1)...]).joined(separator: "\n")).metrics
    }
    #expect(others.allSatisfy { $0.allSatisfy { figures[$0.key] == $0.value } })
  }

  @Test(arguments: RecordedConsole.allCases) func noiseIsOneClearLine(_ console: RecordedConsole) {
    let judged = console.judged("pvbench-guest: user space\n\u{FFFD}{}|(: 1\npvbench-guest: ended 0\n")
    #expect(judged.status == .failed)
    #expect(judged.reason == "\(console.tool.schema.name) printed no result on the guest's console")
    #expect(judged.log.last == "pvbench-guest: ended 0")
  }

  @Test(arguments: RecordedConsole.allCases) func aConsoleThatIsCutOffSaysSo(_ console: RecordedConsole) {
    #expect(
      console.judged("").reason == "\(console.tool.schema.name) has not ended: the guest's console is cut off")
  }

  @Test func aToolThatIsNotThereIsToldByItsExitCode() {
    let console = "/init: line 12: fio: not found\npvbench-guest: ended 127\n"
    #expect(RecordedConsole.fioRead.judged(console).reason == "fio failed in the guest: exit code 127")
  }

  @Test(arguments: RecordedConsole.allCases) func aResultOfAToolThatFailedIsNone(_ console: RecordedConsole) throws {
    let text = try console.text().replacingOccurrences(of: "ended 0", with: "ended 3")
    let judged = console.judged(text)
    #expect(judged.reason == "\(console.tool.schema.name) failed in the guest: exit code 3")
    #expect(judged.metrics.isEmpty)
  }

  @Test func aGuestThatFailedStaysFailed() throws {
    var report = RunnerReport()
    report.reason = "the guest triple-faulted"
    let console = try RecordedConsole.fioRead.text()
    #expect(ToolOutput.judged(report, by: FioTool.self, console: console) == report)
  }
}
