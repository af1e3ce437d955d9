import Foundation

/// Settings that need no flag. Precedence: flags > `PVBENCH_*` environment > `pvbench.yaml` in the working directory >
/// `$XDG_CONFIG_HOME/pvbench/config.yaml`. To add a setting is to add a row to `settings`.
public struct Configuration: Equatable, Sendable {
  /// Seed of images and access patterns.
  public var seed: UInt64?
  /// Repetitions of each cell.
  public var reps: Int?
  /// The folder that runs are made in.
  public var out: String?
  /// Schedule.
  public var order: ScheduleOrder?
  /// Disturbances that leave a repetition valid.
  public var tolerated: [Disturbance]?

  /// Nothing set.
  public init() {}

  private struct Setting: Sendable {
    let key: String
    let expectation: String
    /// Takes the text where it is valid; false where it is not.
    let set: @Sendable (inout Configuration, String) -> Bool

    init<Value: Sendable>(
      _ key: String, _ expectation: String, _ path: WritableKeyPath<Configuration, Value?> & Sendable,
      _ parse: @escaping @Sendable (String) -> Value?
    ) {
      self.key = key
      self.expectation = expectation
      set = { configuration, text in
        guard let value = parse(text) else { return false }
        configuration[keyPath: path] = value
        return true
      }
    }
  }

  private static let settings = [
    Setting("seed", "a whole number", \.seed) { Quantity.whole($0) },
    Setting("reps", "1 to 10000", \.reps) { Int($0).flatMap { (1...10_000).contains($0) ? $0 : nil } },
    Setting("out", "a folder", \.out) { $0.isEmpty ? nil : $0 },
    Setting("order", "interleaved or sequential", \.order) { ScheduleOrder(rawValue: $0) },
    Setting("tolerate", Disturbance.forms, \.tolerated) { Disturbance.list($0) },
  ]

  /// What environment and configuration files say.
  ///
  /// - Throws: `CampaignError.usage`, naming file and line or variable.
  public static func load(
    environment: [String: String], workingDirectory: String = FileManager.default.currentDirectoryPath
  ) throws(CampaignError) -> Configuration {
    var configuration = Configuration()
    let home = environment["HOME"].map { $0 + "/.config" }
    let xdg = environment["XDG_CONFIG_HOME"].flatMap { $0.isEmpty ? nil : $0 } ?? home
    if let xdg { try configuration.read("\(xdg)/pvbench/config.yaml", shown: "\(xdg)/pvbench/config.yaml") }
    try configuration.read("\(workingDirectory)/pvbench.yaml", shown: "pvbench.yaml")
    for setting in settings {
      let variable = "PVBENCH_" + setting.key.uppercased()
      guard let text = environment[variable] else { continue }
      guard setting.set(&configuration, text) else {
        throw .usage("\(variable): expected \(setting.expectation), found '\(text)'")
      }
    }
    return configuration
  }

  private mutating func read(_ path: String, shown: String) throws(CampaignError) {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      guard !FileManager.default.fileExists(atPath: path) else { throw .usage("cannot read \(path) as UTF-8 text") }
      return
    }
    do {
      let root = try YAMLCursor(file: shown, text: text)
      for (key, value) in try root.mapping(keys: Self.settings.map(\.key)) {
        guard let setting = Self.settings.first(where: { $0.key == key }) else { continue }
        guard setting.set(&self, try value.text(setting.expectation)) else { throw value.expected(setting.expectation) }
      }
    } catch {
      throw .usage("\(error)")
    }
  }
}
