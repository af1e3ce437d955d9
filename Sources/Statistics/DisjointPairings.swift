/// Pairs of runs for an A/A calibration.
public enum DisjointPairings {
  /// `count` pairs of 0..<runs, no pair twice: one perfect matching after another, in each of which every run occurs at most once.
  /// All of them where there are fewer, runs · (runs − 1) / 2.
  ///
  /// The matchings are the rounds of a tournament by the circle method (Kirkman, "On a Problem in Combinations", 1847); `seed` says
  /// who is which player, in which order the rounds are, and who of a pair comes first.
  public static func pairs(runs: Int, count: Int, seed: UInt64) -> [(a: Int, b: Int)] {
    guard runs > 1 else { return [] }
    var generator = SeededGenerator(seed: seed)
    // With an odd number of runs one sits out a round.
    let players = (0..<runs).shuffled(using: &generator).map(Optional.some) + (runs.isMultiple(of: 2) ? [] : [nil])
    let circle = players.count - 1
    let pairs = (0..<circle).shuffled(using: &generator).flatMap { round in
      (0..<(players.count / 2)).compactMap { seat -> (a: Int, b: Int)? in
        let first = seat == 0 ? players[circle] : players[(round + seat) % circle]
        guard let first, let second = players[(round + circle - seat) % circle] else { return nil }
        return Bool.random(using: &generator) ? (first, second) : (second, first)
      }
    }
    return Array(pairs.prefix(count))
  }
}
