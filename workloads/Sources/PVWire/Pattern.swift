/// What a verified disk holds: every 512-byte sector is a function of the image's seed, its own number and the generation
/// of the last write, so that a read of the wrong place, of torn or of stale data is seen.
///
/// Word 0 is the generation, word 1 the sector number; words 2–63 follow from a 64-bit mix of seed, sector and generation
/// (splitmix64; Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
public enum SectorPattern {
  /// Bytes a sector.
  public static let sectorSize = 512

  /// splitmix64's output function.
  @inlinable public static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  @inlinable static func start(seed: UInt64, sector: UInt64, generation: UInt64) -> UInt64 {
    mix(seed ^ mix(sector &+ 0x9E37_79B9_7F4A_7C15) ^ mix(generation &* 0xD1B5_4A32_D192_ED03 &+ 1))
  }

  /// Fills the 64 words of one sector.
  @inlinable public static func fill(
    _ words: UnsafeMutablePointer<UInt64>, seed: UInt64, sector: UInt64, generation: UInt64
  ) {
    words[0] = generation
    words[1] = sector
    var state = start(seed: seed, sector: sector, generation: generation)
    for index in 2..<64 {
      words[index] = state
      state = (state ^ (state >> 29)) &+ 0x9E37_79B9_7F4A_7C15
    }
  }

  /// True where the 64 words are what `fill` writes for this seed and sector and the generation that the sector itself
  /// names; returns that generation, or nil where they are not.
  @inlinable public static func generation(
    of words: UnsafePointer<UInt64>, seed: UInt64, sector: UInt64
  ) -> UInt64? {
    guard words[1] == sector else { return nil }
    var state = start(seed: seed, sector: sector, generation: words[0])
    var difference: UInt64 = 0
    for index in 2..<64 {
      difference |= words[index] ^ state
      state = (state ^ (state >> 29)) &+ 0x9E37_79B9_7F4A_7C15
    }
    return difference == 0 ? words[0] : nil
  }
}

/// Where a disk workload's operations go and which of them write: the same functions in the guest, which performs them, and
/// on the host, which replays them to check the image. Slot `s` of `depth` owns the blocks that leave remainder `s` modulo `depth`, so that two
/// operations in flight never meet and the order of completion does not matter.
public struct AccessPattern: Sendable {
  /// Random or sequential within each slot.
  public let isRandom: Bool
  /// Seed of the random sequence.
  public let seed: UInt64
  /// Queue depth: number of slots.
  public let depth: UInt64
  /// Blocks of each slot.
  public let blocksPerSlot: UInt64
  /// How many of a hundred operations read, on average: 0 where all write, 100 where none does.
  public let readPercent: UInt64

  /// A pattern over `blocks` blocks; blocks beyond the last multiple of `depth` stay unused.
  public init(isRandom: Bool, seed: UInt64, depth: UInt64, blocks: UInt64, readPercent: UInt64 = 0) {
    self.isRandom = isRandom
    self.seed = seed
    self.depth = depth
    self.readPercent = readPercent
    blocksPerSlot = blocks / depth
  }

  /// The block of operation `index` (0-based) of `slot`.
  @inlinable public func block(slot: UInt64, index: UInt64) -> UInt64 {
    guard isRandom else { return (index % blocksPerSlot) * depth + slot }
    let draw = SectorPattern.mix(seed &+ (slot &* 0x9E37_79B9_7F4A_7C15) &+ index &* 0xD1B5_4A32_D192_ED03)
    return (draw % blocksPerSlot) * depth + slot
  }

  /// True where operation `index` of `slot` writes: drawn apart from the block, so that reads and writes meet.
  @inlinable public func isWrite(slot: UInt64, index: UInt64) -> Bool {
    guard readPercent > 0 else { return true }
    let draw = SectorPattern.mix(~seed &+ (slot &* 0xD1B5_4A32_D192_ED03) &+ index &* 0x9E37_79B9_7F4A_7C15)
    return draw % 100 >= readPercent
  }

  /// The generation that operation `index` of `slot` writes: never 0, which is the seeded image.
  @inlinable public func generation(slot: UInt64, index: UInt64) -> UInt64 { index &* depth &+ slot &+ 1 }
}
