import GuestKernel

/// The transmit buffers of a virtio-net driver, each with the device's header before the frame. Where frames are short, one
/// descriptor has both; where they may be as long as segmentation offload allows, an indirect table has the header and then
/// the frame in pages, as it would lie in a system with paged buffers.
struct TransmitBuffers {
  /// The header lies right before the frame, which starts at a multiple of eight.
  static let frameOffset = 16
  static let headerSize = 12
  private static let plainStride = 2048
  private static let pageSize = 4096
  private static let entrySize = 16

  /// Longest frame in bytes.
  let longestFrame: Int
  private let stride: Int
  private let memory: DMAMemory
  private let tables: DMAMemory?
  private let tableSize: Int

  /// Buffers for frames of up to `longestFrame` bytes, one for each of `slots` descriptors.
  init(slots: Int, longestFrame: Int) {
    self.longestFrame = longestFrame
    let isPlain = longestFrame <= Self.plainStride - Self.frameOffset
    stride = isPlain ? Self.plainStride : (longestFrame + Self.frameOffset + 63) & ~63
    memory = DMAMemory(count: stride * slots)
    tableSize = Self.entrySize * (1 + (longestFrame + Self.pageSize - 1) / Self.pageSize)
    tables = isPlain ? nil : DMAMemory(count: tableSize * slots)
  }

  /// Where the slot's frame starts.
  func frame(_ slot: Int) -> UInt { memory.address + UInt(slot * stride + Self.frameOffset) }

  /// Describes the slot's frame of `length` bytes to the device: complete, or a UDP datagram over IPv4 that the device cuts
  /// into such with `segment` bytes of payload, checksums included (virtio 1.2, 5.1.6.2).
  func describe(_ slot: Int, length: Int, segment: Int?, in queue: SplitQueue) {
    let header = frame(slot) - UInt(Self.headerSize)
    guard let tables else {
      return queue.setBuffer(slot, address: header, count: Self.headerSize + length, isWritable: false)
    }
    let offset = slot * stride + Self.frameOffset - Self.headerSize
    memory.store(UInt8(segment == nil ? 0 : 1), at: offset)  // VIRTIO_NET_HDR_F_NEEDS_CSUM
    memory.store(UInt8(segment == nil ? 0 : 5), at: offset + 1)  // VIRTIO_NET_HDR_GSO_UDP_L4
    memory.store(UInt16(segment == nil ? 0 : 42), at: offset + 2)
    memory.store(UInt16(truncatingIfNeeded: segment ?? 0), at: offset + 4)
    memory.store(UInt16(segment == nil ? 0 : 34), at: offset + 6)
    memory.store(UInt16(segment == nil ? 0 : 6), at: offset + 8)
    var entry = slot * tableSize
    var address = header
    var rest = Self.headerSize + length
    var count = 0
    while rest > 0 {
      let size = count == 0 ? Self.headerSize : min(rest, Self.pageSize)
      rest -= size
      count += 1
      tables.store(UInt64(address), at: entry)
      tables.store(UInt32(size), at: entry + 8)
      tables.store(UInt16(rest > 0 ? 1 : 0), at: entry + 12)  // VIRTQ_DESC_F_NEXT
      tables.store(UInt16(count), at: entry + 14)
      address += UInt(size)
      entry += Self.entrySize
    }
    queue.setIndirect(slot, table: tables.address + UInt(slot * tableSize), count: count)
  }
}
