import Statistics
import Testing

struct DisjointPairingsTests {
  private static func pairs(_ runs: Int, _ count: Int, seed: UInt64 = 1) -> [[Int]] {
    DisjointPairings.pairs(runs: runs, count: count, seed: seed).map { [$0.a, $0.b] }
  }

  @Test func noRunIsTwiceInAMatching() {
    for matching in 0..<6 {
      let pairs = Self.pairs(60, 200)[(30 * matching)..<(30 * matching + 30)]
      #expect(Set(pairs.joined()).count == 60)
    }
  }

  @Test func noPairIsThereTwice() {
    let pairs = Self.pairs(60, 200)
    #expect(pairs.count == 200)
    #expect(Set(pairs.map(Set.init)).count == 200)
  }

  @Test(arguments: [2, 3, 7, 8]) func askedForMoreAllPairsAreThere(runs: Int) {
    let pairs = Self.pairs(runs, 10_000)
    #expect(Set(pairs.map(Set.init)).count == runs * (runs - 1) / 2)
    #expect(pairs.count == runs * (runs - 1) / 2)
  }

  @Test func eitherRunOfAPairMayComeFirst() {
    let pairs = Self.pairs(60, 1000)
    #expect((350...650).contains(pairs.count { $0[0] < $0[1] }))
  }

  @Test func theSeedDecides() {
    #expect(Self.pairs(60, 200) == Self.pairs(60, 200))
    #expect(Self.pairs(60, 200) != Self.pairs(60, 200, seed: 2))
  }

  @Test func oneRunHasNoPartner() {
    #expect(Self.pairs(1, 5).isEmpty)
    #expect(Self.pairs(0, 5).isEmpty)
  }
}
