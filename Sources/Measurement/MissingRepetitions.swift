/// Repetitions of a cell that enter no figure for the same cause, as one line.
public struct MissingRepetitions: Equatable, Sendable {
  /// What became of them.
  public let status: RepetitionStatus
  /// Why, as the first of them says it: what differs from one to the next are the numbers.
  public let reason: String
  /// How many there are.
  public let count: Int

  /// The groups among `repetitions`, in the order of their first members. Invalid ones belong together where their reasons begin
  /// with the same word before a colon; others where the reasons are the same.
  public static func groups(of repetitions: [RepetitionRecord]) -> [MissingRepetitions] {
    var causes: [String] = []
    var groups: [String: MissingRepetitions] = [:]
    for repetition in repetitions where repetition.status != .ok {
      let reason = repetition.reason ?? "no reason given"
      let kind = repetition.status == .invalid ? String(reason.prefix { $0 != ":" }) : reason
      let cause = "\(repetition.status.rawValue) \(kind)"
      if groups[cause] == nil { causes.append(cause) }
      groups[cause] = MissingRepetitions(
        status: repetition.status, reason: groups[cause]?.reason ?? reason, count: (groups[cause]?.count ?? 0) + 1)
    }
    return causes.compactMap { groups[$0] }
  }
}
