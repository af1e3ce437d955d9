import GuestMemory

/// The device's side of one split virtqueue (virtio 1.2, 2.7). It belongs to one thread. Whatever it reads from the guest is
/// copied once and then validated; after an error it must not be used again.
public final class Virtqueue {
  private let layout: VirtqueueLayout
  private let memory: QueueMemory
  private let hasEventIndex: Bool
  private let hasIndirect: Bool
  private var nextAvailable: UInt16 = 0
  private var nextUsed: UInt16 = 0
  /// The used index when the driver was last considered for an interrupt.
  private var lastConsidered: UInt16 = 0

  /// Takes up a queue whose rings are as new: both indices at 0.
  public init(_ layout: VirtqueueLayout, memory: GuestMemory, features: VirtioFeatures) {
    self.layout = layout
    self.memory = QueueMemory(memory)
    hasEventIndex = features.contains(.eventIndex)
    hasIndirect = features.contains(.indirectDescriptors)
  }

  /// Takes the next request that the driver made available and fills `chain` with it; false where there is none.
  public func pop(into chain: inout DescriptorChain) throws(VirtqueueError) -> Bool {
    guard try hasAvailable() else { return false }
    let slot = UInt64(nextAvailable & (layout.size - 1))
    chain.begin(head: try memory.read(UInt16.self, at: layout.driver + (4 + 2 * slot)))
    try walk(into: &chain)
    nextAvailable &+= 1
    return true
  }

  /// Gives a chain back with the number of bytes that were written into it, from its first writable one on.
  public func push(head: UInt16, written: UInt32) throws(VirtqueueError) {
    try stage(head: head, written: written)
    try publish()
  }

  /// As `push`, but the driver sees nothing of it before `publish`: chains that only mean something together.
  func stage(head: UInt16, written: UInt32) throws(VirtqueueError) {
    let element = layout.device + (4 + 8 * UInt64(nextUsed & (layout.size - 1)))
    nextUsed &+= 1
    try memory.write(UInt32(head), at: element)
    try memory.write(written, at: element + 4)
  }

  /// Shows the driver everything that was staged.
  func publish() throws(VirtqueueError) { try memory.storeIndex(nextUsed, at: layout.device + 2) }

  /// True where the driver wants an interrupt for what was pushed since this was last asked (2.7.7, 2.7.10).
  public func takeInterruptWish() throws(VirtqueueError) -> Bool {
    guard nextUsed != lastConsidered else { return false }
    let old = lastConsidered
    lastConsidered = nextUsed
    // The driver stores its wish and then looks for used buffers; we stored a used buffer and now look for its wish.
    GuestMemory.fullBarrier()
    guard hasEventIndex else { return try memory.read(UInt16.self, at: layout.driver) & 1 == 0 }
    let usedEvent = layout.driver + (4 + 2 * UInt64(layout.size))
    let event = try memory.read(UInt16.self, at: usedEvent)
    return nextUsed &- event &- 1 < nextUsed &- old
  }

  /// Asks the driver not to ring the doorbell while the queue is being emptied. With EVENT_IDX an avail_event that stays
  /// behind says that already.
  public func suppressNotifications() throws(VirtqueueError) {
    guard !hasEventIndex else { return }
    try memory.write(UInt16(1), at: layout.device)
  }

  /// Asks for a doorbell at the next request. True where one arrived meanwhile without it: look again before sleeping.
  public func requestNotification() throws(VirtqueueError) -> Bool {
    if hasEventIndex {
      try memory.write(nextAvailable, at: layout.device + (4 + 8 * UInt64(layout.size)))
    } else {
      try memory.write(UInt16(0), at: layout.device)
    }
    // We stored our wish and now look for requests; the driver stored a request and then looks for our wish.
    GuestMemory.fullBarrier()
    return try hasAvailable()
  }

  /// True where the driver has made something available that was not taken yet.
  func hasAvailable() throws(VirtqueueError) -> Bool {
    let index = try memory.loadIndex(at: layout.driver + 2)
    guard index &- nextAvailable <= layout.size else { throw .indexJump(from: nextAvailable, to: index) }
    return index != nextAvailable
  }
}

// MARK: - Chains

extension Virtqueue {
  /// A descriptor as it lies in memory (2.7.5).
  private struct Descriptor: BitwiseCopyable {
    let address: UInt64
    let length: UInt32
    let flags: UInt16
    let next: UInt16

    var hasNext: Bool { flags & 1 != 0 }
    var isWritable: Bool { flags & 2 != 0 }
    var isIndirect: Bool { flags & 4 != 0 }
  }

  private func walk(into chain: inout DescriptorChain) throws(VirtqueueError) {
    var table = layout.descriptors
    var tableCount = layout.size
    var index = chain.head
    var isInsideIndirect = false
    while true {
      guard index < tableCount else { throw .descriptorOutOfRange(index) }
      let descriptor = try memory.read(Descriptor.self, at: table + 16 * UInt64(index))
      if descriptor.isIndirect {
        guard hasIndirect, !isInsideIndirect, !descriptor.hasNext else { throw .badIndirectTable }
        tableCount = try tableLength(descriptor)
        table = GuestAddress(descriptor.address)
        index = 0
        isInsideIndirect = true
        continue
      }
      // A chain may not be longer than the queue (2.7.5.3.1), which also ends every loop.
      guard chain.ranges.count < Int(layout.size) else { throw .chainTooLong }
      try append(descriptor, to: &chain)
      guard descriptor.hasNext else { return }
      index = descriptor.next
    }
  }

  /// Number of descriptors of an indirect table, once its range was checked.
  private func tableLength(_ descriptor: Descriptor) throws(VirtqueueError) -> UInt16 {
    let count = descriptor.length / 16
    guard descriptor.length.isMultiple(of: 16), count > 0, count <= UInt32(layout.size) else {
      throw .badIndirectTable
    }
    _ = try memory.hostRange(at: GuestAddress(descriptor.address), count: Int(descriptor.length))
    return UInt16(count)
  }

  private func append(_ descriptor: Descriptor, to chain: inout DescriptorChain) throws(VirtqueueError) {
    guard descriptor.length > 0 else { throw .emptyDescriptor }
    let address = GuestAddress(descriptor.address)
    let range = try memory.hostRange(at: address, count: Int(descriptor.length))
    try chain.append(range, at: address, isWritable: descriptor.isWritable)
  }
}
