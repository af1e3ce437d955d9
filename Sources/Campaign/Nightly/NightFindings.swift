import Foundation
import Measurement
import ResultStore
import Statistics

/// What the newest night shows, beside all those before it (methodology, section 5).
public struct NightFindings: Sendable {
  /// A change point that was not known last night is news; one this old was lost and found again.
  private static let newsAge = 30
  /// With one night more the same step may be seen a little earlier or later.
  private static let tolerance = 2

  /// A night that is further from the one before it than nights of its series usually are, and than the metric's floors.
  public struct Suspect: Sendable, Equatable {
    /// Where.
    public var series: Series
    /// The night before, and tonight, in the metric's unit.
    public var before: Double
    /// See `before`.
    public var value: Double
    /// How far, and how far is usual.
    public var finding: NightAlarm.Finding

    /// Whether it is for the better.
    public var isImprovement: Bool { (value > before) == (series.metric.better == .higher) }
  }

  /// Series that a gate looks at, the primary metric of each cell: those whose newest night this is.
  public private(set) var series: Int
  /// Their change points that were not known last night.
  public private(set) var changes: [SeriesChange] = []
  /// Their nights that have to be looked at again.
  public private(set) var suspects: [Suspect] = []
  /// Change points of all other metrics that were not known last night: exploratory.
  public private(set) var exploratory: [SeriesChange] = []
  /// When the night before began, RFC 3339; nil for the first.
  public private(set) var nightBefore: String?
  /// What was different about the host then.
  public private(set) var configuration: [String] = []

  /// Looks at the series that `run` has a night of, which is in `history` already.
  public init(_ run: RunRecord, in history: History) throws(HistoryError) {
    let primary = Dictionary(run.cells.map { ($0.key, $0.primary) }, uniquingKeysWith: { first, _ in first })
    let all = try history.series(endingWith: run.id)
    series = all.count { primary[$0.cell] == $0.metric.id }
    let looks = try history.scan(all) { Self.look(at: $0, $1, continuing: $2) }
    var search = SeriesChanges(history)
    for (series, look) in zip(all, looks) {
      let isPrimary = primary[series.cell] == series.metric.id
      let found = try search.changes(of: series, at: look.news, among: look.count)
      if isPrimary { changes += found } else { exploratory += found }
      if isPrimary, let suspect = look.suspect { suspects.append(suspect) }
    }
    try compareWithTheNightBefore(run, all, &search, history)
  }

  private typealias Look = (news: [ChangePoint], suspect: Suspect?, count: Int)

  private static func look(
    at series: Series, _ values: [Double], continuing known: SeriesProgress?
  ) -> (Look, SeriesProgress) {
    let (points, progress) = SeriesChanges.points(of: series.metric, in: values, continuing: known)
    let lastNight = sure(SeriesChanges.points(of: series.metric, in: Array(values.dropLast())).points, values.count - 1)
    let news = sure(points, values.count).filter { point in
      values.count - point.index <= newsAge && !lastNight.contains { abs($0.index - point.index) <= tolerance }
    }
    return ((news, suspect(series, values), values.count), progress)
  }

  /// One night on the other side of a step may be an outlier, however significant: that is what the alarm is for.
  private static func sure(_ points: [ChangePoint], _ count: Int) -> [ChangePoint] {
    points.filter { $0.index < count - 1 }
  }

  private static func suspect(_ series: Series, _ values: [Double]) -> Suspect? {
    guard let finding = NightAlarm.lastNight(of: values), finding.isSuspect, let value = values.last else { return nil }
    let before = values[values.count - 2]
    guard finding.change > series.metric.floorRelative, abs(value - before) > series.metric.floorAbsolute ?? 0 else {
      return nil
    }
    return Suspect(series: series, before: before, value: value, finding: finding)
  }

  private mutating func compareWithTheNightBefore(
    _ run: RunRecord, _ all: [Series], _ search: inout SeriesChanges, _ history: History
  ) throws(HistoryError) {
    var newest: Night?
    for series in all {
      let nights = try history.nights(of: series, last: 2)
      if nights.count == 2, nights[0].started > newest?.started ?? -.infinity { newest = nights[0] }
    }
    guard let newest else { return }
    nightBefore = newest.began
    configuration = try search.differences(newest.run, run.id)
  }
}
