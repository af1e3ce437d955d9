import Measurement

/// How much of the difference between the modes exits explain, workload by workload.
struct ClosureRow: Sendable {
  let workload: String
  /// `full against paravirt`.
  let modes: String
  let boots: String
  let difference: String
  let explained: String
  let residual: String
  /// `[1.2–3.4]`, in the residual's unit; nil where there are too few boots for an interval.
  let interval: String?
  /// `4.2 %` of the difference.
  let share: String?
  /// `11 io:out × 25.1 µs`.
  let parts: String
  /// Time in exit handlers of the first mode.
  let handlers: String

  /// A row for every record of the run.
  static func all(_ run: RunRecord) -> [ClosureRow] { (run.closure ?? []).map(ClosureRow.init) }

  private init(_ record: ClosureRecord) {
    func seconds(_ value: Double) -> String { Formatting.quantity(value, unit: "s") }
    workload = record.workload
    modes = "\(record.from) against \(record.to)"
    boots = "\(record.n)"
    difference = seconds(record.difference.seconds)
    explained = seconds(record.explained.seconds)
    residual = seconds(record.residual.seconds)
    if let low = record.residual.low, let high = record.residual.high {
      interval = Formatting.interval(low, high, around: record.residual.seconds, unit: "s")
    } else {
      interval = nil
    }
    share = record.residualShare.map { "\(Formatting.number(100 * $0)) %" }
    handlers = seconds(record.handlersFrom)
    parts = record.parts.map { part in
      let more = Formatting.number(part.from - part.to)
      return "\(more) \(part.kind) × \(part.cost.map(seconds) ?? "an unknown cost")"
    }.joined(separator: " + ")
  }
}
