import Foundation

/// A shift of the mean in a series.
public struct ChangePoint: Sendable, Equatable {
  /// The first observation after the shift.
  public var index: Int
  /// Mean of the segment before it.
  public var before: Double
  /// Mean of the segment after it.
  public var after: Double
  /// Two-sided p of Student's t-test between both segments.
  public var p: Double

  /// The larger of the relative changes there and back, as Hunter has it: 0.5 for half as much and for 1.5 times as much
  /// is 1 and 0.5. A mean of zero has no relative change.
  public var magnitude: Double {
    max(before == 0 ? 0 : abs(after / before - 1), after == 0 ? 0 : abs(before / after - 1))
  }
}

/// Change points by E-divisive means (Matteson & James, "A Nonparametric Approach for Multiple Change Point Analysis of
/// Multivariate Data", 2014; for performance Daly et al., ICPE 2020) with the changes of Hunter (Fleming et al., "Hunter: Using
/// Change Point Detection to Hunt for Performance Regressions", ICPE 2023): windows that overlap, Student's t-test in place of
/// permutations, and a first pass that is less strict, whose points are then merged away from the weakest.
///
/// Nothing is drawn at random: the same series gives the same answer. Apache Otava, the published program, differs in two
/// things: it gives the t-test standard deviations with n in the denominator, where the test asks for n − 1 (methodology,
/// section 5), and, having merged a point away, looks anew at the two points after it, where its two neighbours changed.
public struct ChangePoints: Sendable {
  /// Observations a window; windows overlap by half.
  public var window: Int
  /// A point stays whose p is below this; the first pass takes ten times as much.
  public var alpha: Double
  /// A point stays whose `ChangePoint.magnitude` is above this: the floor that the metric's A/A runs gave.
  public var minimumMagnitude: Double

  /// The parameters of methodology, section 5; `window` is at least 2.
  public init(window: Int = 50, alpha: Double = 0.001, minimumMagnitude: Double = 0) {
    precondition(window >= 2, "a window has at least two observations")
    self.window = window
    self.alpha = alpha
    self.minimumMagnitude = minimumMagnitude
  }

  /// The change points of `series`, oldest first. Gaps are left out by the caller, never filled. Where there is no noise at all,
  /// as in exact counts, every step is significant, be it the last observation.
  public func find(in series: [Double]) -> [ChangePoint] {
    var progress = Progress()
    return find(in: series, continuing: &progress)
  }

  /// How far the first pass has come in a series. Windows that were full stay as they are when observations follow.
  public struct Progress: Sendable, Equatable {
    /// Where the first window begins that was not full.
    public var next: Int
    /// Splits of the windows before it, ascending.
    public var candidates: [Int]

    /// Progress; nothing yet without arguments.
    public init(next: Int = 0, candidates: [Int] = []) {
      self.next = next
      self.candidates = candidates
    }
  }

  /// The same, for a series of which a first part has been looked at before by an instance with the same `window` and
  /// `alpha`; only windows that were not full then are looked at again.
  public func find(in series: [Double], continuing progress: inout Progress) -> [ChangePoint] {
    var found = Set(progress.candidates)
    var start = progress.next
    while start < series.count {
      let end = min(start + window, series.count)
      let splits = splits(of: Array(series[start..<end])).map { $0 + start }
      found.formUnion(splits)
      let isFull = end - start == window
      start = max(splits.max() ?? 0, start + window / 2)
      if isFull { progress = Progress(next: start, candidates: found.sorted()) }
    }
    return merged(found.sorted(), of: series)
  }

  /// Splits a window at its most divergent place, and again, until that is not significant.
  private func splits(of values: [Double]) -> [Int] {
    let distances = Divergence(values)
    func candidates(_ segments: [Range<Int>]) -> [(segment: Range<Int>, index: Int, q: Double)] {
      segments.compactMap { segment in distances.split(segment).map { (segment, $0.index, $0.q) } }
    }
    var open = candidates([values.indices])
    var splits: [Int] = []
    while let place = open.indices.max(by: { open[$0].q < open[$1].q }) {
      let (segment, index, _) = open[place]
      guard Self.point(at: index, of: values, in: segment).p <= 10 * alpha else { break }
      splits.append(index)
      open.replaceSubrange(
        place...place, with: candidates([segment.lowerBound..<index, index..<segment.upperBound]))
    }
    return splits
  }

  /// Takes the weakest point away, and looks at its neighbours anew, until all that is left is significant and large enough.
  private func merged(_ indices: [Int], of series: [Double]) -> [ChangePoint] {
    var points = Self.points(at: indices, of: series)
    while let weakest = points.indices.max(by: { points[$0].p < points[$1].p }) {
      var removed = weakest
      if points[weakest].p < alpha,
        let smallest = points.indices.min(by: { points[$0].magnitude < points[$1].magnitude })
      {
        guard points[smallest].magnitude <= minimumMagnitude else { return points }
        removed = smallest
      }
      points.remove(at: removed)
      for neighbour in [removed - 1, removed] where points.indices.contains(neighbour) {
        let left = neighbour > 0 ? points[neighbour - 1].index : 0
        let right = neighbour + 1 < points.count ? points[neighbour + 1].index : series.count
        points[neighbour] = Self.point(at: points[neighbour].index, of: series, in: left..<right)
      }
    }
    return []
  }

  private static func segments(_ splits: [Int], of series: [Double]) -> [Range<Int>] {
    zip([0] + splits, splits + [series.count]).map { $0..<$1 }
  }

  private static func points(at splits: [Int], of series: [Double]) -> [ChangePoint] {
    let segments = segments(splits, of: series)
    return zip(segments, segments.dropFirst()).map { left, right in
      point(at: right.lowerBound, of: series, in: left.lowerBound..<right.upperBound)
    }
  }

  private static func point(at index: Int, of series: [Double], in segment: Range<Int>) -> ChangePoint {
    let (left, right) = (series[segment.lowerBound..<index], series[index..<segment.upperBound])
    let means = (left: mean(left), right: mean(right))
    return ChangePoint(
      index: index, before: means.left, after: means.right,
      p: StudentT.pooledP(left, right, means: means))
  }

  private static func mean(_ values: ArraySlice<Double>) -> Double { values.reduce(0, +) / Double(values.count) }
}

extension StudentT {
  /// Two-sided p of Student's test for two means with one variance; 1 for two observations, which have none.
  fileprivate static func pooledP(
    _ a: ArraySlice<Double>, _ b: ArraySlice<Double>, means: (left: Double, right: Double)
  ) -> Double {
    let degrees = Double(a.count + b.count - 2)
    guard degrees > 0, means.left != means.right else { return 1 }
    func squares(_ values: ArraySlice<Double>, _ mean: Double) -> Double {
      values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    }
    let variance = (squares(a, means.left) + squares(b, means.right)) / degrees
    let error = (variance * (1 / Double(a.count) + 1 / Double(b.count))).squareRoot()
    return twoSidedP((means.left - means.right) / error, degrees: degrees)
  }
}
