/// A metric's floors where somebody does not take the catalog's: a workload's row, or a user's `--threshold`.
public struct FloorOverride: Codable, Equatable, Sendable {
  /// Smallest relative change that counts; nil for the catalog's.
  public var relative: Double?
  /// Smallest absolute change that counts, in the metric's unit; nil for the catalog's.
  public var absolute: Double?

  /// Floors; see the properties.
  public init(relative: Double? = nil, absolute: Double? = nil) {
    self.relative = relative
    self.absolute = absolute
  }
}

extension Metric {
  /// The row with `floor` in place of its own, as far as that says something.
  public func floored(by floor: FloorOverride?) -> Metric {
    var metric = self
    metric.floorRelative = floor?.relative ?? floorRelative
    metric.floorAbsolute = floor?.absolute ?? floorAbsolute
    return metric
  }
}
