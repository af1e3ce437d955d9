import Glibc
import PVWire

/// Sectors that are not what they should be: the reason of a failed repetition.
struct ImageMismatch: Error, Equatable, CustomStringConvertible {
  let sector: UInt64
  /// nil where the sector holds no pattern of this image at all.
  let found: UInt64?
  let expected: UInt64

  var description: String {
    let found = found.map { "generation \($0)" } ?? "bytes that are not this image's"
    return "the image is wrong after the run: sector \(sector) holds \(found), expected generation \(expected)"
  }
}

/// What a repetition did to the image, as far as the host must know to check it.
struct ImageAccess {
  let pattern: AccessPattern
  /// Bytes a block.
  let blockBytes: UInt64
  /// Operations that each queue slot has finished since boot; nil for a workload that only reads.
  let writtenOperations: [UInt64]?
}

/// The seeded image behind a guest's disk. Between repetitions every sector is at generation 0 of `SectorPattern`.
final class DiskImage {
  /// The unit of host I/O in bytes.
  static let chunkBytes = 256 << 10
  /// Sectors that are looked at where a full check would cost more than the repetition.
  static let sampledSectors = 1024
  private static let wordsPerSector = SectorPattern.sectorSize / 8
  private static let sectorsPerChunk = chunkBytes / SectorPattern.sectorSize

  let path: String
  /// Bytes in use, a multiple of `chunkBytes`.
  let byteCount: UInt64
  let seed: UInt64
  private let file: ImageFile
  private let chunk = AlignedWords(byteCount: chunkBytes)

  /// Sectors in use.
  var sectors: UInt64 { byteCount / UInt64(SectorPattern.sectorSize) }

  /// Makes `path` where `isNew`, and gives every sector generation 0.
  init(path: String, byteCount: UInt64, seed: UInt64, isNew: Bool) throws(ImageError) {
    self.path = path
    self.byteCount = byteCount
    self.seed = seed
    file = try ImageFile(path: path, isNew: isNew)
    guard file.lock() else { throw ImageError(operation: "lock", path: path, code: EBUSY) }
    try reseed()
  }

  /// True where a read past the page cache shows in the kernel's account of storage, so that one that does not came out of that
  /// cache. Tried with a known number of bytes: not every file system keeps the account.
  func countsReads() throws(ImageError) -> Bool {
    guard file.isDirect, let before = StorageAccount.bytesRead() else { return false }
    file.forgetCached()
    try file.read(into: chunk.words, at: 0)
    return StorageAccount.bytesRead().map { $0 - before >= UInt64(Self.chunkBytes) } ?? false
  }

  /// Writes generation 0 everywhere.
  func reseed() throws(ImageError) {
    for index in 0..<(byteCount / UInt64(Self.chunkBytes)) { try reseed(chunk: index) }
    try file.sync()
  }

  /// Reads all of it into the host's page cache: whatever wrote it last went past that.
  func fillPageCache() throws(ImageError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ImageError(operation: "open", path: path, code: errno) }
    defer { close(descriptor) }
    for index in 0..<(byteCount / UInt64(Self.chunkBytes)) {
      let count = pread(descriptor, chunk.words.baseAddress, Self.chunkBytes, Int(index) * Self.chunkBytes)
      guard count == Self.chunkBytes else {
        throw ImageError(operation: "read", path: path, code: count < 0 ? errno : EIO)
      }
    }
  }

  /// Checks what a repetition left behind, then restores generation 0 where it wrote.
  ///
  /// - Returns: the first sector that is wrong; the whole image is seeded anew then.
  func settle(_ access: ImageAccess) throws(ImageError) -> ImageMismatch? {
    if let operations = access.writtenOperations {
      let expected = Self.replay(access, operations: operations, imageBytes: byteCount)
      let chunks = UInt64(Self.chunkBytes)
      var touched = Set<UInt64>()
      for (block, generation) in expected.enumerated() where generation != 0 {
        let first = UInt64(block) * access.blockBytes
        touched.formUnion((first / chunks)...((first + access.blockBytes - 1) / chunks))
      }
      for index in touched.sorted() {
        if let mismatch = try check(chunk: index, expected: expected, blockBytes: access.blockBytes) {
          try reseed()
          return mismatch
        }
        try reseed(chunk: index)
      }
      if !touched.isEmpty { try file.sync() }
    }
    // What was written has just been restored: from here on every sector must be untouched.
    guard let mismatch = try checkSample(seed: access.pattern.seed) else { return nil }
    try reseed()
    return mismatch
  }

  /// The generation that every block must have after these operations: the last write of each slot to it wins, and slots
  /// never share a block.
  static func replay(_ access: ImageAccess, operations: [UInt64], imageBytes: UInt64) -> [UInt64] {
    let pattern = access.pattern
    var expected = [UInt64](repeating: 0, count: Int(imageBytes / access.blockBytes))
    for (slot, count) in operations.enumerated() {
      // A sequential slot that only wrote and went round has only its last round left.
      let goesRound = !pattern.isRandom && pattern.readPercent == 0 && count > pattern.blocksPerSlot
      for index in (goesRound ? count - pattern.blocksPerSlot : 0)..<count
      where pattern.isWrite(slot: UInt64(slot), index: index) {
        let block = pattern.block(slot: UInt64(slot), index: index)
        expected[Int(block)] = pattern.generation(slot: UInt64(slot), index: index)
      }
    }
    return expected
  }

  private func check(chunk index: UInt64, expected: [UInt64], blockBytes: UInt64) throws(ImageError) -> ImageMismatch? {
    try file.read(into: chunk.words, at: index * UInt64(Self.chunkBytes))
    for position in 0..<Self.sectorsPerChunk {
      let sector = index * UInt64(Self.sectorsPerChunk) + UInt64(position)
      let block = Int(sector * UInt64(SectorPattern.sectorSize) / blockBytes)
      // Blocks beyond the last whole one are never written.
      let generation = block < expected.count ? expected[block] : 0
      if let mismatch = mismatch(at: position, sector: sector, expected: generation) { return mismatch }
    }
    return nil
  }

  /// Looks at seeded sectors, a page of them at a time: O_DIRECT reads no less from most devices.
  private func checkSample(seed: UInt64) throws(ImageError) -> ImageMismatch? {
    let pageSectors = AlignedWords.alignment / SectorPattern.sectorSize
    let pages = byteCount / UInt64(AlignedWords.alignment)
    let draws = UInt64(Self.sampledSectors / pageSectors)
    let sample = (0..<draws).map { SectorPattern.mix(seed &+ $0 &* 0x9E37_79B9_7F4A_7C15) % pages }
    let page = UnsafeMutableBufferPointer(rebasing: chunk.words[..<(AlignedWords.alignment / 8)])
    for number in sample.sorted() {
      try file.read(into: page, at: number * UInt64(AlignedWords.alignment))
      for position in 0..<pageSectors {
        let sector = number * UInt64(pageSectors) + UInt64(position)
        if let mismatch = mismatch(at: position, sector: sector, expected: 0) { return mismatch }
      }
    }
    return nil
  }

  private func mismatch(at position: Int, sector: UInt64, expected: UInt64) -> ImageMismatch? {
    guard let base = chunk.words.baseAddress else { return nil }
    // SAFETY: `position` is below the chunk's number of sectors, each of which is 64 words.
    let found = SectorPattern.generation(of: base + position * Self.wordsPerSector, seed: seed, sector: sector)
    return found == expected ? nil : ImageMismatch(sector: sector, found: found, expected: expected)
  }

  private func reseed(chunk index: UInt64) throws(ImageError) {
    guard let base = chunk.words.baseAddress else { return }
    for position in 0..<Self.sectorsPerChunk {
      let sector = index * UInt64(Self.sectorsPerChunk) + UInt64(position)
      // SAFETY: `position` is below the chunk's number of sectors, each of which is 64 words.
      SectorPattern.fill(base + position * Self.wordsPerSector, seed: seed, sector: sector, generation: 0)
    }
    try file.write(chunk.words, at: index * UInt64(Self.chunkBytes))
  }
}
