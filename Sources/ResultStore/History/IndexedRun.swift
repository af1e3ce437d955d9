import Foundation
import Measurement

/// What the history keeps of a run: who measured what, and every ok observation. It is a line of `history export` (schema 1).
public struct IndexedRun: Codable, Sendable, Equatable {
  /// The schema this program writes.
  public static let schema = 1

  /// A workload in a mode, with its observations.
  public struct Cell: Codable, Sendable, Equatable {
    /// Suite, workload and mode.
    public var key: CellKey
    /// What the mode was made of; a part of the series' key.
    public var choices: [String: String]
    /// By metric id; only repetitions that are ok.
    public var observations: [String: Observations]

    /// A cell; see the properties.
    public init(key: CellKey, choices: [String: String], observations: [String: Observations]) {
      self.key = key
      self.choices = choices
      self.observations = observations
    }
  }

  /// The values of one metric, a value each repetition, in the metric's unit.
  public struct Observations: Codable, Sendable, Equatable {
    /// In the order of the repetitions.
    public var values: [Double]
    /// Their median: the night's point in the series.
    public var median: Double

    /// Observations; see the properties.
    public init(values: [Double], median: Double) {
      self.values = values
      self.median = median
    }
  }

  /// Schema version.
  public var schema = Self.schema
  /// The run's id.
  public var id: String
  /// When it began, RFC 3339.
  public var started: String
  /// How it ended.
  public var status: RunStatus
  /// pvbench's version.
  public var version: String
  /// The host's.
  public var fingerprint: String
  /// Kernel, microcode, mitigations, module parameters, versions: annotated where they change.
  public var configuration: [String: JSONValue]
  /// What was measured.
  public var cells: [Cell]
  /// Rows of the metrics that occur.
  public var metrics: [Metric]
  /// What people wrote about it, oldest first.
  public var notes: [String]

  /// A run; see the properties.
  public init(
    id: String, started: String, status: RunStatus, version: String, fingerprint: String,
    configuration: [String: JSONValue], cells: [Cell], metrics: [Metric], notes: [String] = []
  ) {
    self.id = id
    self.started = started
    self.status = status
    self.version = version
    self.fingerprint = fingerprint
    self.configuration = configuration
    self.cells = cells
    self.metrics = metrics
    self.notes = notes
  }

  /// `started` in seconds since 1970.
  func startedSeconds() throws(HistoryError) -> Double {
    guard let date = try? Date(started, strategy: .iso8601) else {
      throw .notRepresentable("run \(id) began at '\(started)', which is no RFC 3339 time")
    }
    return date.timeIntervalSince1970
  }
}
