import GuestMemory

/// A bzImage (Linux, Documentation/arch/x86/boot.rst): 16-bit code that is not run here, whose header describes the rest. The rest
/// is entered in 64-bit mode, 0x200 bytes from its start.
struct LinuxImage {
  /// The setup header, as it goes into boot_params: from 0x1F1 to its end.
  let header: [UInt8]
  /// Where `header` is, in the file and in boot_params.
  static let headerOffset: UInt64 = 0x1F1
  /// The highest address of a ramdisk, exclusive.
  let ramdiskLimit: UInt64
  /// The longest command line in bytes, without its final zero.
  let commandLineLimit: Int

  private let offset: UInt64
  private let byteCount: UInt64
  private let loadAddress: UInt64
  /// Memory that the kernel needs from `loadAddress` on until it reads the memory map.
  private let workspace: UInt64

  private static let longMode: UInt16 = 1 << 0
  private static let entryOffset: UInt64 = 0x200
  /// Protocol 2.12, Linux 3.8: the first with a 64-bit entry.
  private static let oldestProtocol: UInt16 = 0x020C

  /// Reads the header of `image`; nil where it is no bzImage.
  init?(_ image: any ImageSource) throws(ForeignImageError) {
    let what = "setup header"
    guard image.byteCount > 0x206, try image.number(UInt32.self, at: 0x202, what) == 0x5372_6448 else { return nil }
    let version = try image.number(UInt16.self, at: 0x206, what)
    guard version >= Self.oldestProtocol else {
      throw .unsupported(
        "is a Linux kernel of boot protocol \(version >> 8).\(version & 0xFF), older than 2.12: it has no 64-bit entry")
    }
    guard try image.number(UInt16.self, at: 0x236, what) & Self.longMode != 0 else {
      throw .unsupported("is a Linux kernel without a 64-bit entry")
    }
    let end = 0x202 + UInt64(try image.number(UInt8.self, at: 0x201, what))
    guard end >= 0x264 else { throw .truncated(what: what) }
    header = try image.bytes(at: Self.headerOffset, count: Int(end - Self.headerOffset), what)
    let sectors = try image.number(UInt8.self, at: 0x1F1, what)
    offset = (UInt64(sectors == 0 ? 4 : sectors) + 1) * 512
    byteCount = UInt64(try image.number(UInt32.self, at: 0x1F4, what)) * 16
    ramdiskLimit = UInt64(try image.number(UInt32.self, at: 0x22C, what)) + 1
    commandLineLimit = Int(try image.number(UInt32.self, at: 0x238, what))
    loadAddress = try image.number(UInt64.self, at: 0x258, what)
    workspace = max(UInt64(try image.number(UInt32.self, at: 0x260, what)), byteCount)
  }

  /// Loads the protected-mode part at the address that it prefers.
  ///
  /// - Returns: the 64-bit entry, and the end of what the kernel takes before it reads the memory map.
  func load(_ image: any ImageSource, into memory: GuestMemory) throws(ForeignImageError) -> (
    entry: UInt64, end: UInt64
  ) {
    guard byteCount > Self.entryOffset else { throw .truncated(what: "kernel") }
    let end = try ForeignLayout.check(start: loadAddress, byteCount: workspace, in: memory)
    try image.load(at: offset, count: byteCount, to: GuestAddress(loadAddress), of: memory, "kernel")
    return (loadAddress + Self.entryOffset, end)
  }
}
