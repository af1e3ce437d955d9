import CLinuxKVM
import Glibc

/// On which NUMA nodes the touched pages of guest RAM are.
public struct PageResidence: Equatable, Sendable {
  /// Pages by node.
  public private(set) var pages: [Int: Int] = [:]

  /// Touched pages.
  public var total: Int { pages.values.reduce(0, +) }

  /// No page.
  public init() {}

  /// Touched pages that are on none of these nodes.
  public func misplaced(outside nodes: [Int]) -> Int {
    pages.reduce(0) { nodes.contains($1.key) ? $0 : $0 + $1.value }
  }

  mutating func count(onNode node: Int) { pages[node, default: 0] += 1 }
}

extension GuestMemory {
  /// Binds all of RAM to one NUMA node, or interleaves its pages over several (mbind(2)). To be called before RAM is touched.
  public func bind(to nodes: [Int]) throws(GuestMemoryError) {
    let numbers = nodes.map { UInt32(clamping: $0) }
    let code = pv_bind_memory(slot.start, UInt(slot.count), numbers, UInt(numbers.count))
    guard code == 0 else { throw .cannotBind(nodes: nodes, errno: -code) }
  }

  /// Asks the kernel for the node of every page (move_pages(2)); nil where it does not say. 16,384 pages take some
  /// milliseconds.
  public func residence() -> PageResidence? {
    let batch = 4096
    var residence = PageResidence()
    var nodes = [Int32](repeating: 0, count: batch)
    for first in stride(from: 0, to: byteCount / Self.pageByteCount, by: batch) {
      let count = min(batch, byteCount / Self.pageByteCount - first)
      var pages: [UnsafeMutableRawPointer?] = (first..<first + count).map { slot.start + $0 * Self.pageByteCount }
      // SAFETY: both arrays hold `count` entries, and the kernel only looks the pages up.
      guard pv_page_nodes(&pages, &nodes, UInt(count)) == 0 else { return nil }
      for node in nodes.prefix(count) where node >= 0 { residence.count(onNode: Int(node)) }
    }
    return residence
  }
}
