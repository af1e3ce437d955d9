/// What a drive says about itself in IDENTIFY DEVICE, beside its capacity.
public struct DriveIdentity: Sendable {
  /// Up to 20 characters.
  public let serial: String
  /// Up to 8 characters.
  public let firmware: String
  /// Up to 40 characters.
  public let model: String

  /// Longer strings are cut off; characters that aren't printable ASCII become spaces.
  public init(serial: String, firmware: String = "1.0", model: String = "pvbench IDE disk") {
    self.serial = serial
    self.firmware = firmware
    self.model = model
  }
}

/// The 256 words that IDENTIFY DEVICE returns (ATA-6, 8.15). Words that never change are set once; the others
/// when the guest asks.
struct IdentifyData {
  /// The settings that a guest can change and read back.
  struct Settings {
    var geometry: CHSGeometry
    /// Sectors in a DRQ block of READ and WRITE MULTIPLE; 0 where they are disabled.
    var multiple: Int
    var writeCache: Bool
    /// As SET FEATURES names it: 0x20 + n is multiword DMA mode n, 0x40 + n Ultra DMA mode n. Nil without DMA.
    var dmaMode: UInt8?
  }

  private var words = InlineArray<256, UInt16>(repeating: 0)

  /// DMA is announced where `supportsDMA`: multiword modes 0 to 2 and Ultra DMA modes 0 to 2.
  init(identity: DriveIdentity, capacity: UInt64, defaultGeometry: CHSGeometry, supportsDMA: Bool) {
    words[0] = 0x0040  // an ATA device that is not removable
    words[1] = UInt16(clamping: defaultGeometry.cylinders)
    words[3] = UInt16(clamping: defaultGeometry.heads)
    words[6] = UInt16(clamping: defaultGeometry.sectorsPerTrack)
    store(identity.serial, in: 10..<20)
    store(identity.firmware, in: 23..<27)
    store(identity.model, in: 27..<47)
    words[47] = 0x8000 | UInt16(ATALimits.maximumMultiple)
    words[49] = supportsDMA ? 0x0B00 : 0x0A00  // LBA and IORDY, DMA
    words[50] = 0x4000
    words[51] = 0x0200  // PIO mode 2 timing, for hosts that know no better
    words[53] = supportsDMA ? 0x0007 : 0x0003  // words 54–58 and 64–70 are valid, and 88 with DMA
    let lba28 = UInt32(min(capacity, ATALimits.lba28Sectors))
    words[60] = UInt16(truncatingIfNeeded: lba28)
    words[61] = UInt16(lba28 >> 16)
    words[64] = 0x0003  // PIO modes 3 and 4
    words[63] = supportsDMA ? 0x0007 : 0
    words[65] = supportsDMA ? 120 : 0  // multiword DMA cycles, shortest and recommended, in nanoseconds
    words[66] = supportsDMA ? 120 : 0
    words[67] = 120  // shortest PIO cycle without and with IORDY, in nanoseconds
    words[68] = 120
    words[80] = 0x0070  // ATA/ATAPI-4 to ATA/ATAPI-6
    words[82] = 0x4028  // NOP, write cache, power management
    words[83] = 0x7400  // FLUSH CACHE EXT, FLUSH CACHE, 48-bit addresses
    words[84] = 0x4000
    words[86] = 0x3400
    words[87] = 0x4000
    words[88] = supportsDMA ? 0x0007 : 0
    words[93] = 0x400B  // device 0, chosen by jumper, passed its diagnostics
    for index in 0..<4 { words[100 + index] = UInt16(truncatingIfNeeded: capacity >> UInt64(16 * index)) }
  }

  /// All 256 words under `settings`, with the checksum that makes the 512 bytes add up to zero.
  func words(settings: Settings) -> InlineArray<256, UInt16> {
    var words = words
    words[54] = UInt16(clamping: settings.geometry.cylinders)
    words[55] = UInt16(clamping: settings.geometry.heads)
    words[56] = UInt16(clamping: settings.geometry.sectorsPerTrack)
    words[57] = UInt16(truncatingIfNeeded: settings.geometry.capacity)
    words[58] = UInt16(truncatingIfNeeded: settings.geometry.capacity >> 16)
    words[59] = settings.multiple > 0 ? 0x0100 | UInt16(settings.multiple) : 0
    // The mode that is set, in the high byte.
    if let mode = settings.dmaMode { words[mode < 0x40 ? 63 : 88] |= 1 << (8 + UInt16(mode & 7)) }
    words[85] = settings.writeCache ? 0x4028 : 0x4008
    var sum: UInt8 = 0xA5
    for index in 0..<255 {
      sum = sum &+ UInt8(truncatingIfNeeded: words[index]) &+ UInt8(truncatingIfNeeded: words[index] >> 8)
    }
    words[255] = UInt16(0 &- sum) << 8 | 0xA5
    return words
  }

  /// ATA strings hold two characters a word, the first in the high byte, padded with spaces.
  private mutating func store(_ text: String, in range: Range<Int>) {
    var characters = text.utf8.map { (0x20...0x7E).contains($0) ? $0 : 0x20 }[...]
    for index in range {
      let first = characters.popFirst() ?? 0x20
      let second = characters.popFirst() ?? 0x20
      words[index] = UInt16(first) << 8 | UInt16(second)
    }
  }
}
