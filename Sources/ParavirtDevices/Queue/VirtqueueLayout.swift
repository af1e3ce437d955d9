import GuestMemory

/// Where a driver put a split virtqueue (virtio 1.2, 2.7).
public struct VirtqueueLayout: Equatable, Sendable {
  /// Number of descriptors: a power of two.
  public let size: UInt16
  /// Descriptor table: 16 bytes each.
  public let descriptors: GuestAddress
  /// Driver area, the available ring: flags, index, `size` heads, used_event; 2 bytes each.
  public let driver: GuestAddress
  /// Device area, the used ring: flags, index, `size` elements of 8 bytes, avail_event.
  public let device: GuestAddress

  /// Checks the size, the alignment (2.7: 16, 2 and 4 bytes) and that all three areas are inside guest RAM.
  public init(
    size: UInt32, maximumSize: UInt16, descriptors: GuestAddress, driver: GuestAddress, device: GuestAddress,
    memory: GuestMemory
  ) throws(VirtqueueError) {
    guard size > 0, size <= maximumSize, size.nonzeroBitCount == 1 else {
      throw .badSize(size, maximum: maximumSize)
    }
    self.size = UInt16(size)
    self.descriptors = descriptors
    self.driver = driver
    self.device = device
    let count = Int(size)
    try Self.check(descriptors, alignment: 16, count: 16 * count, memory: memory)
    // The event fields are counted in, negotiated or not: no driver puts its rings at the very last bytes of RAM.
    try Self.check(driver, alignment: 2, count: 6 + 2 * count, memory: memory)
    try Self.check(device, alignment: 4, count: 6 + 8 * count, memory: memory)
  }

  private static func check(
    _ address: GuestAddress, alignment: Int, count: Int, memory: GuestMemory
  ) throws(VirtqueueError) {
    guard address.value.isMultiple(of: UInt64(alignment)) else {
      throw .memory(.misaligned(address, alignment: alignment))
    }
    do throws(GuestMemoryError) {
      _ = try memory.hostRange(at: address, count: count)
    } catch {
      throw .memory(error)
    }
  }
}
