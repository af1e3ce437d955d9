import Backends
import GuestMemory

/// The answer to a block request: its last byte (virtio 1.2, 5.2.6).
enum VirtioBlockStatus: UInt8 {
  case ok = 0
  case ioError = 1
  case unsupported = 2
}

/// What is to be done about one chain, once it was understood.
enum VirtioBlockAction {
  /// Ask the medium; `written` data bytes will have been written into the chain.
  case submit(BlockRequest, written: UInt64)
  /// Write these bytes into the chain and answer at once.
  case reply([UInt8])
  /// Answer at once.
  case refuse(VirtioBlockStatus)
}

/// Reads requests (virtio 1.2, 5.2.6) for a medium. Nothing in a request is trusted, and none can do more than fail.
struct VirtioBlockParser {
  /// The medium.
  let storage: any BlockStorage
  /// Answer to VIRTIO_BLK_T_GET_ID: 20 bytes.
  let identifier: [UInt8]

  private struct Header: BitwiseCopyable {
    var type: UInt32 = 0
    var reserved: UInt32 = 0
    var sector: UInt64 = 0
  }

  private struct DiscardRange: BitwiseCopyable {
    var sector: UInt64 = 0
    var sectorCount: UInt32 = 0
    var flags: UInt32 = 0
  }

  /// Understands `chain`, which came with these features, whose status byte was already taken off, and leaves only the data buffers in it.
  func action(
    for chain: inout DescriptorChain, memory: QueueMemory, features: VirtioFeatures
  ) throws(VirtqueueError) -> VirtioBlockAction {
    var header = Header()
    guard try take(&header, from: &chain, memory: memory) else { return .refuse(.ioError) }
    switch header.type {
    case 0:  // VIRTIO_BLK_T_IN
      guard chain.readable.isEmpty else { return .refuse(.ioError) }
      return transfer(.read, sector: header.sector, count: chain.writableBytes)
    case 1:  // VIRTIO_BLK_T_OUT
      guard chain.writable.isEmpty, !storage.isReadOnly else { return .refuse(.ioError) }
      // 5.2.6.2: a driver that cannot flush may rely on every write that has completed.
      let operation: BlockOperation = features.contains(.blockFlush) ? .write : .durableWrite
      return transfer(operation, sector: header.sector, count: chain.readableBytes)
    case 4:  // VIRTIO_BLK_T_FLUSH
      return .submit(BlockRequest(.flush), written: 0)
    case 8:  // VIRTIO_BLK_T_GET_ID
      return chain.writableBytes < UInt64(identifier.count) ? .refuse(.ioError) : .reply(identifier)
    case 11:  // VIRTIO_BLK_T_DISCARD
      return try discard(&chain, memory: memory)
    default:
      return .refuse(.unsupported)
    }
  }

  private func transfer(_ operation: BlockOperation, sector: UInt64, count: UInt64) -> VirtioBlockAction {
    guard count > 0, count.isMultiple(of: VirtioBlockLimits.sectorByteCount),
      let request = request(operation, sector: sector, count: count)
    else { return .refuse(.ioError) }
    return .submit(request, written: operation == .read ? count : 0)
  }

  private func discard(
    _ chain: inout DescriptorChain, memory: QueueMemory
  ) throws(VirtqueueError) -> VirtioBlockAction {
    var range = DiscardRange()
    guard !storage.isReadOnly, chain.readableBytes == 16, try take(&range, from: &chain, memory: memory) else {
      return .refuse(.ioError)
    }
    // 5.2.6.2: a device refuses flags that it does not know, and unmap in a discard.
    guard range.flags == 0 else { return .refuse(.unsupported) }
    let count = UInt64(range.sectorCount) * VirtioBlockLimits.sectorByteCount
    guard range.sectorCount <= VirtioBlockLimits.discardSectors,
      let request = request(.discard, sector: range.sector, count: count)
    else { return .refuse(.ioError) }
    return count == 0 ? .refuse(.ok) : .submit(request, written: 0)
  }

  /// The request in bytes; nil where it leaves the medium.
  private func request(_ operation: BlockOperation, sector: UInt64, count: UInt64) -> BlockRequest? {
    let (offset, overflow) = sector.multipliedReportingOverflow(by: VirtioBlockLimits.sectorByteCount)
    guard !overflow, offset <= storage.byteCount, count <= storage.byteCount - offset else { return nil }
    return BlockRequest(operation, offset: offset, count: count)
  }

  private func take<Value: BitwiseCopyable>(
    _ value: inout Value, from chain: inout DescriptorChain, memory: QueueMemory
  ) throws(VirtqueueError) -> Bool {
    try withUnsafeMutableBytes(of: &value) { (bytes) throws(VirtqueueError) in
      // SAFETY: any bytes make a valid value of a bitwise copyable struct of integers.
      try chain.takeReadable(into: bytes, from: memory)
    }
  }
}
