import Backends
import Glibc
import Testing

/// What every medium must do, over each kind of medium.
struct StorageTests {
  static let byteCount: UInt64 = 1 << 20

  /// A medium and the file that it may need.
  struct Medium {
    let storage: any BlockStorage
    let image: TemporaryImage?
  }

  enum Kind: CaseIterable {
    case direct, buffered, memory

    func make(isReadOnly: Bool = false) throws -> Medium {
      switch self {
      case .memory:
        return Medium(storage: try MemoryStorage(byteCount: byteCount, isReadOnly: isReadOnly), image: nil)
      case .direct, .buffered:
        let image = try TemporaryImage(byteCount: Int(byteCount))
        let file = try FileStorage(path: image.path, isReadOnly: isReadOnly, isBuffered: self == .buffered)
        return Medium(storage: file, image: image)
      }
    }
  }

  @Test(arguments: Kind.allCases, [0, 1, 4, 511])
  func writtenBytesAreReadBackFromAnyBuffer(kind: Kind, misalignment: Int) throws {
    let medium = try kind.make()
    let source = Buffer(count: 200 << 10, offset: misalignment)
    source.fillWithPattern(seed: misalignment)
    try medium.storage.write(source.readable, at: 4096)
    let target = Buffer(count: 200 << 10, offset: 511 - misalignment)
    try medium.storage.read(at: 4096, into: target.bytes)
    #expect(target.array == source.array)
  }

  @Test(arguments: Kind.allCases)
  func discardedRangeReadsAsZero(kind: Kind) throws {
    let medium = try kind.make()
    let source = Buffer(count: 16 << 10, fill: 0xAB)
    try medium.storage.write(source.readable, at: 0)
    try medium.storage.discard(at: 4096, count: 4096)
    try medium.storage.flush()
    let target = Buffer(count: 16 << 10)
    try medium.storage.read(at: 0, into: target.bytes)
    let expected = [UInt8](repeating: 0xAB, count: 4096) + [UInt8](repeating: 0, count: 4096)
    #expect(target.array == expected + [UInt8](repeating: 0xAB, count: 8192))
  }

  @Test(arguments: Kind.allCases, [byteCount, byteCount - 512, UInt64.max - 511, UInt64.max / 2])
  func rangeBeyondTheEndIsRefused(kind: Kind, offset: UInt64) throws {
    let medium = try kind.make()
    let buffer = Buffer(count: 1024)
    #expect(throws: StorageError.outOfRange(offset: offset, count: 1024)) {
      try medium.storage.read(at: offset, into: buffer.bytes)
    }
    #expect(throws: StorageError.outOfRange(offset: offset, count: 1024)) {
      try medium.storage.write(buffer.readable, at: offset)
    }
    #expect(throws: StorageError.outOfRange(offset: offset, count: 1024)) {
      try medium.storage.discard(at: offset, count: 1024)
    }
  }

  @Test(arguments: Kind.allCases)
  func readOnlyMediumRefusesChanges(kind: Kind) throws {
    let medium = try kind.make(isReadOnly: true)
    let buffer = Buffer(count: 512)
    #expect(throws: StorageError.readOnly) { try medium.storage.write(buffer.readable, at: 0) }
    #expect(throws: StorageError.readOnly) { try medium.storage.discard(at: 0, count: 512) }
    try medium.storage.read(at: 0, into: buffer.bytes)
  }

  @Test func shrunkenFileGivesAnErrorInsteadOfOldBytes() throws {
    let image = try TemporaryImage(byteCount: 8192)
    let storage = try FileStorage(path: image.path)
    try #require(truncate(image.path, 4096) == 0)
    let buffer = Buffer(count: 4096)
    #expect(throws: StorageError.system(operation: "pread", errno: EIO)) {
      try storage.read(at: 4096, into: buffer.bytes)
    }
  }

  @Test func nullStorageLeavesBuffersAsTheyAre() throws {
    let storage = try NullStorage(byteCount: 4096)
    let buffer = Buffer(count: 4096, fill: 0xFF)
    try storage.write(buffer.readable, at: 0)
    try storage.read(at: 0, into: buffer.bytes)
    #expect(buffer.array == [UInt8](repeating: 0xFF, count: 4096))
  }

  @Test func nullStorageChecksItsBounds() throws {
    let storage = try NullStorage(byteCount: 4096)
    #expect(throws: StorageError.outOfRange(offset: 4096, count: 512)) { try storage.discard(at: 4096, count: 512) }
  }

  @Test(arguments: [0, 100, 513])
  func mediaWithoutFileWantWholeSectors(byteCount: UInt64) {
    #expect(throws: StorageOpenError.self) { _ = try MemoryStorage(byteCount: byteCount) }
    #expect(throws: StorageOpenError.self) { _ = try NullStorage(byteCount: byteCount) }
  }
}
