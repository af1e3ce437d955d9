import Statistics
import Testing

struct HolmTests {
  // By hand from the definition: 4 × 0.005, 3 × 0.01, 2 × 0.03, and 0.04 no lower than the one before it.
  @Test func adjustedValuesFollowTheDefinition() {
    let adjusted = Holm.adjusted([0.01, 0.04, 0.03, 0.005])
    for (value, expected) in zip(adjusted, [0.03, 0.06, 0.06, 0.02]) { #expect(abs(value - expected) < 1e-12) }
  }

  @Test func oneTestNeedsNoCorrectionAndNoneGivesNone() {
    #expect(Holm.adjusted([0.04]) == [0.04])
    #expect(Holm.adjusted([]) == [])
  }

  @Test func adjustmentIsMonotoneAndNeverLowersAValue() {
    var generator = SeededGenerator(seed: 11)
    for count in 2..<40 {
      let p = (0..<count).map { _ in Double.random(in: 0...0.3, using: &generator) }
      let pairs = zip(p, Holm.adjusted(p)).sorted { $0.0 < $1.0 }
      for (raw, adjusted) in pairs {
        #expect(adjusted >= raw)
        #expect(adjusted <= 1)
      }
      for (lower, higher) in zip(pairs, pairs.dropFirst()) { #expect(lower.1 <= higher.1) }
      #expect(pairs.first.map { $0.1 } == pairs.first.map { min(1, $0.0 * Double(count)) })
    }
  }
}
