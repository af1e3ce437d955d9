import Foundation

/// Every suite that there is: the embedded ones, overridden by `workloads/suites` of the working directory, overridden by
/// `--suites DIR`. A suite replaces the one of the same name.
public struct SuiteLibrary: Sendable {
  /// Names that stand for several suites; members that do not exist yet are left out.
  static let aliases: [(name: String, members: [String]?)] = [("io", ["disk", "network"]), ("all", nil)]

  /// All suites, by name.
  public let suites: [Suite]

  /// A library of exactly these.
  public init(suites: [Suite]) { self.suites = suites.sorted { $0.name < $1.name } }

  /// Loads the embedded suites and those in folders. A wrong file is a usage error that says file, line and expectation.
  public static func load(
    directory: String?, workingDirectory: String = FileManager.default.currentDirectoryPath
  ) throws(CampaignError) -> SuiteLibrary {
    var byName: [String: Suite] = [:]
    func add(file: String, text: String) throws(CampaignError) {
      do {
        let suite = try SuiteDecoder.decode(file: file, text: text)
        byName[suite.name] = suite
      } catch {
        throw .usage("\(error)")
      }
    }
    for (path, text) in EmbeddedFiles.all where path.hasSuffix(".yaml") { try add(file: path, text: "\(text)") }
    let local = workingDirectory + "/workloads/suites"
    if FileManager.default.fileExists(atPath: local) {
      for name in try yamlFiles(in: local) {
        try add(file: "workloads/suites/\(name)", text: try contents(of: "\(local)/\(name)"))
      }
    }
    if let directory {
      let names = try yamlFiles(in: directory)
      guard !names.isEmpty else { throw .usage("--suites \(directory): there is no .yaml file in it") }
      for name in names { try add(file: "\(directory)/\(name)", text: try contents(of: "\(directory)/\(name)")) }
    }
    return SuiteLibrary(suites: Array(byName.values))
  }

  private static func yamlFiles(in directory: String) throws(CampaignError) -> [String] {
    do {
      return try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") }.sorted()
    } catch {
      throw .usage("cannot read the suites in \(directory): no such directory, or no permission")
    }
  }

  private static func contents(of path: String) throws(CampaignError) -> String {
    do {
      return try String(contentsOfFile: path, encoding: .utf8)
    } catch {
      throw .usage("cannot read \(path) as UTF-8 text")
    }
  }

  /// Names that `--suite` takes: suites and the names for several of them.
  public var selectableNames: [String] { (suites.map(\.name) + Self.aliases.map(\.name)).sorted() }

  /// The workloads of the suites named (all where none is), of which the patterns (`fnmatch`; all where there is none)
  /// select some; without patterns, `tag` narrows them to the rows that have it.
  public func select(suites names: [String], patterns: [String], tag: String?) throws(CampaignError) -> [Workload] {
    var selected: [Workload] = []
    for suite in try resolve(names.isEmpty ? ["all"] : names) { selected += suite.workloads }
    guard !patterns.isEmpty else { return tag.map { tag in selected.filter { $0.tags.contains(tag) } } ?? selected }
    for pattern in patterns where !selected.contains(where: { Self.matches($0.id, pattern) }) {
      throw .unknown("workload", pattern, of: selected.map(\.id))
    }
    return selected.filter { workload in patterns.contains { Self.matches(workload.id, $0) } }
  }

  private func resolve(_ names: [String]) throws(CampaignError) -> [Suite] {
    var wanted: Set<String> = []
    for name in names {
      if let alias = Self.aliases.first(where: { $0.name == name }) {
        wanted.formUnion(alias.members ?? suites.map(\.name))
      } else if suites.contains(where: { $0.name == name }) {
        wanted.insert(name)
      } else {
        throw .unknown("suite", name, of: selectableNames)
      }
    }
    return suites.filter { wanted.contains($0.name) }
  }

  private static func matches(_ name: String, _ pattern: String) -> Bool { fnmatch(pattern, name, 0) == 0 }
}
