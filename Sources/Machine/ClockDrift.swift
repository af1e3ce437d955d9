import MachineLauncher

/// How much faster a guest's clock ran than the host's CLOCK_MONOTONIC_RAW, as the guest has found out (`DriftWorkload`).
struct ClockDrift {
  /// What the guest calls it, and how large it was, whichever way.
  static let metric = "clock.host_drift"

  /// Parts per billion; negative where the guest's clock was slower.
  let billionths: Int64

  /// Adds its size to the metrics, and a sentence with its direction.
  func add(to report: inout RunnerReport) {
    report.metrics[Self.metric] = Double(billionths.magnitude) / 1e9
    guard let seconds = report.metrics["clock.host_seconds"],
      let uncertainty = report.metrics["clock.host_drift_uncertainty"]
    else { return }
    let direction = billionths < 0 ? "slower" : "faster"
    report.notes.append(
      "the guest's clock ran \(Self.millionths(Double(billionths.magnitude) / 1e9)) ppm \(direction) than the host's "
        + "CLOCK_MONOTONIC_RAW, ± \(Self.millionths(uncertainty)) ppm over \(Self.rounded(seconds)) s")
  }

  private static func millionths(_ fraction: Double) -> String { rounded(fraction * 1e6) }

  /// Three decimals.
  private static func rounded(_ value: Double) -> String { "\((value * 1000).rounded() / 1000)" }
}
