import Foundation
import Measurement
import ResultStore

/// A run with a name, as `pvbench baseline list` shows it.
public struct Baseline: Encodable, Sendable, Equatable {
  /// Its name.
  public var name: String
  /// The run's id, or its path where it lies elsewhere.
  public var run: String
  /// When that began, RFC 3339; nil where it is not there any more.
  public var started: String?
  /// How it ended.
  public var status: RunStatus?

  /// Every baseline of a folder of runs, by name.
  public static func all(in parent: String) -> [Baseline] {
    let baselines = Baselines(in: parent)
    return baselines.names.compactMap { name in
      guard let run = baselines.run(name) else { return nil }
      let record = (try? RunFolder.find(run, in: parent)).flatMap { try? StoredRun.record(of: $0) }
      return Baseline(name: name, run: run, started: record?.started, status: record?.status)
    }
  }

  /// Names a run; without `run` the newest one that is complete.
  ///
  /// - Throws: `CampaignError.usage` for a name that cannot be one, and where there is no such run.
  public static func save(_ name: String, run: String?, in parent: String) throws(CampaignError) -> Baseline {
    guard Baselines.isName(name) else {
      throw .usage("'\(name)' cannot be the name of a baseline (letters, digits, '.', '_' and '-')")
    }
    guard (try? RunFolder.find(name, in: parent)) == nil else { throw .usage("'\(name)' is the name of a run") }
    let folder = if let run { try StoredRun.find(run, in: parent) } else { try newest(in: parent) }
    let isBeside = HistoryIndex.parent(of: folder) == URL(filePath: parent).standardizedFileURL.path
    let stored = isBeside ? folder.id : URL(filePath: folder.path).standardizedFileURL.path
    let record = try StoredRun.record(of: folder)
    do { try Baselines(in: parent).save(name, run: stored) } catch { throw .failure("\(error)") }
    return Baseline(name: name, run: stored, started: record.started, status: record.status)
  }

  /// Forgets a name.
  ///
  /// - Throws: `CampaignError.usage` where there is none such, with the nearest.
  public static func delete(_ name: String, in parent: String) throws(CampaignError) {
    let baselines = Baselines(in: parent)
    guard baselines.run(name) != nil else { throw .unknown("baseline", name, of: baselines.names) }
    do { try baselines.delete(name) } catch { throw .failure("\(error)") }
  }

  /// The run that a name stands for; nil where there is no such name.
  ///
  /// - Throws: `CampaignError.usage` where the run is not there any more.
  static func folder(_ name: String, in parent: String) throws(CampaignError) -> RunFolder? {
    guard let run = Baselines(in: parent).run(name) else { return nil }
    do { return try RunFolder.find(run, in: parent) } catch {
      throw .usage("the baseline \(name) is the run \(run), which is not there any more")
    }
  }

  private static func newest(in parent: String) throws(CampaignError) -> RunFolder {
    let newest = HistoryIndex.folders(in: parent).last { (try? $0.readRun())?.status == .complete }
    guard let newest else { throw .usage("there is no complete run in \(parent) (name one)") }
    return newest
  }

  // MARK: For people and programs

  /// A line each.
  public static func text(_ baselines: [Baseline]) -> String {
    var table = TextTable(columns: ["NAME", "RUN", "STARTED", "STATUS"])
    for baseline in baselines {
      table.add([baseline.name, baseline.run, baseline.started ?? "", baseline.status?.rawValue ?? "gone"])
    }
    return table.text
  }

  /// `{"schema": 1, "baselines": […]}`.
  public static func json(_ baselines: [Baseline]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return String(decoding: try encoder.encode(Document(baselines: baselines)), as: UTF8.self) + "\n"
  }

  private struct Document: Encodable {
    let schema = 1
    let baselines: [Baseline]
  }
}
