import Foundation
import Measurement

/// Where a run is.
public struct StepProgress: Sendable, Equatable {
  /// Repetitions that have ended, this one not counted.
  public var done: Int
  /// All repetitions of the plan.
  public var total: Int
  /// `disk.randread.4k.qd1`.
  public var workload: String
  /// `full`.
  public var mode: String
  /// 1-based repetition of the cell.
  public var repetition: Int
  /// Repetitions of the cell.
  public var repetitions: Int
  /// Seconds that the rest of the run will take at its present pace.
  public var remainingSeconds: Double
}

/// What a campaign tells whoever watches.
public enum ProgressEvent: Sendable {
  /// What the whole plan comes to, before anything is done.
  case planned(String)
  /// Something that takes a moment before or after the repetitions.
  case preparing(String)
  /// A repetition begins.
  case started(StepProgress)
  /// It has ended.
  case finished(StepProgress, RepetitionStatus, reason: String?)
  /// Details for `--verbose`.
  case detail(String)
  /// The run is over.
  case ended
}

/// Watches a campaign. It is given everything that it needs with each event.
public protocol ProgressSink: Sendable {
  /// Called for each event, in order, from one task.
  func report(_ event: ProgressEvent)
}

/// Says nothing (`--quiet`).
public struct SilentProgress: ProgressSink {
  /// A silent sink.
  public init() {}

  /// Does nothing.
  public func report(_ event: ProgressEvent) {}
}

/// One plain line a step.
public struct PlainProgress: ProgressSink {
  let isVerbose: Bool
  let write: @Sendable (String) -> Void

  /// Lines through `write`, with details where `isVerbose`.
  public init(isVerbose: Bool, write: @escaping @Sendable (String) -> Void) {
    self.isVerbose = isVerbose
    self.write = write
  }

  /// Writes the event's line.
  public func report(_ event: ProgressEvent) {
    switch event {
    case .planned(let text), .preparing(let text): write("pvbench: \(text)\n")
    case .finished(let step, let status, let reason):
      write("[\(step.done + 1)/\(step.total)] \(step.label): \(status.rawValue)\(reason.map { " (\($0))" } ?? "")\n")
    case .detail(let text): if isVerbose { write("  \(text)\n") }
    case .started, .ended: break
    }
  }
}

/// A bar that stays on one line of a terminal, with what went wrong above it.
public struct TerminalProgress: ProgressSink {
  private static let barWidth = 24
  let isVerbose: Bool
  let usesColor: Bool
  let columns: Int
  let write: @Sendable (String) -> Void

  /// A bar through `write`, at most `columns` wide.
  public init(isVerbose: Bool, usesColor: Bool, columns: Int, write: @escaping @Sendable (String) -> Void) {
    self.isVerbose = isVerbose
    self.usesColor = usesColor
    self.columns = max(columns, 20)
    self.write = write
  }

  /// Draws the event.
  public func report(_ event: ProgressEvent) {
    switch event {
    case .planned(let text): line(text)
    case .preparing(let text): write("\r\u{1B}[K\(clipped(text))")
    case .started(let step): write("\r\u{1B}[K\(clipped(bar(step)))")
    case .finished(let step, let status, let reason):
      guard status == .failed || status == .invalid else { return }
      let word = usesColor ? TerminalColor.red.paint(status.rawValue) : status.rawValue
      line("\(word) \(step.label)\(reason.map { ": \($0)" } ?? "")")
    case .detail(let text): if isVerbose { line(text) }
    case .ended: write("\r\u{1B}[K")
    }
  }

  private func line(_ text: String) { write("\r\u{1B}[K\(text)\n") }

  private func bar(_ step: StepProgress) -> String {
    let filled = step.total == 0 ? 0 : step.done * Self.barWidth / step.total
    let blocks = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.barWidth - filled)
    return "\(blocks) \(step.done)/\(step.total)  \(TextTable.duration(step.remainingSeconds)) left  \(step.label)"
  }

  private func clipped(_ text: String) -> String { String(text.prefix(columns - 1)) }
}

extension StepProgress {
  /// `disk.randread.4k.qd1 full 3/6`.
  var label: String { "\(workload) \(mode) \(repetition)/\(repetitions)" }
}
