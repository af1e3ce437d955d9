import Foundation
import Measurement

/// `run.json` again, byte for byte what the result store writes: schema 1, sorted keys, base units.
public enum RunJSON {
  /// The file's bytes.
  ///
  /// - Throws: `ReportError.notRepresentable` where a number is infinite or not a number.
  public static func render(_ run: RunRecord) throws(ReportError) -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    do {
      return Array(try encoder.encode(run)) + [UInt8(ascii: "\n")]
    } catch {
      throw .notRepresentable("a metric of run \(run.id) is infinite or not a number")
    }
  }
}
