import Foundation
import Measurement
import ResultStore

/// Fills the history from the folders of runs beside it.
public enum HistoryIndex {
  /// Takes a run in that has just ended, into the history of the folder that it was made in. It is on disk already: whatever
  /// goes wrong here costs nothing but an import.
  ///
  /// - Returns: why it is not in the history; nil where it is, and for a run that observed nothing.
  public static func add(_ run: RunRecord, from folder: RunFolder) -> String? {
    let indexed = IndexedRun(run, notes: folder.notes())
    guard indexed.cells.contains(where: { !$0.observations.isEmpty }) else { return nil }
    do {
      try History.open(in: parent(of: folder), creating: true).index(indexed)
      return nil
    } catch {
      return "this run is not in the history: \(error)"
    }
  }

  /// What an import came to.
  public struct Import: Sendable {
    /// Runs that are in the history now.
    public var runs = 0
    /// Runs that observed nothing: they have no night.
    public var empty = 0
    /// Why others are not, a line each.
    public var failures: [String] = []
  }

  /// Takes in every run in a folder of runs, again where it is there already, or every line of an exported file.
  ///
  /// - Throws: `CampaignError` where there is no such folder or file, or the history cannot be opened.
  public static func read(_ source: String, into folder: String, onlyNew: Bool = false) throws(CampaignError) -> Import
  {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: source, isDirectory: &isFolder) else {
      throw .usage("there is no \(source) to import")
    }
    do {
      let history = try History.open(in: folder, creating: true)
      let known = onlyNew ? Set(try history.runs().map(\.id)) : []
      return isFolder.boolValue
        ? readFolders(in: source, without: known, into: history) : try readLines(source, into: history)
    } catch let error as HistoryError {
      throw CampaignError(error)
    } catch {
      throw .failure("\(error)")
    }
  }

  private static func readFolders(in source: String, without known: Set<String>, into history: History) -> Import {
    var result = Import()
    for folder in folders(in: source) where !known.contains(folder.id) {
      result.take(folder.path) {
        IndexedRun(try StoredRun.record(of: folder), notes: folder.notes())
      } into: {
        try history.index($0)
      }
    }
    return result
  }

  private static func readLines(_ source: String, into history: History) throws -> Import {
    var result = Import()
    let text = String(decoding: try AtomicFile.read(source), as: UTF8.self)
    for (number, line) in text.split(separator: "\n").enumerated() {
      result.take("\(source), line \(number + 1)") {
        let run = try JSONDecoder().decode(IndexedRun.self, from: Data(line.utf8))
        guard run.schema <= IndexedRun.schema else {
          throw CampaignError.failure("it has schema \(run.schema) (use a newer pvbench)")
        }
        return run
      } into: {
        try history.index($0)
      }
    }
    return result
  }

  /// Runs in a folder of runs that its history does not have though they have ended, by id.
  public static func missing(from history: History, in folder: String) throws(HistoryError) -> [String] {
    let known = Set(try history.runs().map(\.id))
    return folders(in: folder).filter { !known.contains($0.id) }.compactMap { folder in
      guard let run = try? StoredRun.record(of: folder), run.finished != nil else { return nil }
      return IndexedRun(run).cells.contains { !$0.observations.isEmpty } ? folder.id : nil
    }
  }

  /// The runs of a folder, by id, which is by time.
  static func folders(in parent: String) -> [RunFolder] {
    ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []).sorted()
      .compactMap { try? RunFolder.open("\(parent)/\($0)") }
  }

  static func parent(of folder: RunFolder) -> String {
    URL(filePath: folder.path).standardizedFileURL.deletingLastPathComponent().path
  }
}

extension HistoryIndex.Import {
  fileprivate mutating func take(
    _ name: String, _ read: () throws -> IndexedRun, into index: (IndexedRun) throws -> Void
  ) {
    do {
      let run = try read()
      guard run.cells.contains(where: { !$0.observations.isEmpty }) else { return empty += 1 }
      try index(run)
      runs += 1
    } catch is DecodingError {
      failures.append("\(name): not a line of `pvbench history export`")
    } catch {
      failures.append("\(name): \(error)")
    }
  }
}

extension CampaignError {
  /// What was asked for is not there: 64; anything else: 1.
  public init(_ error: HistoryError) {
    switch error {
    case .missing, .unknownRun: self = .usage("\(error)")
    case .damaged, .newer, .busy, .inaccessible, .notRepresentable: self = .failure("\(error)")
    }
  }
}
