/// The memory behind the data port, or the drive's side of DMA: one block, aligned to a page so that O_DIRECT takes it. Whatever the guest does,
/// it is never touched outside `[0, byteCount)`: every range is checked.
struct SectorBuffer: ~Copyable {
  private let bytes: UnsafeMutableRawBufferPointer

  init(sectors: Int) {
    // SAFETY: allocated here, freed in deinit and nowhere else; zeroed, so that no host data can reach the guest.
    bytes = .allocate(byteCount: sectors * ATALimits.sectorSize, alignment: 4096)
    bytes.initializeMemory(as: UInt8.self, repeating: 0)
  }

  deinit { bytes.deallocate() }

  /// The first `count` sectors, for the storage's system calls.
  func sectors(_ count: Int) -> UnsafeMutableRawBufferPointer {
    // SAFETY: slicing is bounds-checked, and the storage keeps no pointer beyond its call.
    UnsafeMutableRawBufferPointer(rebasing: bytes[..<(count * ATALimits.sectorSize)])
  }

  /// A range of the bytes, for a copy into or out of guest memory.
  subscript(range: Range<Int>) -> UnsafeMutableRawBufferPointer {
    // SAFETY: slicing is bounds-checked; callers keep no pointer beyond one statement.
    UnsafeMutableRawBufferPointer(rebasing: bytes[range])
  }

  /// Copies as much of `[position, end)` to the front of `target` as fits, and returns how many bytes that was.
  func copy(_ range: Range<Int>, to target: UnsafeMutableRawBufferPointer) -> Int {
    let count = min(range.count, target.count)
    // SAFETY: the slice is bounds-checked and `target` holds at least `count` bytes.
    target.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range.lowerBound..<(range.lowerBound + count)]))
    return count
  }

  /// Fills `[position, end)` from the front of `source` as far as that goes, and returns how many bytes that was.
  func fill(_ range: Range<Int>, from source: UnsafeRawBufferPointer) -> Int {
    let count = min(range.count, source.count)
    // SAFETY: both slices are bounds-checked and hold `count` bytes.
    UnsafeMutableRawBufferPointer(rebasing: bytes[range.lowerBound..<(range.lowerBound + count)])
      .copyMemory(from: UnsafeRawBufferPointer(rebasing: source[..<count]))
    return count
  }

  /// Replaces the first sector with `words`, in the bus's byte order.
  func store(_ words: InlineArray<256, UInt16>) {
    for index in 0..<256 {
      // SAFETY: 256 words are one sector, and the buffer holds several; storing checks bounds and needs no alignment.
      bytes.storeBytes(of: words[index].littleEndian, toByteOffset: 2 * index, as: UInt16.self)
    }
  }
}
