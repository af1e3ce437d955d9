import Backends
import DeviceModel
import GuestMemory
import ParavirtDevices
import Testing

/// The registers, one by one, over a block device in memory.
struct VirtioMMIOTransportTests {
  typealias Descriptor = GuestQueue.Descriptor
  let rig: BlockRig
  var driver: GuestDriver { rig.driver }

  init() throws { rig = try BlockRig(storage: MemoryStorage(byteCount: 1 << 20), queueCount: 2) }

  @Test func identityIsThatOfAModernBlockDevice() {
    #expect(driver.read(.magicValue) == 0x7472_6976)
    #expect(driver.read(.version) == 2)
    #expect(driver.read(.deviceID) == 2)
    #expect(driver.read(.vendorID) != 0)
    #expect(driver.read(.configurationGeneration) == 0)
    #expect(driver.read(.status) == 0)
  }

  @Test func featuresAreOfferedInTwoHalvesAndNoThird() {
    #expect(
      driver.offeredFeatures() == [
        .version1, .indirectDescriptors, .eventIndex, .blockSegmentMaximum, .blockSize, .blockFlush, .blockMultiqueue,
        .blockDiscard,
      ])
    driver.write(2, to: .deviceFeaturesSelect)
    #expect(driver.read(.deviceFeatures) == 0)
  }

  @Test func featuresWithoutVersion1AreRefused() {
    #expect(driver.negotiate([.indirectDescriptors, .blockFlush]) == [.acknowledge, .driver])
  }

  @Test func featuresThatWereNotOfferedAreRefused() {
    #expect(driver.negotiate([.version1, .blockReadOnly]) == [.acknowledge, .driver])
    #expect(driver.negotiate([.version1, VirtioFeatures(rawValue: 1 << 63)]) == [.acknowledge, .driver])
  }

  @Test func acceptableFeaturesLeadToFeaturesOK() {
    #expect(driver.negotiate([.version1, .eventIndex]) == [.acknowledge, .driver, .featuresOK])
  }

  @Test func refusedDriverMayTryAgain() {
    driver.negotiate(.blockFlush)
    #expect(driver.negotiate(.version1).contains(.featuresOK))
  }

  @Test func featuresAreFixedAfterFeaturesOK() {
    driver.negotiate(.version1)
    driver.write(0, to: .driverFeaturesSelect)
    driver.write(.max, to: .driverFeatures)
    driver.write(15, to: .status)
    #expect(driver.status == [.acknowledge, .driver, .featuresOK, .driverOK])
  }

  @Test(arguments: [UInt32(2), 4, 8, 12, 6, 0x40, 0xFFFF_FF00])
  func statusBitsOutOfOrderAreIgnored(value: UInt32) {
    driver.write(value & ~0x80, to: .status)
    #expect(driver.status == [])
  }

  @Test func statusBitsAreNeverClearedButByReset() {
    driver.negotiate(.version1)
    driver.write(1, to: .status)
    #expect(driver.status == [.acknowledge, .driver, .featuresOK])
    driver.write(0, to: .status)
    #expect(driver.status == [])
  }

  @Test func failedDriverCanOnlyReset() {
    driver.write(1, to: .status)
    driver.write(0x81, to: .status)
    driver.write(0x83, to: .status)
    #expect(driver.status == [.acknowledge, .failed])
    #expect(driver.negotiate(.version1).contains(.featuresOK))
  }

  @Test func queueSizesAreOfferedForExistingQueuesOnly() {
    let sizes = [UInt32(0), 1, 2, .max].map { index in
      driver.write(index, to: .queueSelect)
      return driver.read(.queueSizeMaximum)
    }
    #expect(sizes == [128, 128, 0, 0])
  }

  @Test func queueIsReadyOnceItIsWellPlaced() {
    driver.negotiate(.version1)
    #expect(driver.setUp(rig.queue))
    #expect(!driver.status.contains(.needsReset))
  }

  @Test func queueBeforeFeaturesOKIsIgnored() {
    driver.write(0, to: .status)
    driver.write(1, to: .status)
    driver.write(3, to: .status)
    #expect(!driver.setUp(rig.queue))
    #expect(driver.status == [.acknowledge, .driver])
  }

  @Test(arguments: [UInt32(0), 3, 100, 256, .max])
  func queueOfImpossibleSizeIsRefused(size: UInt32) {
    driver.negotiate(.version1)
    #expect(!driver.setUp(rig.queue, size: size))
    #expect(driver.status.contains(.needsReset))
    driver.start()
    #expect(!driver.status.contains(.driverOK))
  }

  private static let misplacedQueues: [(UInt64, UInt64, UInt64)] = [
    (0x1_0008, 0x1_4000, 0x1_8000), (0x1_0000, 0x1_4001, 0x1_8000),
    (0x1_0000, 0x1_4000, 0x1_8002), (1 << 20, 0x1_4000, 0x1_8000), (0x1_0000, 1 << 40, 0x1_8000),
    (0x1_0000, 0x1_4000, .max - 3), (.max - 15, 0x1_4000, 0x1_8000),
  ]

  @Test(arguments: misplacedQueues)
  func queueMisplacedIsRefused(descriptors: UInt64, ring: UInt64, device: UInt64) {
    driver.negotiate(.version1)
    #expect(!driver.setUp(size: 16, descriptors: descriptors, driver: ring, device: device))
    #expect(driver.status.contains(.needsReset))
  }

  @Test func readyQueueCanNoLongerBeChanged() throws {
    try rig.start()
    driver.write(3, to: .queueSize)
    driver.write(.max, to: .queueDescriptorsHigh)
    #expect(driver.read(.queueReady) == 1)
    #expect(try rig.submit(try rig.request(type: 4)).status == 0)
  }

  @Test func stoppedQueueIsNoLongerServed() throws {
    try rig.start()
    driver.write(0, to: .queueReady)
    #expect(driver.read(.queueReady) == 0)
    try rig.queue.writeChain(try rig.request(type: 4))
    try rig.queue.publish(0)
    driver.write(0, to: .queueNotify)
    rig.stop()
    #expect(try rig.queue.usedIndex() == 0)
  }

  @Test func doorbellBeforeDriverOKIsHarmless() throws {
    driver.negotiate(BlockRig.allFeatures)
    driver.setUp(rig.queue)
    try rig.queue.writeChain(try rig.request(type: 4))
    try rig.queue.publish(0)
    for queue in [UInt32(0), 1, 2, .max] { driver.write(queue, to: .queueNotify) }
    #expect(try rig.queue.usedIndex() == 0)
    driver.start()
    try rig.waitForInterrupt()
    #expect(try rig.queue.usedIndex() == 1)
  }

  @Test func resetForgetsEverything() throws {
    try rig.start()
    _ = try rig.submit(try rig.request(type: 4))
    driver.write(0, to: .status)
    #expect(driver.status == [])
    #expect(driver.read(.interruptStatus) == 0)
    #expect(driver.read(.queueReady) == 0)
    try rig.queue.publish(0)
    driver.write(0, to: .queueNotify)
    rig.stop()
    #expect(try rig.queue.usedIndex() == 1)
  }

  @Test func deviceWorksAgainAfterManyResets() throws {
    for _ in 0..<50 {
      driver.write(0, to: .status)
      try rig.memory.write([UInt8](repeating: 0, count: 0xC000), at: GuestAddress(0x1_0000))
      let again = GuestQueue(memory: rig.memory)
      driver.negotiate(.version1)
      try #require(driver.setUp(again))
      driver.start()
      try again.writeChain(try rig.request(type: 4))
      try again.publish(0)
      driver.write(0, to: .queueNotify)
      try rig.waitForInterrupt()
      try #require(try again.usedIndex() == 1)
    }
    #expect(rig.block.workers[0].counters.requests == 50)
  }

  @Test func resetWithoutARunningWorkerReturns() throws {
    rig.stop()
    try rig.start()
    driver.write(0, to: .status)
    #expect(driver.status == [])
  }

  @Test func interruptStatusIsClearedByAcknowledgeOnly() throws {
    try rig.start()
    try rig.queue.writeChain(try rig.request(type: 4))
    try rig.queue.publish(0)
    driver.write(0, to: .queueNotify)
    try rig.waitForUsed(1)
    rig.stop()
    #expect(driver.read(.interruptStatus) == 1)
    #expect(driver.read(.interruptStatus) == 1)
    driver.write(2, to: .interruptAcknowledge)
    #expect(driver.read(.interruptStatus) == 1)
    driver.write(1, to: .interruptAcknowledge)
    #expect(driver.read(.interruptStatus) == 0)
  }

  @Test(arguments: [AccessWidth.byte, .word, .quad])
  func registersAreAccessedWholeOrNotAtAll(width: AccessWidth) {
    #expect(driver.transport.read(at: 0, width: width) == 0)
    driver.transport.write(1, at: VirtioMMIORegister.status.rawValue, width: width)
    #expect(driver.status == [])
  }

  @Test func absentSharedMemoryHasTheLengthMinusOne() {
    #expect(driver.read(.sharedMemoryLengthLow) == .max && driver.read(.sharedMemoryLengthHigh) == .max)
  }

  @Test func everyOffsetInEveryWidthCanBeAccessed() {
    let widths: [AccessWidth] = [.byte, .word, .long, .quad]
    for offset in -8..<0x400 {
      for width in widths {
        _ = driver.transport.read(at: offset, width: width)
        driver.transport.write(.max, at: offset, width: width)
      }
    }
    driver.write(0, to: .status)
    #expect(driver.read(.magicValue) == 0x7472_6976)
  }
}
