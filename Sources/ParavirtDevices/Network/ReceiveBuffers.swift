import Backends
import GuestMemory

/// Chains that a driver gave for frames to come, taken from its receive queue but not filled yet. How long the next frame is
/// is only known once it is there, so that there must be room for the longest.
struct ReceiveBuffers {
  /// Parts that a port is given at most: one system call takes 1,024.
  private static let mostParts = 1000

  private struct Chain {
    let head: UInt16
    let parts: Int
    let byteCount: Int
  }
  private var chains: [Chain] = []
  private var parts: [HostRange] = []
  /// Bytes of all chains, headers included.
  private(set) var byteCount = 0
  /// Where the next frame goes, without its header; laid out by `layOut`.
  private(set) var frame: [HostRange] = []

  /// Room for `capacity` chains of a part each before anything allocates.
  init(capacity: Int) {
    chains.reserveCapacity(capacity)
    parts.reserveCapacity(capacity)
    frame.reserveCapacity(Self.mostParts)
  }

  var isEmpty: Bool { chains.isEmpty }

  /// Forgets all chains: the queue is another one now.
  mutating func removeAll() {
    chains.removeAll(keepingCapacity: true)
    parts.removeAll(keepingCapacity: true)
    byteCount = 0
  }

  /// Takes up a chain.
  mutating func append(_ chain: DescriptorChain) throws(VirtqueueError) {
    guard chain.readable.isEmpty else { throw .wrongDirection }
    let count = chain.writableBytes
    guard count >= UInt64(VirtioNetHeader.byteCount) else { throw .headerMissing }
    for index in chain.writable { parts.append(chain.ranges[index]) }
    // A chain has at most 2^15 buffers of less than 4 GiB each.
    chains.append(Chain(head: chain.head, parts: chain.writable.count, byteCount: Int(count)))
    byteCount += Int(count)
  }

  /// Lays out `frame`: everything behind the header, of one chain or of all that are there.
  mutating func layOut(mergeable: Bool) {
    frame.removeAll(keepingCapacity: true)
    var skip = VirtioNetHeader.byteCount
    for part in parts.prefix(min(mergeable ? parts.count : chains.first?.parts ?? 0, Self.mostParts)) {
      let skipped = min(skip, part.count)
      skip -= skipped
      guard part.count > skipped else { continue }
      // SAFETY: inside the part, which was checked to be inside guest RAM.
      frame.append(HostRange(start: part.start + skipped, count: part.count - skipped))
    }
  }

  /// Gives the chains that a frame of `length` bytes took to the driver, all at once, with the header before it.
  mutating func giveBack(length: Int, offload: FrameOffload, to queue: Virtqueue) throws(VirtqueueError) {
    var header = VirtioNetHeader(offload: offload)
    let total = VirtioNetHeader.byteCount + length
    var rest = total
    while rest > 0 {
      rest -= min(rest, chains[Int(header.bufferCount)].byteCount)
      header.bufferCount += 1
    }
    write(header)
    rest = total
    var partCount = 0
    for chain in chains.prefix(Int(header.bufferCount)) {
      let written = min(rest, chain.byteCount)
      try queue.stage(head: chain.head, written: UInt32(written))
      rest -= written
      partCount += chain.parts
      byteCount -= chain.byteCount
    }
    try queue.publish()
    chains.removeFirst(Int(header.bufferCount))
    parts.removeFirst(partCount)
  }

  private func write(_ header: VirtioNetHeader) {
    withUnsafeBytes(of: header) { bytes in
      var position = 0
      for part in parts where position < bytes.count {
        let count = min(bytes.count - position, part.count)
        // SAFETY: the part was checked to be inside guest RAM; the header has `count` bytes left.
        part.start.copyMemory(from: bytes.baseAddress.unsafelyUnwrapped + position, byteCount: count)
        position += count
      }
    }
  }
}
