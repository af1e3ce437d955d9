/// The alarm of the same night: change points lag, for a step is only seen when nights have followed it (methodology, section
/// 5). A night is suspect whose change from the night before is beyond Q3 + 3·IQR of the changes before it, Tukey's outer
/// fence ("Exploratory Data Analysis", 1977, section 2D).
public enum NightAlarm {
  /// The fewest earlier changes that quartiles are made of.
  public static let fewestChanges = 8

  /// What the last night is held against.
  public struct Finding: Sendable, Equatable {
    /// |last − the one before| / |the one before|.
    public var change: Double
    /// Q3 + 3·IQR of the changes before it.
    public var fence: Double
    /// Whether the night has to be looked at.
    public var isSuspect: Bool { change > fence }
  }

  /// Looks at the last of `nights`, the oldest first, against at most `history` changes before it. Nil for fewer than ten
  /// nights, and where a night from which a change is counted has the value zero. Gaps are left out by the caller.
  public static func lastNight(of nights: [Double], history: Int = 30) -> Finding? {
    let recent = nights.suffix(history + 2)
    let changes = zip(recent, recent.dropFirst()).map { abs(($1 - $0) / $0) }
    let earlier = Array(changes.dropLast())
    guard let change = changes.last, earlier.count >= fewestChanges, changes.allSatisfy(\.isFinite),
      let low = OrderStatistics.quantile(earlier, 0.25), let high = OrderStatistics.quantile(earlier, 0.75)
    else { return nil }
    return Finding(change: change, fence: high + 3 * (high - low))
  }
}
