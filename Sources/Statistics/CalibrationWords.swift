import Foundation
import Measurement

/// What is known of a gate, in lines for people: every form of a comparison says it.
public enum CalibrationWords {
  /// How often the gate cried wolf when it was calibrated, and why that is no longer so; or that nobody knows.
  public static func lines(_ note: CalibrationNote?) -> [String] {
    guard let note else {
      return ["nobody has calibrated this gate: how often it is wrong on this host is unknown (pvbench calibrate)"]
    }
    let rates = note.falseAlarms.map { alarms in
      "\(share(alarms.called)) of \(alarms.called.comparisons) comparisons of \(order(alarms.order))"
    }
    let lines = [
      "calibrated \(note.started.prefix(10)): with nothing changed, the gate at \(percent(note.alpha)) called "
        + rates.joined(separator: ", and ")
    ]
    guard !note.stale.isEmpty else { return lines }
    return lines + ["that calibration is stale; what has changed since: \(note.stale.joined(separator: "; "))"]
  }

  /// `1.5 % [0.3–4.3]`.
  public static func share(_ share: ShareRecord) -> String {
    guard let value = share.value else { return "none" }
    return String(format: "%.1f %% [%.1f–%.1f]", 100 * value, 100 * share.low, 100 * share.high)
  }

  /// `runs that alternated`.
  public static func order(_ order: CalibrationOrder) -> String {
    order == .interleaved ? "runs that alternated" : "runs made one after the other"
  }

  private static func percent(_ value: Double) -> String { String(format: "%g %%", 100 * value) }
}
