import Measurement

/// One finished repetition as `repetitions/NNNNN.json` holds it: enough to rebuild `run.json` from these files alone.
public struct RepetitionFile: Codable, Sendable, Equatable {
  /// The schema this program writes.
  public static let schema = 1
  /// Largest position in a schedule that has a file name.
  public static let maximumOrder = 99_999

  /// Schema version.
  public var schema = Self.schema
  /// Which cell it belongs to.
  public var cell: CellKey
  /// What the mode was made of.
  public var choices: [String: String]
  /// The workload's primary metric.
  public var primary: String
  /// Warm-up before the window, in seconds.
  public var warmupSeconds: Double
  /// The repetition.
  public var repetition: RepetitionRecord

  /// A repetition's file; see the properties.
  public init(
    cell: CellKey, choices: [String: String], primary: String, warmupSeconds: Double, repetition: RepetitionRecord
  ) {
    self.cell = cell
    self.choices = choices
    self.primary = primary
    self.warmupSeconds = warmupSeconds
    self.repetition = repetition
  }

  enum CodingKeys: String, CodingKey {
    case schema, cell, choices, primary, repetition
    case warmupSeconds = "warmup_seconds"
  }

  /// `00042` for the 43rd repetition of a schedule: files sort as they ran.
  static func stem(order: Int) throws(StoreError) -> String {
    guard (0...maximumOrder).contains(order) else { throw .invalidOrder(order) }
    let digits = String(order)
    return String(repeating: "0", count: 5 - digits.count) + digits
  }

  /// The position that a file name stands for; nil for temporary and foreign files.
  static func order(ofFile name: String) -> Int? {
    let stem = name.utf8.dropLast(".json".utf8.count)
    guard name.hasSuffix(".json"), stem.count == 5,
      stem.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return Int(Substring(stem))
  }
}
