/// What can happen to a guest while it is measured and is not its doing. A repetition in which one was seen is invalid: its
/// figures are of the host, not of the guest (methodology, sections 1 and 6).
public enum Disturbance: String, Codable, CaseIterable, Sendable {
  /// Other work had the guest's CPUs.
  case load
  /// The runner stood still: it was stopped, or its group frozen.
  case stopped
  /// The host's own hypervisor ran others.
  case steal
  /// A CPU was too hot, or drew too much.
  case throttling
  /// A CPU's frequency changed, or what the governor may choose did.
  case frequency
  /// The clock was set, or the host suspended.
  case clock
  /// The kernel took another clocksource.
  case clocksource
  /// The page cache answered reads that should have gone to the disk.
  case cache

  /// The disturbances of a list, `load,steal`, or `all`; nil where a name is not known.
  public static func list(_ text: String) -> [Disturbance]? {
    guard text != "all" else { return allCases }
    let names = text.split(separator: ",", omittingEmptySubsequences: false)
    let disturbances = names.compactMap { Disturbance(rawValue: String($0)) }
    return disturbances.count == names.count ? disturbances : nil
  }

  /// What `list` takes, in words.
  public static let forms = "all, or some of \(allCases.map(\.rawValue).joined(separator: ","))"
}

/// A disturbance that was seen, with its numbers.
struct SeenDisturbance: Equatable {
  let kind: Disturbance
  /// What was seen, in one sentence without a full stop.
  let evidence: String

  var text: String { "\(kind.rawValue): \(evidence)" }
}
