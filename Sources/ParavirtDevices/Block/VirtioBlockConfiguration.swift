extension VirtioFeatures {
  /// VIRTIO_BLK_F_SEG_MAX: the configuration names the longest buffer list.
  public static let blockSegmentMaximum = VirtioFeatures(rawValue: 1 << 2)
  /// VIRTIO_BLK_F_RO: writes are refused.
  public static let blockReadOnly = VirtioFeatures(rawValue: 1 << 5)
  /// VIRTIO_BLK_F_BLK_SIZE: the configuration names the block size.
  public static let blockSize = VirtioFeatures(rawValue: 1 << 6)
  /// VIRTIO_BLK_F_FLUSH: there is a cache, and a command to flush it.
  public static let blockFlush = VirtioFeatures(rawValue: 1 << 9)
  /// VIRTIO_BLK_F_MQ: several queues.
  public static let blockMultiqueue = VirtioFeatures(rawValue: 1 << 12)
  /// VIRTIO_BLK_F_DISCARD: ranges can be forgotten.
  public static let blockDiscard = VirtioFeatures(rawValue: 1 << 13)
}

/// The limits of a block device as its driver is told them (virtio 1.2, 5.2.4).
struct VirtioBlockLimits {
  /// Bytes that every offset and length counts in, whatever the block size (5.2).
  static let sectorByteCount: UInt64 = 512
  /// One range in a discard request, of 1 GiB at most, so that a medium without holes cannot be held up for long.
  static let discardSectors: UInt32 = 1 << 21

  let sectorCount: UInt64
  let segments: UInt32
  let queueCount: UInt16

  /// The configuration space: 60 bytes, up to the end of the write-zeroes fields. Fields whose feature is not offered are 0.
  var configuration: VirtioConfiguration {
    var bytes: [UInt8] = []
    func append<Value: FixedWidthInteger>(_ value: Value) {
      withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }
    append(sectorCount)
    append(UInt32(0))  // size_max
    append(segments)  // seg_max
    append(UInt32(0))  // geometry
    append(UInt32(Self.sectorByteCount))  // blk_size
    append(UInt64(0))  // topology
    append(UInt16(0))  // writeback
    append(queueCount)
    append(Self.discardSectors)
    append(UInt32(1))  // max_discard_seg
    append(UInt32(1))  // discard_sector_alignment
    append(UInt32(0))  // max_write_zeroes_sectors
    append(UInt32(0))  // max_write_zeroes_seg
    append(UInt32(0))  // write_zeroes_may_unmap
    return VirtioConfiguration(bytes)
  }
}
