import Foundation
import PVWire
import Testing

@testable import Campaign

/// A megabyte with 4 KiB blocks, written as a guest would write it.
struct DiskImageTests {
  private static let byteCount: UInt64 = 1 << 20
  private static let seed: UInt64 = 77
  private let folder: TemporaryFolder
  private let image: DiskImage

  init() throws {
    folder = try TemporaryFolder()
    image = try DiskImage(path: folder.file("disk.img"), byteCount: Self.byteCount, seed: Self.seed, isNew: true)
  }

  private func pattern(isRandom: Bool, depth: UInt64 = 4, readPercent: UInt64 = 0) -> AccessPattern {
    AccessPattern(
      isRandom: isRandom, seed: 5, depth: depth, blocks: Self.byteCount / 4096, readPercent: readPercent)
  }

  private func access(_ pattern: AccessPattern, _ operations: [UInt64]?) -> ImageAccess {
    ImageAccess(pattern: pattern, blockBytes: 4096, writtenOperations: operations)
  }

  private func sector(_ number: UInt64, generation: UInt64, seed: UInt64 = Self.seed) -> Data {
    var words = [UInt64](repeating: 0, count: 64)
    words.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.map { SectorPattern.fill($0, seed: seed, sector: number, generation: generation) }
    }
    return words.withUnsafeBytes { Data($0) }
  }

  private func write(_ data: Data, toSector number: UInt64) throws {
    let handle = try #require(FileHandle(forUpdatingAtPath: image.path))
    try handle.seek(toOffset: number * 512)
    try handle.write(contentsOf: data)
    try handle.synchronize()
    try handle.close()
  }

  private func write(block: UInt64, generation: UInt64) throws {
    for number in (block * 8)..<(block * 8 + 8) { try write(sector(number, generation: generation), toSector: number) }
  }

  /// What a guest does that performs `operations` of each slot.
  private func perform(_ pattern: AccessPattern, _ operations: [UInt64]) throws {
    for (slot, count) in operations.enumerated() {
      for index in 0..<count where pattern.isWrite(slot: UInt64(slot), index: index) {
        try write(
          block: pattern.block(slot: UInt64(slot), index: index),
          generation: pattern.generation(slot: UInt64(slot), index: index))
      }
    }
  }

  private func isPristine() throws -> Bool {
    let expected = (0..<(Self.byteCount / 512)).reduce(into: Data()) { $0 += sector($1, generation: 0) }
    return try Data(contentsOf: URL(filePath: image.path)) == expected
  }

  @Test func newImageIsAllGenerationZero() throws { #expect(try isPristine()) }

  @Test(arguments: [true, false]) func exactWritesPassAndAreRestored(_ isRandom: Bool) throws {
    // 80 operations a slot of 64 blocks: blocks are overwritten.
    let operations: [UInt64] = [80, 3, 0, 11]
    try perform(pattern(isRandom: isRandom), operations)
    #expect(try isPristine() == false)
    #expect(try image.settle(access(pattern(isRandom: isRandom), operations)) == nil)
    #expect(try isPristine())
  }

  @Test(arguments: [true, false]) func mixedOperationsLeaveOnlyTheirWrites(_ isRandom: Bool) throws {
    // 150 operations of a slot with 64 blocks: a sequence goes round twice, and writes of an earlier round survive reads.
    let operations: [UInt64] = [150, 3, 0, 90]
    let pattern = pattern(isRandom: isRandom, readPercent: 70)
    try perform(pattern, operations)
    #expect(try image.settle(access(pattern, operations)) == nil)
    #expect(try isPristine())
  }

  @Test func writeInPlaceOfAReadIsFound() throws {
    let pattern = pattern(isRandom: true, readPercent: 70)
    let read = try #require((0..<100).first { !pattern.isWrite(slot: 0, index: $0) })
    // Its chunk is looked at, for a neighbour was written.
    try perform(pattern, [100, 100, 100, 100])
    try write(block: pattern.block(slot: 0, index: read), generation: 12_345)
    #expect(try image.settle(access(pattern, [100, 100, 100, 100]))?.found == 12_345)
  }

  @Test func lostWriteIsFoundAndTheImageRestored() throws {
    let pattern = pattern(isRandom: true)
    try perform(pattern, [2, 0, 0, 0])
    let lost = pattern.block(slot: 0, index: 1)
    try write(block: lost, generation: 0)
    let expected = ImageMismatch(sector: lost * 8, found: 0, expected: pattern.generation(slot: 0, index: 1))
    #expect(try image.settle(access(pattern, [2, 0, 0, 0])) == expected)
    #expect(try isPristine())
  }

  @Test func writeThatTheGuestDoesNotAccountForIsFound() throws {
    let pattern = pattern(isRandom: false)
    try perform(pattern, [1, 0, 0, 0])
    // Block 2 is in the same chunk as block 0, and belongs to a slot that did nothing.
    try write(block: 2, generation: 9)
    #expect(try image.settle(access(pattern, [1, 0, 0, 0])) == ImageMismatch(sector: 16, found: 9, expected: 0))
  }

  @Test func tornSectorIsFound() throws {
    let pattern = pattern(isRandom: false)
    try perform(pattern, [1, 0, 0, 0])
    let torn = sector(3, generation: 1).prefix(256) + sector(3, generation: 0).suffix(256)
    try write(torn, toSector: 3)
    #expect(try image.settle(access(pattern, [1, 0, 0, 0])) == ImageMismatch(sector: 3, found: nil, expected: 1))
  }

  @Test func readOnlyWorkloadThatWroteIsFound() throws {
    for block in 0..<(Self.byteCount / 4096) { try write(block: block, generation: 4) }
    let mismatch = try image.settle(access(pattern(isRandom: true), nil))
    #expect(mismatch?.found == 4)
    #expect(mismatch?.expected == 0)
    #expect(try isPristine())
  }

  @Test func mismatchIsToldInFull() {
    let mismatch = ImageMismatch(sector: 7, found: nil, expected: 3)
    #expect(
      "\(mismatch)"
        == "the image is wrong after the run: sector 7 holds bytes that are not this image's, expected generation 3")
  }

  @Test func secondUserOfAnImageIsRefused() {
    #expect(throws: ImageError(operation: "lock", path: image.path, code: EBUSY)) {
      _ = try DiskImage(path: image.path, byteCount: Self.byteCount, seed: 1, isNew: false)
    }
  }

  @Test func impossibleSlotCountsAreNotBelieved() throws {
    let plan = try Planner.plan(.of("disk.randwrite.4k.qd32", modes: ["paravirt"]), library: .embedded())
    #expect(throws: SlotError.count(found: 1, expected: 32)) { try plan.imageAccess(of: plan.steps[0], slots: [1]) }
    #expect(throws: SlotError.tooMany) {
      try plan.imageAccess(of: plan.steps[0], slots: Array(repeating: 1 << 60, count: 32))
    }
  }
}

struct DiskTargetTests {
  private static let size: UInt64 = 1 << 20
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func refusal(_ path: String, needed: UInt64 = Self.size) -> String? {
    #expect(throws: CampaignError.self) { try DiskTarget.check(path, needed: needed) }?.description
  }

  private func file(_ content: Data) throws -> String {
    let path = folder.file("target.img")
    try content.write(to: URL(filePath: path))
    return path
  }

  @Test func missingFileIsRefused() {
    #expect(refusal("/nowhere/disk.img") == "--disk /nowhere/disk.img: no such file or directory")
  }

  @Test func directoryIsRefused() {
    #expect(refusal(folder.path) == "--disk \(folder.path): is a directory (name a file or a block device)")
  }

  @Test func characterDeviceIsRefused() {
    #expect(refusal("/dev/zero") == "--disk /dev/zero: neither a file nor a block device")
  }

  @Test func smallFileIsRefusedWithBothSizes() throws {
    let path = try file(Data(count: 4096))
    #expect(refusal(path) == "--disk \(path): too small: 4096 bytes, need 1048576")
  }

  @Test func readOnlyFileIsRefused() throws {
    let path = try file(Data(count: Int(Self.size)))
    try FileManager.default.setAttributes([.posixPermissions: 0o444], ofItemAtPath: path)
    #expect(refusal(path) == "--disk \(path): is read-only (chmod u+w it, or name another)")
  }

  @Test func zeroesAreAccepted() throws {
    let path = try file(Data(count: Int(Self.size)))
    try DiskTarget.check(path, needed: Self.size)
    try DiskTarget.checkContent(path, byteCount: Self.size)
  }

  @Test func imageOfAnyRunIsAccepted() throws {
    let path = folder.file("old.img")
    _ = try DiskImage(path: path, byteCount: Self.size, seed: .random(in: 0 ... .max), isNew: true)
    try DiskTarget.checkContent(path, byteCount: Self.size)
  }

  @Test(arguments: [0, 511, 700_000, (1 << 20) - 1]) func anyOtherByteIsRefused(_ offset: Int) throws {
    var data = Data(count: Int(Self.size))
    data[offset] = 1
    let path = try file(data)
    #expect(throws: CampaignError.usage("refusing to overwrite \(path): it holds data (pass --overwrite-disk)")) {
      try DiskTarget.checkContent(path, byteCount: Self.size)
    }
  }
}
