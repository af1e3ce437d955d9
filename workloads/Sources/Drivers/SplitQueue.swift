import GuestKernel

/// A split virtqueue as its driver sees it, with EVENT_IDX (virtio 1.2, 2.7).
public final class SplitQueue {
  let size: Int
  let descriptors: DMAMemory
  let available: DMAMemory
  let used: DMAMemory
  /// Completion's interrupt; nil where it is polled.
  var interrupt: Interrupt?
  private let doorbell: VirtioDoorbell
  private var availableIndex: UInt16 = 0
  private var announcedIndex: UInt16 = 0
  private var usedIndex: UInt16 = 0

  init(size: Int, doorbell: VirtioDoorbell) {
    self.size = size
    self.doorbell = doorbell
    descriptors = DMAMemory(count: 16 * size)
    available = DMAMemory(count: 6 + 2 * size)
    used = DMAMemory(count: 6 + 8 * size)
  }

  /// Writes a descriptor that points at an indirect table of `count` entries.
  func setIndirect(_ index: Int, table: UInt, count: Int) {
    descriptors.store(UInt64(table), at: 16 * index)
    descriptors.store(UInt32(16 * count), at: 16 * index + 8)
    descriptors.store(UInt16(4), at: 16 * index + 12)  // VIRTQ_DESC_F_INDIRECT
    descriptors.store(UInt16(0), at: 16 * index + 14)
  }

  /// Writes a descriptor of one buffer.
  func setBuffer(_ index: Int, address: UInt, count: Int, isWritable: Bool) {
    descriptors.store(UInt64(address), at: 16 * index)
    descriptors.store(UInt32(count), at: 16 * index + 8)
    descriptors.store(UInt16(isWritable ? 2 : 0), at: 16 * index + 12)  // VIRTQ_DESC_F_WRITE
    descriptors.store(UInt16(0), at: 16 * index + 14)
  }

  /// Makes descriptor `head` available; true where the device wants a notification (2.7.10).
  func publish(head: Int) -> Bool {
    append(head: head)
    return wantsNotification()
  }

  /// Makes descriptor `head` available, and says nothing of it yet.
  func append(head: Int) {
    available.store(UInt16(truncatingIfNeeded: head), at: 4 + 2 * (Int(availableIndex) % size))
    availableIndex &+= 1
    pv_store16(available.address + 2, availableIndex)
  }

  /// True where the device wants a notification of what was made available since this was last asked.
  func wantsNotification() -> Bool {
    guard announcedIndex != availableIndex else { return false }
    pv_full_fence()
    let event = pv_load16(used.address + UInt(4 + 8 * size))
    defer { announcedIndex = availableIndex }
    return availableIndex &- event &- 1 < availableIndex &- announcedIndex
  }

  /// Tells the device that there is something in the queue.
  @inline(__always) func kick() {
    switch doorbell {
    case .shared(let address, let index): pv_write32(address, index)
    case .own(let address, let index): pv_write16(address, index)
    }
  }

  /// The head of a chain that the device has used since the last call.
  func takeUsed() -> Int? { takeUsedElement()?.head }

  /// The head of a chain that the device has used since the last call, and the bytes that it wrote.
  func takeUsedElement() -> (head: Int, count: Int)? {
    guard pv_load16(used.address + 2) != usedIndex else { return nil }
    let element = 4 + 8 * (Int(usedIndex) % size)
    usedIndex &+= 1
    return (Int(used.load(UInt32.self, at: element)), Int(used.load(UInt32.self, at: element + 4)))
  }

  /// Asks for an interrupt at the next used chain, or when `more` are used after it; false where they already are.
  func armInterrupt(after more: UInt16 = 0) -> Bool {
    pv_store16(available.address + UInt(4 + 2 * size), usedIndex &+ more)
    pv_full_fence()
    return pv_load16(used.address + 2) &- usedIndex <= more
  }

  /// Asks for no interrupt for a long time to come.
  func disarmInterrupt() { pv_store16(available.address + UInt(4 + 2 * size), usedIndex &+ 0x8000) }
}
