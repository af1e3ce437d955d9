import MachineLauncher

/// A tool that is a workload in the Linux guest: its rows, its command line, and what it prints. To add one is to add a file
/// with a type like this, a line to `LinuxTools`, its program to `Tests/SVM/linux-guest.sh` and its rows to
/// `workloads/suites/linux.yaml`.
protocol LinuxTool: Sendable {
  /// The parameters of its rows, whose kernel has its program's name.
  static var schema: KernelSchema { get }
  /// What its machine has behind the network card.
  static var network: NetworkBacking { get }
  /// Whether its machine has a disk.
  static var needsDisk: Bool { get }
  /// The command for `cell`: words without blanks.
  static func arguments(_ cell: PlannedCell) -> [String]
  /// The metrics of what it has printed on the guest's console.
  static func metrics(_ console: String) throws(ToolOutputError) -> [String: Double]
}

extension LinuxTool {
  static var network: NetworkBacking { .none }
  static var needsDisk: Bool { false }
}

/// Every tool that there is.
enum LinuxTools {
  static let all: [any LinuxTool.Type] = [FioTool.self, Iperf3Tool.self, SysbenchTool.self]
}

extension Workload {
  /// The tool that it runs; nil for pvbench's own guests.
  var tool: (any LinuxTool.Type)? { LinuxTools.all.first { $0.schema.name == kernel } }
}

extension PlannedCell {
  /// The window in whole seconds, at least one: tools know no less.
  var toolSeconds: UInt64 { Self.wholeSeconds(windowNanoseconds) }
  /// The warm-up likewise.
  var toolWarmupSeconds: UInt64 { Self.wholeSeconds(warmupNanoseconds) }

  private static func wholeSeconds(_ nanoseconds: UInt64) -> UInt64 {
    max(1, (nanoseconds + 500_000_000) / 1_000_000_000)
  }
}
