import GuestMemory

/// A multiboot 1 kernel (Multiboot Specification 0.6.96): a header among its first bytes, which says where everything goes or
/// leaves it to a 32-bit ELF.
struct MultibootImage {
  /// What EAX holds at the entry.
  static let loaderMagic: UInt32 = 0x2BAD_B002

  private static let magic: UInt32 = 0x1BAD_B002
  /// The header lies within so many bytes, at a multiple of four.
  private static let searched: UInt64 = 8192
  private enum Flag {
    /// Modules on page boundaries, and a memory map: given to everybody.
    static let granted: UInt32 = 0b11
    static let mandatory: UInt32 = 0xFFFF
    static let hasAddresses: UInt32 = 1 << 16
  }

  /// The header's address fields, and where it is in the file.
  private struct Addresses {
    let headerOffset: UInt64
    let header: UInt64
    let load: UInt64
    let loadEnd: UInt64
    let bssEnd: UInt64
    let entry: UInt64
  }

  private let addresses: Addresses?

  /// Finds the header of `image`; nil where there is none.
  init?(_ image: any ImageSource) throws(ForeignImageError) {
    let start = try image.bytes(at: 0, count: Int(min(image.byteCount, Self.searched)), "header")
    func field(_ place: Int) -> UInt32? {
      guard place + 4 <= start.count else { return nil }
      return (0..<4).reduce(0) { $0 | UInt32(start[place + $1]) << UInt32(8 * $1) }
    }
    let place = stride(from: 0, to: start.count, by: 4).first { place in
      guard field(place) == Self.magic, let flags = field(place + 4), let checksum = field(place + 8) else {
        return false
      }
      return Self.magic &+ flags &+ checksum == 0
    }
    guard let place, let flags = field(place + 4) else { return nil }
    guard flags & Flag.mandatory & ~Flag.granted == 0 else {
      throw .unsupported("asks for multiboot features that are not here (flags 0x\(String(flags, radix: 16)))")
    }
    guard flags & Flag.hasAddresses != 0 else {
      addresses = nil
      return
    }
    guard let header = field(place + 12), let load = field(place + 16), let loadEnd = field(place + 20),
      let bssEnd = field(place + 24), let entry = field(place + 28)
    else { throw .truncated(what: "multiboot header") }
    addresses = Addresses(
      headerOffset: UInt64(place), header: UInt64(header), load: UInt64(load), loadEnd: UInt64(loadEnd),
      bssEnd: UInt64(bssEnd), entry: UInt64(entry))
  }

  /// Loads `image`, whose header this is.
  ///
  /// - Returns: the entry, and the end of what was loaded.
  func load(_ image: any ImageSource, into memory: GuestMemory) throws(ForeignImageError) -> (
    entry: UInt64, end: UInt64
  ) {
    if let addresses { return (addresses.entry, try Self.load(addresses, image, into: memory)) }
    guard let executable = try ELFImage(image) else {
      throw .unsupported("has a multiboot header without addresses, and is not an ELF")
    }
    guard !executable.is64Bit else {
      throw .unsupported("is a 64-bit ELF, and multiboot starts 32-bit ones (objcopy -O elf32-i386 makes one of it)")
    }
    return (executable.physicalEntry, try executable.load(image, into: memory))
  }

  private static func load(
    _ addresses: Addresses, _ image: any ImageSource, into memory: GuestMemory
  ) throws(ForeignImageError) -> UInt64 {
    guard addresses.load <= addresses.header, addresses.header - addresses.load <= addresses.headerOffset else {
      throw .unsupported("has a multiboot header whose addresses contradict its place in the file")
    }
    let offset = addresses.headerOffset - (addresses.header - addresses.load)
    let loadEnd = addresses.loadEnd == 0 ? addresses.load + (image.byteCount - offset) : addresses.loadEnd
    let end = max(addresses.bssEnd, loadEnd)
    guard loadEnd >= addresses.load, addresses.bssEnd == 0 || addresses.bssEnd >= loadEnd else {
      throw .unsupported("has a multiboot header whose segments end before they begin")
    }
    _ = try ForeignLayout.check(start: addresses.load, byteCount: end - addresses.load, in: memory)
    try image.load(
      at: offset, count: loadEnd - addresses.load, to: GuestAddress(addresses.load), of: memory, "segments")
    return end
  }
}
