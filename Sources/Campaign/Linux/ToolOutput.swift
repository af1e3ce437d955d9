import Foundation
import MachineLauncher

/// Why a console has no result of a tool.
enum ToolOutputError: Error, Equatable, CustomStringConvertible {
  /// It ends before the tool has.
  case cutOff
  case missing
  case unreadable
  /// What the tool itself says, or its exit code.
  case failed(String)

  /// What happened, behind the tool's name.
  var description: String {
    switch self {
    case .cutOff: "has not ended: the guest's console is cut off"
    case .missing: "printed no result on the guest's console"
    case .unreadable: "printed a result on the guest's console that cannot be read"
    case .failed(let words): "failed in the guest: \(words)"
    }
  }
}

/// What tools have printed on the consoles of their guests.
enum ToolOutput {
  /// What the guest's init says behind a tool, with its exit code (`Tests/SVM/linux-guest.sh`).
  private static let ended = "pvbench-guest: ended "
  /// Lines of a console that are kept of a tool that failed.
  private static let keptLines = 20

  /// `report` with the tool's figures, or failed where it says nothing that could be read.
  static func judged(_ report: RunnerReport, by tool: any LinuxTool.Type, console: String) -> RunnerReport {
    guard report.status == .ok else { return report }
    var judged = report
    do throws(ToolOutputError) { judged.metrics.merge(try metrics(console, by: tool)) { $1 } } catch {
      judged.status = .failed
      judged.reason = "\(tool.schema.name) \(error)"
      judged.log = console.split(separator: "\n").suffix(keptLines).map(String.init)
    }
    return judged
  }

  private static func metrics(
    _ console: String, by tool: any LinuxTool.Type
  ) throws(ToolOutputError) -> [String: Double] {
    guard let code = exitCode(console) else { throw .cutOff }
    do throws(ToolOutputError) {
      let metrics = try tool.metrics(console)
      guard code == 0 else { throw .failed("exit code \(code)") }
      return metrics
    } catch {
      // An exit code says more than that nothing was printed, and less than the tool's own words.
      if case .failed = error { throw error }
      throw code == 0 ? error : .failed("exit code \(code)")
    }
  }

  private static func exitCode(_ console: String) -> Int? {
    let lines = console.split(separator: "\n", omittingEmptySubsequences: false)
    // The last line is whole only where something is behind its end.
    return lines.dropLast().last { $0.hasPrefix(ended) }.flatMap { Int($0.dropFirst(ended.count)) }
  }

  /// The first JSON object on `console` that has its first and its last line for itself.
  static func object<Value: Decodable>(_: Value.Type, in console: String) throws(ToolOutputError) -> Value {
    let lines = console.split(separator: "\n", omittingEmptySubsequences: false)
    guard let first = lines.firstIndex(of: "{") else { throw .missing }
    guard let last = lines[first...].firstIndex(of: "}") else { throw .unreadable }
    let text = lines[first...last].joined(separator: "\n")
    guard let value = try? JSONDecoder().decode(Value.self, from: Data(text.utf8)) else { throw .unreadable }
    return value
  }
}
