import Backends
import MachineLauncher
import PVWire

/// What a specification's disk is made of.
enum DiskMedium {
  /// Opens or makes the medium; nil where there is no disk.
  static func open(_ backing: DiskBacking) throws(MachineError) -> (any BlockStorage)? {
    do {
      switch backing {
      case .none: return nil
      case .null(let byteCount): return try NullStorage(byteCount: byteCount)
      case .file(let path, let isBuffered): return try FileStorage(path: path, isBuffered: isBuffered)
      case .memory(let byteCount, let seed):
        let storage = try MemoryStorage(byteCount: byteCount)
        if let seed { try fill(storage, seed: seed) }
        return storage
      }
    } catch { throw .disk("\(error)") }
  }

  /// What a result must say of a medium that cannot be checked like a file; nil where there is nothing to say.
  static func note(on backing: DiskBacking) -> String? {
    switch backing {
    case .none, .file(_, isBuffered: false): nil
    case .file(_, isBuffered: true): "the disk was the host's page cache: reads came from memory, and writes went there"
    case .null: "the null back end holds nothing: neither reads nor writes were verified"
    case .memory:
      "the memory back end ends with its runner: reads were verified, writes only where they were read again"
    }
  }

  /// Gives every sector generation 0, a few at a time.
  private static func fill(_ storage: MemoryStorage, seed: UInt64) throws(StorageError) {
    let wordsPerSector = SectorPattern.sectorSize / 8
    let sectors = storage.byteCount / UInt64(SectorPattern.sectorSize)
    let chunk = UInt64(128)
    var words = [UInt64](repeating: 0, count: Int(chunk) * wordsPerSector)
    for first in stride(from: 0, to: sectors, by: Int(chunk)) {
      let count = Int(min(chunk, sectors - first))
      try words.withUnsafeMutableBufferPointer { (buffer) throws(StorageError) in
        guard let base = buffer.baseAddress else { return }
        for index in 0..<count {
          // SAFETY: `index` is below the number of sectors that `words` has room for.
          SectorPattern.fill(base + index * wordsPerSector, seed: seed, sector: first + UInt64(index), generation: 0)
        }
        // SAFETY: the first `count` sectors of `words`, which outlives the call.
        try storage.write(
          UnsafeRawBufferPointer(start: base, count: count * SectorPattern.sectorSize),
          at: first * UInt64(SectorPattern.sectorSize))
      }
    }
  }
}
