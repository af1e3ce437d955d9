import Foundation
import Measurement
import ResultStore
import Statistics

/// A change point of a series, with the night on which it came.
public struct SeriesChange: Sendable, Equatable {
  /// Where.
  public var series: Series
  /// The first run after it.
  public var night: Night
  /// Nights of the series since, that one included.
  public var age: Int
  /// How large, and how sure.
  public var point: ChangePoint
  /// Facts of the host that were others the night before.
  public var configuration: [String]

  /// Whether it is for the better.
  public var isImprovement: Bool { (point.after > point.before) == (series.metric.better == .higher) }
}

/// Looks for change points in a history, from where the last search ended.
public struct SeriesChanges {
  private let history: History
  private var configurations: [String: [String: JSONValue]] = [:]

  /// A search in `history`.
  public init(_ history: History) { self.history = history }

  /// Changes of these series above their metrics' floors, the newest first; `nights` leaves out those that more nights have
  /// followed.
  public mutating func find(in series: [Series], nights: Int = .max) throws(HistoryError) -> [SeriesChange] {
    let found = try history.scan(series) { series, values, known in
      let (points, progress) = Self.points(of: series.metric, in: values, continuing: known)
      return ((points.filter { values.count - $0.index <= nights }, values.count), progress)
    }
    var changes: [SeriesChange] = []
    for (series, (points, count)) in zip(series, found) {
      changes += try self.changes(of: series, at: points, among: count)
    }
    return changes.sorted { $0.night.started > $1.night.started }
  }

  /// The nights of these points of a series of `count`, and what was different about the host on each.
  mutating func changes(
    of series: Series, at points: [ChangePoint], among count: Int
  ) throws(HistoryError) -> [SeriesChange] {
    var changes: [SeriesChange] = []
    for point in points {
      // The night before, and the night itself; since the search a run may have been taken out.
      let nights = try history.nights(of: series, at: point.index - 1..<point.index + 1)
      guard nights.count == 2 else { continue }
      changes.append(
        SeriesChange(
          series: series, night: nights[1], age: count - point.index, point: point,
          configuration: try differences(nights[0].run, nights[1].run)))
    }
    return changes
  }

  /// The change points of a metric's nights that exceed both of its floors.
  static func points(
    of metric: Metric, in values: [Double], continuing known: SeriesProgress? = nil
  ) -> (points: [ChangePoint], progress: SeriesProgress) {
    var progress = ChangePoints.Progress(next: known?.next ?? 0, candidates: known?.candidates ?? [])
    let points = ChangePoints(minimumMagnitude: metric.floorRelative).find(in: values, continuing: &progress)
      .filter { abs($0.after - $0.before) > metric.floorAbsolute ?? 0 }
    return (points, SeriesProgress(next: progress.next, candidates: progress.candidates))
  }

  /// What was different about the host; one answer for all series of a night.
  mutating func differences(_ before: String, _ after: String) throws(HistoryError) -> [String] {
    for run in [before, after] where configurations[run] == nil {
      configurations[run] = try history.configuration(of: run)
    }
    return ConfigurationChange.lines(from: configurations[before] ?? [:], to: configurations[after] ?? [:])
  }
}
