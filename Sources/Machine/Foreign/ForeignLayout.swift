import GuestMemory

/// Where a foreign guest finds what its boot protocol hands over, and where its RAM is. Everything lies below 1 MiB, which
/// kernels leave to whoever starts them.
enum ForeignLayout {
  /// Segment descriptors (`FlatDescriptors`).
  static let descriptors = GuestAddress(0x500)
  /// PVH's start_info or multiboot's information, each with its lists, or Linux's boot_params.
  static let information = GuestAddress(0x7000)
  /// Identity-mapping page tables for the 64-bit entry: PML4, PDPT and four page directories.
  static let pageTables = GuestAddress(0x9000)
  static let commandLine = GuestAddress(0x10000)
  /// Bytes of the command line, with its final zero.
  static let commandLineByteCount = 4096
  /// The end of what is handed over.
  static let handedOver: UInt64 = 0x12000
  /// Where RAM below 1 MiB ends, for what a PC has there.
  static let lowMemoryEnd: UInt64 = 0x9FC00
  /// Where firmware leaves ACPI's root pointer, and our tables behind it.
  static let firmware: UInt64 = 0xE0000
  static let highMemory: UInt64 = 0x10_0000

  /// A range of the memory map that every protocol hands over in a form of its own.
  struct MapEntry: Equatable {
    let start: UInt64
    let byteCount: UInt64
    let isRAM: Bool
    /// The type in E820, multiboot's and PVH's maps: 1 is RAM, 2 is reserved.
    var type: UInt32 { isRAM ? 1 : 2 }
  }

  static func memoryMap(_ memory: GuestMemory) -> [MapEntry] {
    [
      MapEntry(start: 0, byteCount: lowMemoryEnd, isRAM: true),
      MapEntry(start: lowMemoryEnd, byteCount: 0xA0000 - lowMemoryEnd, isRAM: false),
      MapEntry(start: firmware, byteCount: highMemory - firmware, isRAM: false),
      MapEntry(start: highMemory, byteCount: UInt64(memory.byteCount) - highMemory, isRAM: true),
    ]
  }

  /// Whether a part of a kernel may be at `start`.
  ///
  /// - Returns: the part's end.
  static func check(
    start: UInt64, byteCount: UInt64, in memory: GuestMemory
  ) throws(ForeignImageError) -> UInt64 {
    let (end, overflow) = start.addingReportingOverflow(byteCount)
    let size = UInt64(memory.byteCount)
    guard !overflow, end <= size else { throw .tooLarge(end: overflow ? .max : end, memory: size) }
    guard byteCount > 0 else { return end }
    let isLow = start >= handedOver && end <= lowMemoryEnd
    guard isLow || start >= highMemory else { throw .overlapsReserved(GuestAddress(start), end: GuestAddress(end)) }
    return end
  }

  /// Where a ramdisk of `byteCount` bytes goes: as high as it can below `limit`, on a page of its own, above `kernelEnd`.
  static func ramdisk(
    byteCount: UInt64, above kernelEnd: UInt64, below limit: UInt64, in memory: GuestMemory
  ) throws(ForeignImageError) -> GuestAddress {
    let page = UInt64(GuestMemory.pageByteCount)
    let top = min(limit, UInt64(memory.byteCount)) & ~(page - 1)
    let bottom = (max(kernelEnd, highMemory) &+ page - 1) & ~(page - 1)
    let room = top > bottom ? top - bottom : 0
    guard top >= bottom, byteCount <= room else { throw .initrdDoesNotFit(byteCount: byteCount, room: room) }
    return GuestAddress((top - byteCount) & ~(page - 1))
  }

  /// Maps the first 4 GiB one to one with pages of 2 MiB.
  static func writePageTables(into memory: GuestMemory) throws(GuestMemoryError) {
    let root = pageTables
    let flags: UInt64 = 0x03  // present, writable
    try memory.write(root.value + 0x1000 | flags, at: root)
    for index in 0..<UInt64(4) {
      try memory.write(root.value + 0x2000 + 0x1000 * index | flags, at: root + (0x1000 + 8 * index))
    }
    for index in 0..<UInt64(4 * 512) { try memory.write(index << 21 | 0x83, at: root + (0x2000 + 8 * index)) }
  }
}
