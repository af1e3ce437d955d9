import Foundation

/// How long a plan takes and how much disk it needs, roughly: enough to decide whether to wait.
public struct PlanEstimate: Codable, Equatable, Sendable {
  /// Process start, boot, image check and report of one repetition.
  static let overheadSeconds = 0.25
  /// What another runner takes more: its start, and results over a serial line.
  static let peerOverheadSeconds = 0.5
  /// One word of programmed I/O exits to userspace: about 40 µs where ring 3 exits cost most (host-facts).
  static let secondsPerWord = 40e-6
  /// A repetition's file and its share of the reports.
  static let bytesPerRepetition: UInt64 = 24 << 10

  /// Wall time in seconds.
  public var seconds: Double
  /// Bytes in the run's folder while it runs.
  public var bytes: UInt64

  /// The estimate of a whole plan.
  public init(_ plan: Plan) {
    seconds = plan.steps.reduce(0) { $0 + Self.seconds(plan.cells[$1.cell]) }
    bytes = UInt64(plan.steps.count) * Self.bytesPerRepetition
    if plan.needsDisk, plan.request.disk == nil { bytes += plan.imageBytes }
  }

  /// One repetition of a cell. The window is at least one operation, and one operation by programmed output can take
  /// longer than that: `rep outs` exits once a word.
  static func seconds(_ cell: PlannedCell) -> Double {
    guard cell.skipReason == nil else { return 0 }
    if cell.workload.guest == .linux { return LinuxGuest.seconds(cell) }
    var longest = 0.0
    if cell.workload.isDisk, cell.mode.choices["disk"] == "ide-pio", cell.workload.parameter("operation") != "read" {
      longest = Double(cell.workload.number("block") ?? 0) / 2 * secondsPerWord
    }
    return max(Double(cell.warmupNanoseconds) / 1e9, longest) + max(Double(cell.windowNanoseconds) / 1e9, longest)
      + overheadSeconds + (cell.program.isQEMU ? peerOverheadSeconds : 0)
  }
}

/// A plan for people and programs: what `--dry-run` prints.
public struct PlanDocument: Encodable, Sendable {
  struct Cell: Encodable, Sendable {
    let suite: String
    let workload: String
    let mode: String
    let choices: [String: String]
    let repetitions: Int
    let warmupSeconds: Double
    let windowSeconds: Double
    let estimatedSeconds: Double
    let skipped: String?

    enum CodingKeys: String, CodingKey {
      case suite, workload, mode, choices, repetitions, skipped
      case warmupSeconds = "warmup_seconds"
      case windowSeconds = "window_seconds"
      case estimatedSeconds = "estimated_seconds"
    }
  }

  struct Step: Encodable, Sendable {
    let order: Int
    let workload: String
    let mode: String
    let repetition: Int
  }

  let schema = 1
  let seed: UInt64
  private let outlook: String
  let cells: [Cell]
  let steps: [Step]
  let estimate: PlanEstimate

  private enum CodingKeys: String, CodingKey { case schema, seed, cells, steps, estimate }

  /// The document of `plan`, which was made from `library`.
  public init(_ plan: Plan, library: SuiteLibrary) {
    outlook = PlanOutlook.line(plan, library: library)
    let asked = plan.request.repetitions ?? 0
    seed = plan.seed
    estimate = PlanEstimate(plan)
    cells = plan.cells.map { cell in
      let repetitions = cell.repetitions(of: asked)
      return Cell(
        suite: cell.workload.suite, workload: cell.workload.id, mode: cell.label, choices: cell.choices,
        repetitions: repetitions, warmupSeconds: Double(cell.warmupNanoseconds) / 1e9,
        windowSeconds: Double(cell.windowNanoseconds) / 1e9,
        estimatedSeconds: PlanEstimate.seconds(cell) * Double(repetitions), skipped: cell.skipReason)
    }
    steps = plan.steps.enumerated().map { order, step in
      Step(
        order: order, workload: plan.cells[step.cell].workload.id, mode: plan.cells[step.cell].label,
        repetition: step.index)
    }
  }

  /// The machine form.
  public var json: String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return (try? encoder.encode(self)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  /// A table with a closing line of totals.
  public var text: String {
    var table = TextTable(
      columns: ["WORKLOAD", "MODE", "REPS", "WARM-UP", "WINDOW", "TIME", ""], rightAligned: [2, 3, 4, 5])
    for cell in cells {
      let time = cell.skipped == nil ? TextTable.duration(cell.estimatedSeconds) : "–"
      table.add([
        cell.workload, cell.mode, "\(cell.repetitions)", TextTable.duration(cell.warmupSeconds),
        TextTable.duration(cell.windowSeconds), time, cell.skipped.map { "skipped (\($0))" } ?? "",
      ])
    }
    return table.text + "\n\(outlook); seed \(seed)\n"
  }
}
