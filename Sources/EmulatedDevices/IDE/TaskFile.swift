/// Heads and sectors per track that turn a cylinder/head/sector address into a sector number (ATA-5), and how many
/// cylinders that makes.
struct CHSGeometry: Equatable {
  let cylinders: Int
  let heads: Int
  let sectorsPerTrack: Int

  /// The translation of a drive of `sectors` sectors; at most `maximumCylinders`, because a word counts them.
  init(sectors: UInt64, heads: Int, sectorsPerTrack: Int, maximumCylinders: Int = 65535) {
    self.heads = heads
    self.sectorsPerTrack = sectorsPerTrack
    cylinders = Int(min(sectors / UInt64(heads * sectorsPerTrack), UInt64(maximumCylinders)))
  }

  /// Sectors that this translation reaches.
  var capacity: UInt64 { UInt64(cylinders * heads * sectorsPerTrack) }
}

/// How a command names sectors, and therefore how many of them it can reach.
enum ATAAddressing {
  case chs(CHSGeometry)
  case lba28
  case lba48

  /// Sectors of a drive with `capacity` sectors that this addressing reaches.
  func limit(capacity: UInt64) -> UInt64 {
    switch self {
    case .chs(let geometry): min(capacity, geometry.capacity)
    case .lba28: min(capacity, ATALimits.lba28Sectors)
    case .lba48: capacity
    }
  }
}

/// Sizes that the standard fixes.
enum ATALimits {
  static let sectorSize = 512
  /// IDENTIFY words 60–61 never exceed this, and LBA28 commands never reach beyond it.
  static let lba28Sectors: UInt64 = 0x0FFF_FFFF
  static let lba48Sectors: UInt64 = 0xFFFF_FFFF_FFFF
  /// The largest DRQ block of READ and WRITE MULTIPLE here, in sectors.
  static let maximumMultiple = 16
  /// What a drive with DMA reads or writes at once, in sectors: a whole 28-bit command.
  static let sectorsPerDMABlock = 256
}

/// Sectors that a command still has to transfer, one DRQ block after the other.
struct SectorRun {
  /// First sector of the next block.
  private(set) var next: UInt64
  /// Sectors from `next` to the end of the command.
  private(set) var remaining: Int
  /// Sectors in a whole DRQ block.
  let sectorsPerBlock: Int
  /// First sector that the command cannot reach.
  let limit: UInt64
  let addressing: ATAAddressing

  init(first: UInt64, count: Int, sectorsPerBlock: Int, limit: UInt64, addressing: ATAAddressing) {
    next = first
    remaining = count
    self.sectorsPerBlock = sectorsPerBlock
    self.limit = limit
    self.addressing = addressing
  }

  /// Sectors in the next block; the last one may be partial.
  var block: Int { min(sectorsPerBlock, remaining) }

  /// Byte offset of the next block on the medium.
  var byteOffset: UInt64 { next * UInt64(ATALimits.sectorSize) }

  /// Proves that the whole next block is on the medium; otherwise names its first sector that isn't.
  func requireReachable() throws(ATAFailure) {
    guard next <= limit, UInt64(block) <= limit - next else {
      throw ATAFailure(error: .idNotFound, sector: max(next, limit))
    }
  }

  /// Steps over the next block.
  mutating func advance() {
    let count = block
    next += UInt64(count)
    remaining -= count
  }
}

/// The registers that carry a command's parameters. Each but Device is two deep: a write pushes what was there, and 48-bit
/// commands use both (ATA-6, "48-bit Address feature set").
struct TaskFile {
  /// One register with its history of one.
  struct Register {
    var current: UInt8 = 0
    var previous: UInt8 = 0

    mutating func push(_ value: UInt8) {
      previous = current
      current = value
    }

    func value(previous wantsPrevious: Bool) -> UInt8 { wantsPrevious ? previous : current }
  }

  var features = Register()
  var sectorCount = Register()
  var lbaLow = Register()
  var lbaMid = Register()
  var lbaHigh = Register()
  var device: UInt8 = 0

  /// Bit 6 of Device: the address is an LBA, not a cylinder, head and sector.
  var isLBA: Bool { device & 0x40 != 0 }
  /// Bits 3–0 of Device: LBA bits 27–24, or the head.
  var head: Int { Int(device & 0x0F) }

  /// What resets and diagnostics leave behind for a device without PACKET commands (ATA-6, "Signature and persistence").
  static let signature: TaskFile = {
    var file = TaskFile()
    file.sectorCount.current = 1
    file.lbaLow.current = 1
    return file
  }()

  /// The sectors that a 28-bit or CHS command names.
  func run(capacity: UInt64, geometry: CHSGeometry, sectorsPerBlock: Int) throws(ATAFailure) -> SectorRun {
    let count = sectorCount.current == 0 ? 256 : Int(sectorCount.current)
    let addressing: ATAAddressing = isLBA ? .lba28 : .chs(geometry)
    let first =
      isLBA
      ? UInt64(lbaLow.current) | UInt64(lbaMid.current) << 8 | UInt64(lbaHigh.current) << 16 | UInt64(head) << 24
      : try sector(in: geometry)
    return SectorRun(
      first: first, count: count, sectorsPerBlock: sectorsPerBlock, limit: addressing.limit(capacity: capacity),
      addressing: addressing)
  }

  /// The sectors that a 48-bit command names; it demands the LBA bit.
  func runExt(capacity: UInt64, sectorsPerBlock: Int) throws(ATAFailure) -> SectorRun {
    guard isLBA else { throw .aborted }
    let count = Int(sectorCount.previous) << 8 | Int(sectorCount.current)
    let low = UInt64(lbaLow.current) | UInt64(lbaMid.current) << 8 | UInt64(lbaHigh.current) << 16
    let high = UInt64(lbaLow.previous) | UInt64(lbaMid.previous) << 8 | UInt64(lbaHigh.previous) << 16
    return SectorRun(
      first: high << 24 | low, count: count == 0 ? 65536 : count, sectorsPerBlock: sectorsPerBlock,
      limit: ATAAddressing.lba48.limit(capacity: capacity), addressing: .lba48)
  }

  /// Shows `sector` where the guest looks for the address of an error, in the command's own addressing.
  mutating func show(sector: UInt64, addressing: ATAAddressing) {
    switch addressing {
    case .chs(let geometry):
      let track = sector / UInt64(geometry.sectorsPerTrack)
      let cylinder = track / UInt64(geometry.heads)
      lbaLow.current = UInt8(truncatingIfNeeded: sector % UInt64(geometry.sectorsPerTrack) + 1)
      lbaMid.current = UInt8(truncatingIfNeeded: cylinder)
      lbaHigh.current = UInt8(truncatingIfNeeded: cylinder >> 8)
      device = device & 0xF0 | UInt8(truncatingIfNeeded: track % UInt64(geometry.heads))
    case .lba28:
      showLow(sector)
      device = device & 0xF0 | UInt8(truncatingIfNeeded: sector >> 24) & 0x0F
    case .lba48:
      showLow(sector)
      lbaLow.previous = UInt8(truncatingIfNeeded: sector >> 24)
      lbaMid.previous = UInt8(truncatingIfNeeded: sector >> 32)
      lbaHigh.previous = UInt8(truncatingIfNeeded: sector >> 40)
    }
  }

  private mutating func showLow(_ sector: UInt64) {
    lbaLow.current = UInt8(truncatingIfNeeded: sector)
    lbaMid.current = UInt8(truncatingIfNeeded: sector >> 8)
    lbaHigh.current = UInt8(truncatingIfNeeded: sector >> 16)
  }

  private func sector(in geometry: CHSGeometry) throws(ATAFailure) -> UInt64 {
    let cylinder = Int(lbaHigh.current) << 8 | Int(lbaMid.current)
    let sector = Int(lbaLow.current)
    guard (1...geometry.sectorsPerTrack).contains(sector), head < geometry.heads else {
      throw ATAFailure(error: .idNotFound)
    }
    return UInt64((cylinder * geometry.heads + head) * geometry.sectorsPerTrack + sector - 1)
  }
}
