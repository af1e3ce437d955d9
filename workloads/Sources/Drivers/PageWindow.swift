import GuestKernel

/// Two MiB of addresses at 1 GiB, which the guest's own tables leave empty, with a page table for pages of 4 KiB that can be
/// changed at will (Intel SDM 3, 4.5). The tables are mapped for ring 3 like all of memory; what a processor has cached of them
/// is forgotten by INVLPG, which ring 0 does. There is one in a machine.
public struct PageWindow {
  /// Its first address.
  public static let base: UInt = 1 << 30
  private let directory = DMAMemory(count: 4096)
  private let table = DMAMemory(count: 4096)
  private static let pageSize: UInt = 4096
  private static let addressMask: UInt64 = 0x000F_FFFF_FFFF_F000

  private enum Flag {
    static let present: UInt64 = 1
    static let writable: UInt64 = 2
    static let user: UInt64 = 4
  }

  /// Hooks empty tables into the guest's own.
  public init() {
    let flags = Flag.present | Flag.writable | Flag.user
    pv_store64(directory.address, UInt64(table.address) | flags)
    let root = UInt(pv_control3() & Self.addressMask)
    let pointers = UInt(pv_load64(root) & Self.addressMask)
    pv_store64(pointers + 8 * (Self.base >> 30), UInt64(directory.address) | flags)
  }

  /// The address of page `index` (0 to 511).
  public func address(of index: Int) -> UInt { Self.base + Self.pageSize * UInt(index) }

  /// Where the table has page `index`.
  @inline(__always) public func entry(of index: Int) -> UInt { table.address + 8 * UInt(index) }

  /// What the table has of a page that is the writable page at `frame`.
  @inline(__always) public func present(_ frame: UInt) -> UInt64 {
    UInt64(frame) | Flag.present | Flag.user | Flag.writable
  }

  /// Page `index` is the page at `frame` from now on, for processors that have not cached what it was before.
  @inline(__always) public func map(_ index: Int, to frame: UInt, isWritable: Bool = true) {
    pv_store64(entry(of: index), isWritable ? present(frame) : present(frame) & ~Flag.writable)
  }

  /// Page `index` is nothing any more.
  @inline(__always) public func unmap(_ index: Int) { pv_store64(entry(of: index), 0) }

  /// This processor forgets what it has cached of page `index`.
  @inline(__always) public func forget(_ index: Int) { pv_invlpg(address(of: index)) }
}
