import GuestKernel

/// virtio-blk on either transport (virtio 1.2, 5.2), one indirect descriptor a request, completion by interrupt or by
/// polling the used ring.
public final class VirtioDisk: DiskDriver {
  private enum Feature {
    static let flush: UInt64 = 1 << 9
    static let indirectDescriptors: UInt64 = 1 << 28
    static let eventIndex: UInt64 = 1 << 29
    static let version1: UInt64 = 1 << 32
    static let needed = indirectDescriptors | eventIndex | version1
  }
  private static let vector: UInt8 = 0x40
  private static let slots = 64
  /// Bytes of one slot's bookkeeping: indirect table (3 × 16), header (16), status (1).
  private static let slotSize = 128
  private static let headerOffset = 64
  private static let statusOffset = 96

  /// Medium size in 512-byte sectors.
  public let sectorCount: UInt64
  /// Requests that can be in flight.
  public let maximumDepth: Int
  private let transport: any VirtioTransport
  private let queue: SplitQueue
  private let bookkeeping: DMAMemory
  private let interrupt: Interrupt?
  private var seen: UInt64 = 0

  /// Finds and starts the first virtio-blk device, in the virtio-mmio slots or on the PCI bus; nil where there is none or it
  /// does not agree on features.
  public init?(polled: Bool, firstSlot: UInt, stride: UInt, slots: Int, interruptInput: (Int, UInt) -> UInt32) {
    let mmio = VirtioMMIO.find(
      deviceID: 2, firstSlot: firstSlot, stride: stride, slots: slots, interruptInput: interruptInput)
    LocalAPIC.enable(acceptsPIC: false)
    guard let transport: any VirtioTransport = mmio ?? VirtioPCI.find(deviceID: 2),
      let features = transport.negotiate(Feature.needed | Feature.flush),
      features & Feature.needed == Feature.needed,
      let queue = transport.enable(queue: 0, wantedSize: Self.slots, vector: polled ? nil : Self.vector)
    else { return nil }
    self.transport = transport
    self.queue = queue
    maximumDepth = queue.size
    sectorCount = transport.configuration64(at: 0)
    bookkeeping = DMAMemory(count: Self.slotSize * queue.size)
    interrupt = queue.interrupt
    queue.disarmInterrupt()
    transport.start()
    seen = interrupt?.count ?? 0
    for slot in 0..<queue.size { prepare(slot) }
  }

  /// Starts a request in a free slot; see `DiskDriver`.
  public func submit(
    slot: Int, _ operation: DiskOperation, sector: UInt64, sectors: Int, address: UInt
  ) throws(DiskError) {
    let base = slot * Self.slotSize
    bookkeeping.store(sector, at: base + Self.headerOffset + 8)
    bookkeeping.store(UInt8(0xFF), at: base + Self.statusOffset)
    switch operation {
    case .flush:
      bookkeeping.store(UInt32(4), at: base + Self.headerOffset)
      describeStatus(slot, entry: 1)
      queue.setIndirect(slot, table: bookkeeping.address + UInt(base), count: 2)
    case .read, .write:
      let isRead = operation == .read
      bookkeeping.store(UInt32(isRead ? 0 : 1), at: base + Self.headerOffset)
      bookkeeping.store(UInt64(address), at: base + 16)
      bookkeeping.store(UInt32(sectors * 512), at: base + 24)
      bookkeeping.store(UInt16(isRead ? 3 : 1), at: base + 28)  // NEXT, and WRITE for what the device writes
      bookkeeping.store(UInt16(2), at: base + 30)
      describeStatus(slot, entry: 2)
      queue.setIndirect(slot, table: bookkeeping.address + UInt(base), count: 3)
    }
    if queue.publish(head: slot) { queue.kick() }
  }

  /// A slot whose request has ended since the last call, or nil.
  public func poll() throws(DiskError) -> Int? {
    guard let slot = queue.takeUsed() else { return nil }
    guard slot < queue.size else { throw DiskError("virtio-blk used ring", status: UInt32(truncatingIfNeeded: slot)) }
    let status = bookkeeping.load(UInt8.self, at: slot * Self.slotSize + Self.statusOffset)
    guard status == 0 else { throw DiskError("virtio-blk request", status: UInt32(status)) }
    return slot
  }

  /// Returns when `poll` may have something to say.
  public func wait() throws(DiskError) {
    guard let interrupt else { return pv_pause() }
    while queue.armInterrupt() {
      interrupt.wait(beyond: seen)
      seen = interrupt.count
      guard transport.acknowledgeInterrupt() else { throw DiskError("virtio-blk needs reset", status: 0x40) }
    }
    queue.disarmInterrupt()
  }

  /// The parts of a slot's indirect table that never change.
  private func prepare(_ slot: Int) {
    let base = slot * Self.slotSize
    bookkeeping.store(UInt64(bookkeeping.address + UInt(base + Self.headerOffset)), at: base)
    bookkeeping.store(UInt32(16), at: base + 8)
    bookkeeping.store(UInt16(1), at: base + 12)  // NEXT
    bookkeeping.store(UInt16(1), at: base + 14)
  }

  private func describeStatus(_ slot: Int, entry: Int) {
    let base = slot * Self.slotSize
    bookkeeping.store(UInt64(bookkeeping.address + UInt(base + Self.statusOffset)), at: base + 16 * entry)
    bookkeeping.store(UInt32(1), at: base + 16 * entry + 8)
    bookkeeping.store(UInt16(2), at: base + 16 * entry + 12)  // WRITE
    bookkeeping.store(UInt16(0), at: base + 16 * entry + 14)
  }
}
