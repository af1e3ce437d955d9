import GuestMemory

/// One request as the driver laid it out: device-readable buffers, then device-writable ones. Every buffer was checked to be
/// inside guest RAM. It is filled again and again, so that popping a queue allocates nothing.
public struct DescriptorChain {
  /// The descriptor that names the chain in both rings.
  public private(set) var head: UInt16 = 0
  /// The buffers' host memory; `readable` and `writable` are ranges of it.
  public private(set) var ranges: [HostRange] = []
  /// The buffers that the device may read.
  public private(set) var readable = 0..<0
  /// The buffers that the device may write.
  public private(set) var writable = 0..<0
  /// Where in the guest they are.
  private(set) var addresses: [GuestAddress] = []

  /// An empty chain with room for `capacity` buffers.
  public init(capacity: Int) {
    ranges.reserveCapacity(capacity)
    addresses.reserveCapacity(capacity)
  }

  /// Bytes that the device may still read.
  public var readableBytes: UInt64 { byteCount(of: readable) }

  /// Bytes that the device may still write.
  public var writableBytes: UInt64 { byteCount(of: writable) }

  private func byteCount(of part: Range<Int>) -> UInt64 {
    part.reduce(0) { $0 + UInt64(ranges[$1].count) }
  }

  mutating func begin(head: UInt16) {
    self.head = head
    ranges.removeAll(keepingCapacity: true)
    addresses.removeAll(keepingCapacity: true)
    readable = 0..<0
    writable = 0..<0
  }

  mutating func append(
    _ range: HostRange, at address: GuestAddress, isWritable: Bool
  ) throws(VirtqueueError) {
    guard isWritable || writable.isEmpty else { throw .readableAfterWritable }
    ranges.append(range)
    addresses.append(address)
    if isWritable {
      writable = readable.upperBound..<ranges.count
    } else {
      readable = 0..<ranges.count
      writable = ranges.count..<ranges.count
    }
  }

  /// Moves the first readable bytes into all of `bytes`, over as many buffers as that takes (2.7.4.1: a device assumes
  /// nothing about where a message is split). False, and nothing is moved, where there are too few.
  mutating func takeReadable(
    into bytes: UnsafeMutableRawBufferPointer, from memory: QueueMemory
  ) throws(VirtqueueError) -> Bool {
    guard readableBytes >= UInt64(bytes.count) else { return false }
    var position = 0
    while position < bytes.count {
      let index = readable.lowerBound
      let count = min(bytes.count - position, ranges[index].count)
      let part = UnsafeMutableRawBufferPointer(rebasing: bytes[position..<position + count])
      try memory.read(at: addresses[index], into: part)
      dropFirst(count, of: index)
      if ranges[index].count == 0 { readable = readable.dropFirst() }
      position += count
    }
    return true
  }

  /// Removes the last writable byte and returns its address; nil where there is none.
  mutating func takeLastWritable() -> GuestAddress? {
    guard let index = writable.last else { return nil }
    let rest = ranges[index].count - 1
    ranges[index] = HostRange(start: ranges[index].start, count: rest)
    if rest == 0 { writable = writable.dropLast() }
    return addresses[index] + UInt64(rest)
  }

  /// Writes `bytes` to the first writable ones; the caller has compared the sizes.
  func write(_ bytes: [UInt8], to memory: QueueMemory) throws(VirtqueueError) {
    var position = 0
    for index in writable where position < bytes.count {
      for offset in 0..<min(bytes.count - position, ranges[index].count) {
        try memory.write(bytes[position], at: addresses[index] + UInt64(offset))
        position += 1
      }
    }
  }

  private mutating func dropFirst(_ count: Int, of index: Int) {
    // SAFETY: `count` is at most the length of the range.
    ranges[index] = HostRange(start: ranges[index].start + count, count: ranges[index].count - count)
    addresses[index] = addresses[index] + UInt64(count)
  }
}
