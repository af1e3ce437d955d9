import MachineLauncher
import Measurement

/// Whose guest a workload runs in.
public enum GuestKind: String, Codable, CaseIterable, Sendable {
  /// pvbench's own, which is built in.
  case pvbench
  /// Linux, whose kernel and initial ramdisk the user names.
  case linux
}

/// One row of a suite: a guest kernel with its parameters, and how its results are judged.
public struct Workload: Codable, Equatable, Sendable {
  /// A kernel's parameter as the guest is given it: a decimal number in base units, or a word.
  public struct Parameter: Codable, Equatable, Sendable {
    /// `block`.
    public var name: String
    /// `4096`, `random`.
    public var value: String
  }

  /// `disk`.
  public var suite: String
  /// `disk.randread.4k.qd1`.
  public var id: String
  /// A line for people.
  public var summary: String
  /// What runs in the guest: pvbench's own kernel, or a tool on Linux. Nil for pvbench's, as in plans of before.
  public var guest: GuestKind?
  /// The guest's kernel, or its tool.
  public var kernel: String
  /// Its parameters, in the order of the row.
  public var parameters: [Parameter]
  /// The only metric that a gate tests.
  public var primary: String
  /// Every metric that reports show.
  public var metrics: [String]
  /// Floors that differ from the catalog's, by metric.
  public var floors: [String: FloorOverride]
  /// Base modes that it runs in.
  public var modes: [String]
  /// `quick`, …
  public var tags: [String]
  /// What the machine must be made of: subsystem to the values that will do.
  public var requires: [String: [String]]
  /// Discarded before the window, nanoseconds.
  public var warmupNanoseconds: UInt64
  /// The measured window, nanoseconds.
  public var windowNanoseconds: UInt64
  /// Most guest boots of it in one run; nil for as many as are asked for, as in plans of before.
  public var repetitions: Int?
  /// See `MachineSpecification.slowdownPermille`; no suite can set it.
  public var slowdownPermille: Int?

  /// The value of a parameter; nil where the row does not set it.
  public func parameter(_ name: String) -> String? { parameters.first { $0.name == name }?.value }

  /// The metric's row with this workload's floors.
  func floored(_ metric: Metric) -> Metric { metric.floored(by: floors[metric.id]) }

  /// True where `subsystem` is part of its machine; the others are no choices for it.
  func uses(_ subsystem: String) -> Bool {
    KernelSchema.named(kernel)?.uses.contains(subsystem) == true
      || MachineProfile.subsystems.contains { $0.name == subsystem && $0.isUniversal }
  }

  /// True where its program needs nothing of a machine, and can run natively as a process of the host.
  var runsAsProcess: Bool {
    KernelSchema.named(kernel)?.runsAsProcess == true && parameter("level") != "ring0"
      && !["2m", "1g"].contains(parameter("pages"))
  }

  /// True where its kernel works on a disk.
  var isDisk: Bool { kernel == "disk" }

  /// Of a hundred operations on a disk, how many read.
  var readPercent: UInt64 {
    switch parameter("operation") {
    case "read": 100
    case "mixed": number("readpercent") ?? 0
    default: 0
    }
  }

  /// What its machine has behind a network card.
  var network: NetworkBacking {
    if let tool { return tool.network }
    return switch parameter("port") {
    case "echo": .echo
    case "sink": .sink
    case "peer": .peer
    case "tap": .stack(parameter("operation") == "roundtrip" ? .echo : .sink)
    case "source":
      // A guest that only receives is sent as many frames a second as the row says.
      .source(size: Int(number("size") ?? 64), rate: parameter("operation") == "receive" ? number("rate") ?? 0 : 0)
    default: .none
    }
  }

  /// A parameter that is a number.
  func number(_ name: String) -> UInt64? { parameter(name).flatMap { UInt64($0) } }
}

/// Workloads that belong together: one file of `workloads/suites`.
public struct Suite: Equatable, Sendable {
  /// `disk`.
  public var name: String
  /// A line for people.
  public var summary: String
  /// Its rows.
  public var workloads: [Workload]
}
