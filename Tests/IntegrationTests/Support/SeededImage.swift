import Glibc
import MachineLauncher
import PVWire
import Testing

/// A disk image that holds what `SectorPattern` writes for generation 0, in a folder of its own.
final class SeededImage {
  static let sectors: UInt64 = 8192  // 4 MiB
  static let seed: UInt64 = 5
  let path: String
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    var words = [UInt64](repeating: 0, count: 64 * Int(Self.sectors))
    words.withUnsafeMutableBufferPointer { words in
      guard let start = words.baseAddress else { return }
      for sector in 0..<Self.sectors {
        SectorPattern.fill(start + 64 * Int(sector), seed: Self.seed, sector: sector, generation: 0)
      }
    }
    path = try folder.file("disk.img", words.withUnsafeBytes { [UInt8]($0) })
  }

  /// Flips one bit of `sector`.
  func corrupt(sector: UInt64) throws {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw TemporaryFolder.CreationError(errno: errno) }
    defer { close(descriptor) }
    var byte: UInt8 = 0
    let offset = off_t(sector * 512 + 300)
    guard pread(descriptor, &byte, 1, offset) == 1 else { throw TemporaryFolder.CreationError(errno: errno) }
    byte ^= 4
    guard pwrite(descriptor, &byte, 1, offset) == 1 else { throw TemporaryFolder.CreationError(errno: errno) }
  }

  /// The generation that every sector holds; nil where it holds nothing that was ever written there.
  var generations: [UInt64?] {
    TemporaryFolder.contents(of: path).withUnsafeBytes { bytes in
      let words = bytes.bindMemory(to: UInt64.self)
      guard let start = words.baseAddress else { return [] }
      return (0..<(words.count / 64)).map {
        SectorPattern.generation(of: start + 64 * $0, seed: Self.seed, sector: UInt64($0))
      }
    }
  }

  /// The generation that every sector must hold after a guest did its writes.
  static func replay(_ job: DiskJob, slots: [UInt64]) -> [UInt64?] {
    let blocks = sectors * 512 / job.block
    let pattern = AccessPattern(
      isRandom: job.access == "random", seed: DiskJob.seed, depth: job.depth, blocks: blocks,
      readPercent: job.operation == "mixed" ? 70 : 0)
    var generations = [UInt64?](repeating: 0, count: Int(sectors))
    let perBlock = Int(job.block / 512)
    for (slot, count) in slots.enumerated() {
      for index in 0..<count where pattern.isWrite(slot: UInt64(slot), index: index) {
        let first = Int(pattern.block(slot: UInt64(slot), index: index)) * perBlock
        for sector in first..<(first + perBlock) {
          generations[sector] = pattern.generation(slot: UInt64(slot), index: index)
        }
      }
    }
    return generations
  }
}

/// A row of a disk suite, run for a short time.
struct DiskJob: Sendable, CustomTestStringConvertible {
  static let seed: UInt64 = 42
  var disk = "virtio-blk"
  var transport = "pci"
  var operation = "read"
  var access = "random"
  var block: UInt64 = 4096
  var depth: UInt64 = 1
  var completion = "interrupt"

  var testDescription: String { "\(disk) \(transport) \(operation) \(access) \(block) depth \(depth) \(completion)" }

  /// The guest that does it on `image`.
  func specification(on image: SeededImage) -> MachineSpecification {
    var specification = MachineSpecification()
    specification.kernel = "disk"
    specification.choices = ["disk": disk, "transport": transport, "completion": completion]
    specification.disk = .file(path: image.path, isBuffered: false)
    specification.parameters = [
      ("operation", operation), ("readpercent", "70"), ("access", access), ("block", "\(block)"), ("depth", "\(depth)"),
      ("completion", completion), ("sectors", "\(SeededImage.sectors)"), ("imageseed", "\(SeededImage.seed)"),
    ]
    specification.seed = Self.seed
    specification.warmupNanoseconds = 10_000_000
    specification.windowNanoseconds = 60_000_000
    return specification
  }
}
