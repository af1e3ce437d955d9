import Foundation
import ResultStore
import Statistics

/// Processes that index and are killed at random moments: the history is whole each time, and has all that was finished.
enum Kills {
  private static let nights = 1_000_000

  /// Indexes one night after the other until it is killed; says in `folder` which are finished.
  static func index(in folder: String, seed: UInt64) throws {
    var synthetic = SyntheticNights(cells: 50, nights: 1, seed: seed)
    for night in 0..<nights {
      var run = synthetic.run(night: night)
      run.id = "killed-\(seed)-\(night)"
      try History.open(in: folder, creating: true).index(run)
      try AtomicFile.write([], to: "\(folder)/finished-\(run.id)")
    }
  }

  /// Kills `count` of them.
  ///
  /// - Returns: faults that were found, and finished runs that are not in the history.
  static func check(_ program: String, in folder: String, count: Int) throws -> (faults: Int, lost: Int, runs: Int) {
    try? FileManager.default.removeItem(atPath: folder)
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    var generator = SeededGenerator(seed: 7)
    var (faults, lost): (Int, Set<String>) = (0, [])
    for kill in 0..<count {
      _ = try Chore([program, "index", folder, "\(kill)"], limit: Double.random(in: 0...0.3, using: &generator))
      guard FileManager.default.fileExists(atPath: "\(folder)/\(History.fileName)") else { continue }
      let history = try History.open(in: folder, creating: false)
      faults += try history.faults().count
      lost.formUnion(try finished(in: folder).subtracting(history.runs().map(\.id)))
    }
    return (faults, lost.count, try finished(in: folder).count)
  }

  private static func finished(in folder: String) throws -> Set<String> {
    Set(
      try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("finished-") }
        .map { String($0.dropFirst("finished-".count)) })
  }
}
