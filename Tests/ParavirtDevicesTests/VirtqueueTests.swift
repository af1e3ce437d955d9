import GuestMemory
import ParavirtDevices
import Testing

/// The device's side of the rings, without a device.
struct VirtqueueTests {
  typealias Descriptor = GuestQueue.Descriptor
  let memory: GuestMemory
  let guest: GuestQueue
  var chain = DescriptorChain(capacity: 16)

  init() throws {
    memory = try GuestMemory(byteCount: 1 << 20)
    guest = GuestQueue(memory: memory)
  }

  func makeQueue(_ features: VirtioFeatures = [.version1, .indirectDescriptors, .eventIndex]) throws -> Virtqueue {
    Virtqueue(try guest.layout(), memory: memory, features: features)
  }

  /// The error of the first pop.
  mutating func firstError(features: VirtioFeatures = [.version1, .indirectDescriptors]) throws -> VirtqueueError? {
    let queue = try makeQueue(features)
    do throws(VirtqueueError) {
      _ = try queue.pop(into: &chain)
      return nil
    } catch {
      return error
    }
  }

  @Test mutating func emptyQueueGivesNothing() throws {
    let isPopped = try makeQueue().pop(into: &chain)
    #expect(!isPopped)
  }

  @Test mutating func chainIsSplitIntoReadableAndWritableBuffers() throws {
    try guest.writeChain(
      [
        Descriptor(address: 0x4_0000, length: 16), Descriptor(address: 0x5_0000, length: 100),
        Descriptor(address: 0x6_0000, length: 512, flags: Descriptor.isWritable),
      ], first: 5)
    try guest.publish(5)
    let isPopped = try makeQueue().pop(into: &chain)
    #expect(isPopped)
    #expect(chain.head == 5)
    #expect(chain.ranges.map(\.count) == [16, 100, 512])
    #expect(chain.readable == 0..<2 && chain.writable == 2..<3)
    #expect(chain.readableBytes == 116 && chain.writableBytes == 512)
    #expect(chain.ranges.map { $0.start - memory.slot.start } == [0x4_0000, 0x5_0000, 0x6_0000])
  }

  @Test mutating func indirectTableAfterDirectDescriptorsIsFollowed() throws {
    try guest.writeIndirect(
      [
        Descriptor(address: 0x5_0000, length: 8),
        Descriptor(address: 0x6_0000, length: 9, flags: Descriptor.isWritable),
      ],
      table: 0x7_0000, at: 1)
    try guest.write(Descriptor(address: 0x4_0000, length: 7, flags: Descriptor.hasNext, next: 1), at: 0)
    try guest.publish(0)
    let isPopped = try makeQueue().pop(into: &chain)
    #expect(isPopped)
    #expect(chain.ranges.map(\.count) == [7, 8, 9])
  }

  @Test mutating func bothRingsWrapAround() throws {
    let queue = try makeQueue()
    try guest.writeChain([Descriptor(address: 0x4_0000, length: 1, flags: Descriptor.isWritable)], first: 3)
    for round in 0..<70_000 {
      try guest.publish(3)
      let isPopped = try queue.pop(into: &chain)
      try #require(isPopped)
      try queue.push(head: chain.head, written: UInt32(round))
    }
    #expect(try guest.usedIndex() == UInt16(truncatingIfNeeded: 70_000))
    #expect(try guest.used(UInt16(truncatingIfNeeded: 69_999)) == (3, 69_999))
  }

  // MARK: Hostile drivers

  @Test mutating func loopIsRejected() throws {
    try guest.write(Descriptor(address: 0x4_0000, length: 1, flags: Descriptor.hasNext, next: 1), at: 0)
    try guest.write(Descriptor(address: 0x4_0000, length: 1, flags: Descriptor.hasNext, next: 0), at: 1)
    try guest.publish(0)
    #expect(try firstError() == .chainTooLong)
  }

  @Test mutating func loopInsideIndirectTableIsRejected() throws {
    try guest.write(
      Descriptor(address: 0x4_0000, length: 1, flags: Descriptor.hasNext, next: 0), at: 0, of: GuestAddress(0x7_0000))
    try guest.write(Descriptor(address: 0x7_0000, length: 16, flags: Descriptor.isIndirect), at: 0)
    try guest.publish(0)
    #expect(try firstError() == .chainTooLong)
  }

  @Test(arguments: [UInt16(16), 17, 0xFFFF])
  mutating func headBeyondTheTableIsRejected(head: UInt16) throws {
    try guest.publish(head)
    #expect(try firstError() == .descriptorOutOfRange(head))
  }

  @Test mutating func nextBeyondTheTableIsRejected() throws {
    try guest.write(Descriptor(address: 0x4_0000, length: 1, flags: Descriptor.hasNext, next: 16), at: 0)
    try guest.publish(0)
    #expect(try firstError() == .descriptorOutOfRange(16))
  }

  private static let outsideBuffers: [(UInt64, UInt32)] = [
    (1 << 20, 1), ((1 << 20) - 1, 2), (.max, 2), (.max - 7, 16), (0x4_0000, .max), (1 << 63, 512),
  ]

  @Test(arguments: outsideBuffers)
  mutating func bufferOutsideRAMIsRejected(address: UInt64, length: UInt32) throws {
    try guest.write(Descriptor(address: address, length: length), at: 0)
    try guest.publish(0)
    #expect(try firstError() == .memory(.outOfRange(GuestAddress(address), count: UInt64(length))))
  }

  @Test mutating func zeroLengthDescriptorIsRejected() throws {
    try guest.write(Descriptor(address: 0x4_0000, length: 0), at: 0)
    try guest.publish(0)
    #expect(try firstError() == .emptyDescriptor)
  }

  @Test mutating func readableAfterWritableIsRejected() throws {
    try guest.writeChain([
      Descriptor(address: 0x4_0000, length: 1, flags: Descriptor.isWritable), Descriptor(address: 0x4_0000, length: 1),
    ])
    try guest.publish(0)
    #expect(try firstError() == .readableAfterWritable)
  }

  @Test mutating func indirectTableThatWasNotNegotiatedIsRejected() throws {
    try guest.writeIndirect([Descriptor(address: 0x4_0000, length: 1)], table: 0x7_0000, at: 0)
    try guest.publish(0)
    #expect(try firstError(features: .version1) == .badIndirectTable)
  }

  @Test mutating func nestedIndirectTableIsRejected() throws {
    try guest.writeIndirect(
      [Descriptor(address: 0x7_1000, length: 16, flags: Descriptor.isIndirect)], table: 0x7_0000, at: 0)
    try guest.publish(0)
    #expect(try firstError() == .badIndirectTable)
  }

  @Test mutating func indirectTableWithASuccessorIsRejected() throws {
    try guest.write(
      Descriptor(address: 0x7_0000, length: 16, flags: Descriptor.isIndirect | Descriptor.hasNext, next: 1), at: 0)
    try guest.publish(0)
    #expect(try firstError() == .badIndirectTable)
  }

  @Test(arguments: [UInt32(0), 1, 15, 17, 272, 0xFFFF_FFFF, 0xFFFF_FFF0])
  mutating func indirectTableOfImpossibleLengthIsRejected(length: UInt32) throws {
    try guest.write(Descriptor(address: 0x7_0000, length: length, flags: Descriptor.isIndirect), at: 0)
    try guest.publish(0)
    #expect(try firstError() == .badIndirectTable)
  }

  @Test(arguments: [0xF_FFF0, UInt64.max - 15, 1 << 40] as [UInt64])
  mutating func indirectTableOutsideRAMIsRejected(address: UInt64) throws {
    try guest.write(Descriptor(address: address, length: 32, flags: Descriptor.isIndirect), at: 0)
    try guest.publish(0)
    #expect(try firstError() == .memory(.outOfRange(GuestAddress(address), count: 32)))
  }

  @Test mutating func directAndIndirectDescriptorsShareTheLimit() throws {
    let one = Descriptor(address: 0x4_0000, length: 1)
    try guest.writeChain([Descriptor](repeating: one, count: 2))
    try guest.write(Descriptor(address: 0x4_0000, length: 1, flags: Descriptor.hasNext, next: 2), at: 1)
    try guest.writeIndirect([Descriptor](repeating: one, count: 15), table: 0x7_0000, at: 2)
    try guest.publish(0)
    #expect(try firstError() == .chainTooLong)
  }

  @Test(arguments: [UInt16(17), 18, 0x8000, 0xFFFF])
  mutating func availableIndexBeyondTheQueueIsRejected(index: UInt16) throws {
    try guest.setAvailable(index)
    #expect(try firstError() == .indexJump(from: 0, to: index))
  }

  @Test func availableIndexThatJumpsWhileSleepingIsNoticed() throws {
    let queue = try makeQueue()
    try guest.setAvailable(40)
    #expect(throws: VirtqueueError.indexJump(from: 0, to: 40)) { try queue.requestNotification() }
  }

  // MARK: Layouts

  @Test(arguments: [UInt32(0), 3, 12, 129, 256, 65_536, .max])
  func impossibleSizeIsRejected(size: UInt32) throws {
    #expect(throws: VirtqueueError.badSize(size, maximum: 128)) {
      try VirtqueueLayout(
        size: size, maximumSize: 128, descriptors: GuestAddress(0), driver: GuestAddress(0), device: GuestAddress(0),
        memory: memory)
    }
  }

  private static let misplacedRings: [(UInt64, UInt64, UInt64)] = [
    (8, 0, 0), (0, 1, 0), (0, 0, 2), (0xF_FFF0, 0, 0), (0, 0xF_FFFE, 0), (0, 0, 0xF_FFFC),
    (.max - 15, 0, 0), (0, .max - 1, 0), (0, 0, .max - 3), (1 << 32, 0, 0),
  ]

  @Test(arguments: misplacedRings)
  func ringMisplacedIsRejected(descriptors: UInt64, driver: UInt64, device: UInt64) throws {
    #expect(throws: VirtqueueError.self) {
      try VirtqueueLayout(
        size: 16, maximumSize: 128, descriptors: GuestAddress(descriptors), driver: GuestAddress(driver),
        device: GuestAddress(device), memory: memory)
    }
  }
}
