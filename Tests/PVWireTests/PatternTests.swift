import PVWire
import Testing

@Suite("sector pattern")
struct SectorPatternTests {
  private func sector(seed: UInt64 = 5, number: UInt64 = 77, generation: UInt64 = 3) -> [UInt64] {
    var words = [UInt64](repeating: 0, count: 64)
    SectorPattern.fill(&words, seed: seed, sector: number, generation: generation)
    return words
  }

  @Test(arguments: [UInt64(0), 1, 3, UInt64.max])
  func aSectorTellsItsGeneration(generation: UInt64) {
    let words = sector(generation: generation)
    #expect(SectorPattern.generation(of: words, seed: 5, sector: 77) == generation)
  }

  @Test func everyFlippedBitIsSeen() {
    for bit in 0..<(64 * 64) {
      var words = sector()
      words[bit / 64] ^= 1 << UInt64(bit % 64)
      #expect(SectorPattern.generation(of: words, seed: 5, sector: 77) == nil, "bit \(bit)")
    }
  }

  @Test func anotherPlaceOrImageIsSeen() {
    #expect(SectorPattern.generation(of: sector(), seed: 5, sector: 78) == nil)
    #expect(SectorPattern.generation(of: sector(), seed: 6, sector: 77) == nil)
  }

  @Test func tornSectorsAreSeen() {
    let (old, new) = (sector(generation: 1), sector(generation: 2))
    for cut in 1..<64 {
      let torn = Array(new[..<cut] + old[cut...])
      #expect(SectorPattern.generation(of: torn, seed: 5, sector: 77) == nil, "torn at word \(cut)")
    }
  }

  @Test func zeroedSectorsAreSeen() {
    #expect(SectorPattern.generation(of: [UInt64](repeating: 0, count: 64), seed: 5, sector: 0) == nil)
  }

  @Test func theSameSectorIsFilledTheSameWay() {
    #expect(sector() == sector())
    #expect(Array(sector(generation: 4)[2...]) != Array(sector()[2...]))
  }
}

@Suite("access pattern")
struct AccessPatternTests {
  /// Depth and blocks, the last multiple of the depth or not.
  static let shapes: [(depth: UInt64, blocks: UInt64)] = [(1, 1), (1, 2048), (32, 2048), (32, 32), (7, 100), (3, 5)]

  @Test(arguments: shapes, [false, true])
  func slotsKeepToTheirOwnBlocks(shape: (depth: UInt64, blocks: UInt64), isRandom: Bool) {
    let pattern = AccessPattern(isRandom: isRandom, seed: 9, depth: shape.depth, blocks: shape.blocks)
    for slot in 0..<shape.depth {
      for index in 0..<300 {
        let block = pattern.block(slot: slot, index: UInt64(index))
        #expect(block < shape.blocks)
        #expect(block % shape.depth == slot)
      }
    }
  }

  @Test func aSequenceVisitsEveryBlockInOrderAndBeginsAgain() {
    let pattern = AccessPattern(isRandom: false, seed: 9, depth: 4, blocks: 18)
    #expect((0..<5).map { pattern.block(slot: 1, index: $0) } == [1, 5, 9, 13, 1])
  }

  @Test func replayIsTheSameAndSeedsDiffer() {
    func blocks(seed: UInt64) -> [UInt64] {
      let pattern = AccessPattern(isRandom: true, seed: seed, depth: 2, blocks: 4096)
      return (0..<200).map { pattern.block(slot: 1, index: $0) }
    }
    #expect(blocks(seed: 1) == blocks(seed: 1))
    #expect(blocks(seed: 1) != blocks(seed: 2))
  }

  @Test func slotsDrawDifferently() {
    let pattern = AccessPattern(isRandom: true, seed: 1, depth: 2, blocks: 4096)
    let draws = (0..<2).map { slot in (0..<200).map { pattern.block(slot: slot, index: $0) / 2 } }
    #expect(draws[0] != draws[1])
  }

  @Test func randomAccessReachesMostBlocks() {
    let pattern = AccessPattern(isRandom: true, seed: 3, depth: 1, blocks: 256)
    let visited = Set((0..<2560).map { pattern.block(slot: 0, index: $0) })
    // Ten draws a block leave one in 22,000 unvisited: any structure in the sequence shows.
    #expect(visited.count >= 250)
  }

  @Test func withoutReadsEveryOperationWrites() {
    let pattern = AccessPattern(isRandom: true, seed: 3, depth: 2, blocks: 256)
    #expect((0..<200).allSatisfy { pattern.isWrite(slot: 1, index: $0) })
  }

  @Test func withoutWritesNoOperationDoes() {
    let pattern = AccessPattern(isRandom: true, seed: 3, depth: 2, blocks: 256, readPercent: 100)
    #expect((0..<200).allSatisfy { !pattern.isWrite(slot: 1, index: $0) })
  }

  @Test(arguments: [UInt64(0), 1, 31]) func mixedOperationsWriteAsOftenAsAsked(slot: UInt64) {
    let pattern = AccessPattern(isRandom: true, seed: 3, depth: 32, blocks: 4096, readPercent: 70)
    let writes = (0..<10_000).count { pattern.isWrite(slot: slot, index: $0) }
    // Six standard deviations of a binomial either way.
    #expect((2725...3275).contains(writes))
  }

  @Test func mixedOperationsReadWhatWasWrittenAndDifferBySlotAndSeed() {
    func writes(seed: UInt64, slot: UInt64) -> [Bool] {
      let pattern = AccessPattern(isRandom: true, seed: seed, depth: 2, blocks: 64, readPercent: 70)
      return (0..<200).map { pattern.isWrite(slot: slot, index: $0) }
    }
    #expect(writes(seed: 1, slot: 0) == writes(seed: 1, slot: 0))
    #expect(writes(seed: 1, slot: 0) != writes(seed: 2, slot: 0))
    #expect(writes(seed: 1, slot: 0) != writes(seed: 1, slot: 1))
    let pattern = AccessPattern(isRandom: true, seed: 1, depth: 2, blocks: 64, readPercent: 70)
    func blocks(written: Bool) -> Set<UInt64> {
      Set((0..<400).filter { pattern.isWrite(slot: 0, index: $0) == written }.map { pattern.block(slot: 0, index: $0) })
    }
    #expect(blocks(written: true).intersection(blocks(written: false)).count > 16)
  }

  @Test func noTwoWritesShareAGeneration() {
    let pattern = AccessPattern(isRandom: true, seed: 3, depth: 5, blocks: 256)
    let generations = (0..<5).flatMap { slot in (0..<50).map { pattern.generation(slot: slot, index: $0) } }
    #expect(Set(generations).count == 250)
    #expect(!generations.contains(0))
  }
}
