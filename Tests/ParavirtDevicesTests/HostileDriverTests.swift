import Backends
import DeviceModel
import GuestMemory
import ParavirtDevices
import Testing

/// Drivers that break the rules while the device works: it asks for a reset, and works again after one.
struct HostileDriverTests {
  typealias Descriptor = GuestQueue.Descriptor
  let rig: BlockRig

  init() throws {
    rig = try BlockRig(storage: MemoryStorage(byteCount: 1 << 20))
    try rig.start()
  }

  private func expectRecovery() throws {
    rig.driver.write(0, to: .status)
    #expect(rig.driver.status == [])
    try rig.memory.write([UInt8](repeating: 0, count: 0xC000), at: GuestAddress(0x1_0000))
    let again = GuestQueue(memory: rig.memory)
    rig.driver.negotiate(.version1)
    try #require(rig.driver.setUp(again))
    rig.driver.start()
    try again.writeChain(try rig.request(type: 4))
    try again.publish(0)
    rig.interrupt.consume()
    rig.driver.write(0, to: .queueNotify)
    try rig.waitForInterrupt()
    #expect(try again.usedIndex() == 1)
    #expect(try rig.status() == 0)
  }

  @Test func chainWithoutStatusByteNeedsReset() throws {
    try rig.queue.writeChain([Descriptor(address: BlockRig.header, length: 16)])
    try rig.expectNeedsReset()
    try expectRecovery()
  }

  @Test func loopNeedsReset() throws {
    try rig.queue.write(Descriptor(address: BlockRig.header, length: 16, flags: Descriptor.hasNext, next: 0), at: 0)
    try rig.expectNeedsReset()
    try expectRecovery()
  }

  @Test func bufferOutsideRAMNeedsReset() throws {
    let data = [Descriptor(address: 1 << 30, length: 512, flags: Descriptor.isWritable)]
    try rig.queue.writeChain(try rig.request(type: 0, data: data))
    try rig.expectNeedsReset()
    try expectRecovery()
  }

  @Test func headOutsideTheTableNeedsReset() throws {
    try rig.expectNeedsReset(head: 999)
    try expectRecovery()
  }

  @Test func indexJumpNeedsReset() throws {
    try rig.queue.setAvailable(1000)
    rig.driver.write(0, to: .queueNotify)
    try rig.waitForNeedsReset()
    try expectRecovery()
  }

  @Test func brokenQueueIsNotTouchedAgain() throws {
    try rig.expectNeedsReset(head: 999)
    try rig.queue.writeChain(try rig.request(type: 4))
    try rig.queue.publish(0)
    rig.driver.write(0, to: .queueNotify)
    rig.stop()
    #expect(try rig.queue.usedIndex() == 0)
    #expect(try rig.status() == 0xEE)
  }

  @Test func sameChainPublishedAgainAndAgainIsServedEachTime() throws {
    let chain = try rig.request(type: 4)
    for _ in 0..<200 { #expect(try rig.submit(chain).status == 0) }
  }

  @Test func overlappingHugeBuffersAreReadWithoutHarm() throws {
    // Both buffers cover the same whole half of RAM: more than the medium holds, and refused for that.
    let half = Descriptor(address: 0x8_0000, length: 0x8_0000, flags: Descriptor.isWritable)
    let chain = try rig.request(type: 0, data: [half, half, half])
    #expect(try rig.submit(chain).status == 1)
  }

  @Test func readOverTheRingsThemselvesDoesNotTrap() throws {
    let all = Descriptor(address: 0x1_0000, length: 0xC000, flags: Descriptor.isWritable)
    try rig.queue.writeChain(try rig.request(type: 0, data: [all]))
    try rig.queue.publish(0)
    rig.driver.write(0, to: .queueNotify)
    rig.driver.write(0, to: .status)
    #expect(rig.driver.status == [])
  }

  @Test func resetWhileRequestsAreInFlightWaitsForThem() throws {
    let file = try TemporaryFile([UInt8](repeating: 0x5A, count: 1 << 20))
    let rig = try BlockRig(storage: FileStorage(path: file.path))
    for _ in 0..<100 {
      try rig.memory.write([UInt8](repeating: 0, count: 0xC000), at: GuestAddress(0x1_0000))
      let queue = GuestQueue(memory: rig.memory)
      rig.driver.negotiate(.version1)
      try #require(rig.driver.setUp(queue))
      rig.driver.start()
      let data = [Descriptor(address: BlockRig.data, length: 0x1_0000, flags: Descriptor.isWritable)]
      try queue.writeChain(try rig.request(type: 0, data: data))
      for _ in 0..<8 { try queue.publish(0) }
      rig.driver.write(0, to: .queueNotify)
      rig.driver.write(0, to: .status)
      // Nothing may be written from here on: a pattern put over everything must stay.
      try rig.memory.write([UInt8](repeating: 0x77, count: 0x1_0000), at: GuestAddress(BlockRig.data))
      let used = try queue.usedIndex()
      rig.driver.write(0, to: .queueNotify)
      #expect(try rig.memory.bytes(at: GuestAddress(BlockRig.data), count: 0x1_0000).allSatisfy { $0 == 0x77 })
      #expect(try queue.usedIndex() == used)
    }
  }
}
