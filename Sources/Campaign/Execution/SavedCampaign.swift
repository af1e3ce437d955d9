import Foundation
import Measurement
import ResultStore
import Statistics

/// `plan.json`: what a run is, so that it can go on after an interruption and its record be rebuilt from its repetitions.
struct SavedCampaign: Codable, Equatable, Sendable {
  /// The schema this program writes.
  static let schema = 1

  var schema = Self.schema
  var plan: Plan
  var started: String
  var command: [String]
  var version: String
  var host: HostRecord
  /// What looking costs here, as it was known when the run began.
  var looking: LookingRecord?

  /// Reads the plan of a run's folder.
  static func read(from folder: RunFolder) throws(CampaignError) -> SavedCampaign {
    do {
      let bytes = try folder.readPlan()
      let saved = try JSONDecoder().decode(SavedCampaign.self, from: Data(bytes))
      guard saved.schema <= schema else {
        throw CampaignError.failure("\(folder.file("plan.json")) has schema \(saved.schema) (use a newer pvbench)")
      }
      return saved
    } catch let error as CampaignError {
      throw error
    } catch let error as StoreError {
      throw .failure("\(error)")
    } catch {
      throw .failure("\(folder.file("plan.json")) is damaged: it is not a plan of this pvbench")
    }
  }

  /// Writes it to a run's folder.
  func write(to folder: RunFolder) throws(CampaignError) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      try folder.writePlan(Array(try encoder.encode(self)) + [UInt8(ascii: "\n")])
    } catch {
      throw .failure("\(error)")
    }
  }

  /// The record of everything that has ended so far; `finished` is nil while the run goes on.
  func record(of folder: RunFolder, finished: String?) throws(CampaignError) -> RunRecord {
    do {
      let cells = floored(try folder.assemble(plan: plan.cells.map(\.key)))
      let repetitions = cells.flatMap(\.repetitions)
      let occurring = Set(repetitions.flatMap(\.metrics.keys))
      let attribution = Attribution.records(in: cells, seed: plan.seed)
      return RunRecord(
        id: folder.id, started: started, finished: finished, status: status(of: repetitions), command: command,
        version: version, seed: plan.seed, host: host, cells: cells,
        comparisons: RunComparison.modes(in: cells, seed: plan.seed) { workload, metric in
          plan.cells.first { $0.workload.id == workload }?.workload.floored(metric) ?? metric
        },
        metrics: MetricCatalog.all.filter { occurring.contains($0.id) },
        attribution: attribution.isEmpty ? nil : attribution, looking: looking)
    } catch {
      throw .failure("\(error)")
    }
  }

  /// Cells with what their workloads' rows say of floors: whoever compares runs has no suites.
  private func floored(_ cells: [CellRecord]) -> [CellRecord] {
    let floors = Dictionary(plan.cells.map { ($0.key, $0.workload.floors) }, uniquingKeysWith: { first, _ in first })
    return cells.map { cell in
      var cell = cell
      cell.floors = floors[cell.key].flatMap { $0.isEmpty ? nil : $0 }
      return cell
    }
  }

  /// How the run stands: missing repetitions weigh most, then failed and invalid ones.
  func status(of repetitions: [RepetitionRecord]) -> RunStatus {
    if repetitions.count < plan.steps.count { return .partial }
    if repetitions.contains(where: { $0.status == .failed }) { return .failed }
    return repetitions.contains { $0.status == .invalid } ? .invalid : .complete
  }
}

/// Stored runs as records.
public enum StoredRun {
  /// The run that a user names by path or, inside `parent`, by id or as a baseline.
  ///
  /// - Throws: `CampaignError.usage` where there is no such run, with the nearest id that exists.
  public static func find(_ name: String, in parent: String) throws(CampaignError) -> RunFolder {
    var name = name
    while name.count > 1, name.hasSuffix("/") { name.removeLast() }
    do {
      return try RunFolder.find(name, in: parent)
    } catch {
      if let named = try Baseline.folder(name, in: parent) { return named }
      let ids = ((try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? [])
        .filter { (try? RunFolder.open("\(parent)/\($0)")) != nil }
      let names = ids + Baselines(in: parent).names
      throw .usage("\(error)" + (name.contains("/") ? "" : NearestName.hint(for: name, in: names)))
    }
  }

  /// The record of a run: `run.json`, or what its repetitions say where they are ahead of it (a run that was killed).
  public static func record(of folder: RunFolder) throws(CampaignError) -> RunRecord {
    let written = Result { try folder.readRun() }
    let finished = (try? folder.finishedOrders().count) ?? 0
    if case .success(let run) = written, run.cells.reduce(0, { $0 + $1.repetitions.count }) >= finished { return run }
    do {
      return try SavedCampaign.read(from: folder).record(of: folder, finished: nil)
    } catch {
      // Without a usable plan the record itself, or why it cannot be read, is the best answer.
      do { return try written.get() } catch { throw .failure("\(error)") }
    }
  }
}
