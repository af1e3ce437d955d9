import Foundation
import Statistics

/// The bars of the history, a line each.
struct Bench {
  let program: String
  let pvbench: String
  let folder: String
  let nights: Int
  let cells: Int
  let kills: Int

  private var database: String { "\(folder)/nights" }
  private var changes: String { "\(folder)/changes.json" }

  func run() throws {
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    say("\(nights) nights of \(cells * SyntheticNights.metrics.count) series")
    let times = try make(0..<nights - 1)
    say(
      String(
        format: "indexing a run: median %.0f ms, largest %.0f ms of the last %d (bar 200 ms)",
        OrderStatistics.median(times) ?? 0, times.max() ?? 0, times.count))
    try search("from nothing", limit: 60)
    _ = try make(nights - 1..<nights)
    try search("one night more", limit: 5)
    let score = try Score(
      of: try Data(contentsOf: URL(filePath: changes)), against: SyntheticNights(cells: cells, nights: nights))
    say(
      String(
        format:
          "steps found within 2 nights: %d of %d, %.2f %% (bar 98 %%); false change points in 1000 nights: %.3f (bar 1)",
        score.found, score.steps, 100 * Double(score.found) / Double(score.steps),
        1000 * Double(score.wrong) / Double(nights * cells * SyntheticNights.metrics.count)))
    let killed = try Kills.check(program, in: "\(folder)/kills", count: kills)
    say(
      "\(kills) kills while indexing: \(killed.faults) faults, \(killed.lost) of \(killed.runs) finished runs lost (bars 0)"
    )
  }

  /// Has `range` indexed; how many milliseconds each of the last nights took.
  private func make(_ range: Range<Int>) throws -> [Double] {
    let times = "\(folder)/times.txt"
    let chore = try Chore(
      [program, "make", database, "\(range.lowerBound)", "\(range.upperBound)", "\(nights)", "\(cells)"], output: times)
    try chore.check("indexing")
    return try String(contentsOfFile: times, encoding: .utf8).split(separator: "\n").suffix(50).compactMap {
      Double($0)
    }
  }

  private func search(_ name: String, limit: Int) throws {
    let chore = try Chore(
      [pvbench, "history", "regressions", "--out", database, "--all", "--nights", "\(nights)", "--json"],
      output: changes)
    try chore.check("history regressions")
    say(
      String(
        format: "history regressions, %@: %.1f s (bar %d s), peak memory %.0f MiB (bar 200 MiB)", name, chore.seconds,
        limit, Double(chore.peakBytes) / 1_048_576))
  }

  private func say(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

/// How many of the steps that are known were found, and what else was.
struct Score {
  private(set) var steps = 0
  private(set) var found = 0
  private(set) var wrong = 0

  private struct Document: Decodable {
    struct Change: Decodable {
      struct Name: Decodable {
        let workload: String
        let metric: String
      }
      let series: Name
      let run: String
    }
    let changes: [Change]
  }

  /// - Parameter json: what `history regressions --json` printed.
  init(of json: Data, against synthetic: SyntheticNights) throws {
    let nights = try JSONDecoder().decode(Document.self, from: json).changes.reduce(into: [String: [Int]]()) {
      $0["\($1.series.workload) \($1.series.metric)", default: []] += [SyntheticNights.night(of: $1.run)]
    }
    for series in synthetic.steps.indices {
      let there = nights[synthetic.name(of: series)] ?? []
      let known = synthetic.steps[series]
      steps += known.count
      found += known.filter { step in there.contains { abs($0 - step) <= 2 } }.count
      wrong += there.filter { night in !known.contains { abs($0 - night) <= 2 } }.count
    }
  }
}
