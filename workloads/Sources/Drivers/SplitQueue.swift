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

  /// Makes descriptor `head` available; true where the device wants a notification (2.7.10).
  func publish(head: Int) -> Bool {
    available.store(UInt16(head), at: 4 + 2 * (Int(availableIndex) % size))
    availableIndex &+= 1
    pv_store16(available.address + 2, availableIndex)
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
  func takeUsed() -> Int? {
    guard pv_load16(used.address + 2) != usedIndex else { return nil }
    let head = used.load(UInt32.self, at: 4 + 8 * (Int(usedIndex) % size))
    usedIndex &+= 1
    return Int(head)
  }

  /// Asks for an interrupt at the next used chain; false where there already is one.
  func armInterrupt() -> Bool {
    pv_store16(available.address + UInt(4 + 2 * size), usedIndex)
    pv_full_fence()
    return pv_load16(used.address + 2) == usedIndex
  }

  /// Asks for no interrupt for a long time to come.
  func disarmInterrupt() { pv_store16(available.address + UInt(4 + 2 * size), usedIndex &+ 0x8000) }
}
