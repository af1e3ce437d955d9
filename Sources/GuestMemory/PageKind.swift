import Glibc

/// What guest RAM is made of on the host.
public enum PageKind: String, Sendable, CaseIterable {
  /// Pages of 4 KiB, each mapped when it is first touched.
  case small = "4k"
  /// Transparent huge pages of 2 MiB where the host has them (madvise(2), MADV_HUGEPAGE).
  case transparent = "thp"
  /// Pages of 2 MiB of a reserved pool (mmap(2), MAP_HUGETLB).
  case huge2M = "2m"
  /// Pages of 1 GiB of a reserved pool.
  case huge1G = "1g"

  /// What RAM is a multiple of and begins at a multiple of, in bytes: KVM can then map whole pages.
  var alignment: Int {
    switch self {
    case .small: 4096
    case .transparent, .huge2M: 2 << 20
    case .huge1G: 1 << 30
    }
  }

  /// True for pages of a reserved pool.
  var isReserved: Bool { self == .huge2M || self == .huge1G }

  /// Flags of mmap(2) in addition to those of private anonymous memory. A pool's pages are reserved at once, or one that is
  /// missing would be noticed only when it is touched.
  var mappingFlags: Int32 {
    isReserved ? 0x40000 | Int32(alignment.trailingZeroBitCount) << 26 : MAP_NORESERVE  // MAP_HUGETLB, MAP_HUGE_SHIFT
  }

  /// Tells the kernel what `count` bytes at `start` are to be made of.
  func advise(_ start: UnsafeMutableRawPointer, _ count: Int) {
    // Left out of core dumps, which also keeps the kernel from merging it with a neighbouring mapping: /proc/self/smaps
    // then tells guest RAM from the runner's own memory.
    madvise(start, count, MADV_DONTDUMP)
    if !isReserved { madvise(start, count, self == .transparent ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) }
  }
}
