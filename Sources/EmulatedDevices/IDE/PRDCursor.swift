import GuestMemory

/// Why a bus master stops.
enum PRDFault: Error, Equatable {
  /// The table, or a region in it, crosses a multiple of 64 KiB.
  case boundary
  /// Something is not in guest RAM.
  case memory
}

/// A walk along a table of physical region descriptors (Intel 82371SB, 2.7; Bus Master IDE 1.0, 1.2). Each entry is copied once
/// and validated before a byte of its region is moved. A table ends at a multiple of 64 KiB at the latest: without an end mark
/// it has 8,192 entries at most.
struct PRDCursor {
  private var entry: UInt64
  private var isLast = false
  /// Where the region goes on.
  private(set) var address = GuestAddress(0)
  /// What of the region is left, in bytes.
  private(set) var remaining = 0

  private static let entryByteCount: UInt64 = 8
  private static let boundary: UInt64 = 0x1_0000

  /// A walk that begins with the table's first entry.
  init(table: UInt32) { entry = UInt64(table & ~3) }

  /// True where the end mark has been reached and its region moved.
  var isAtEnd: Bool { remaining == 0 && isLast }

  /// Goes on to the next entry where a region is used up; false at the end of the table.
  mutating func advance(in memory: GuestMemory) throws(PRDFault) -> Bool {
    guard remaining == 0 else { return true }
    guard !isLast else { return false }
    guard entry % Self.boundary <= Self.boundary - Self.entryByteCount else { throw .boundary }
    let descriptor: UInt64
    do { descriptor = try memory.read(UInt64.self, at: GuestAddress(entry)) } catch { throw .memory }
    let start = descriptor & 0xFFFF_FFFE
    let count = descriptor >> 32 & 0xFFFE
    let byteCount = count == 0 ? Self.boundary : count
    guard start % Self.boundary + byteCount <= Self.boundary else { throw .boundary }
    guard start + byteCount <= UInt64(memory.byteCount) else { throw .memory }
    isLast = descriptor >> 63 != 0
    // A table that reaches the boundary without an end mark cannot go on: the next look finds it out of bounds.
    let next = entry + Self.entryByteCount
    entry = next % Self.boundary == 0 ? next - 1 : next
    address = GuestAddress(start)
    remaining = Int(byteCount)
    return true
  }

  /// The first `count` bytes of the region have been moved.
  mutating func moved(_ count: Int) {
    address = address + UInt64(count)
    remaining -= count
  }
}
