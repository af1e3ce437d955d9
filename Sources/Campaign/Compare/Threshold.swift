import Measurement

/// What `--threshold METRIC=5%,10us` says: the smallest change of a metric that counts, relative, absolute or both.
public enum Threshold {
  /// The floors of these texts by metric; of a metric that is named twice the later one counts.
  ///
  /// - Throws: `CampaignError.usage` for a metric that does not exist, with the nearest that does, and for a value that is neither
  ///   a percentage nor a quantity in the metric's unit.
  public static func parse(_ texts: [String]) throws(CampaignError) -> [String: FloorOverride] {
    var floors: [String: FloorOverride] = [:]
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      guard parts.count == 2, !parts[1].isEmpty else {
        throw .usage("--threshold \(text): expected METRIC=5%, METRIC=10us or METRIC=5%,10us")
      }
      guard let metric = MetricCatalog.metric(parts[0]) else {
        throw .unknown("metric", parts[0], of: MetricCatalog.all.map(\.id))
      }
      var floor = FloorOverride()
      for part in parts[1].split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
        if let fraction = Quantity.fraction(part) {
          floor.relative = fraction
        } else if let amount = absolute(part, unit: metric.unit) {
          floor.absolute = amount
        } else {
          throw .usage(
            "--threshold \(text): '\(part)' is neither a percentage such as 5% nor \(expectation(metric.unit))")
        }
      }
      floors[metric.id] = floor
    }
    return floors
  }

  private static func absolute(_ text: String, unit: String) -> Double? {
    switch unit {
    case "s": Quantity.nanoseconds(text).map { Double($0) / 1e9 }
    case "B": Quantity.bytes(text).map { Double($0) }
    default: Quantity.decimal(text)
    }
  }

  private static func expectation(_ unit: String) -> String {
    switch unit {
    case "s": "a duration with one of the units ns, us, ms and s"
    case "B": "a size with one of the units B, KiB, MiB and GiB"
    default: "a number (in \(unit))"
    }
  }
}
