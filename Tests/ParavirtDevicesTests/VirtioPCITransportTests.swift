import DeviceModel
import GuestMemory
import ParavirtDevices
import Testing

struct VirtioPCITransportTests {
  let driver: PCIGuestDriver

  init() throws { driver = try PCIGuestDriver() }

  @Test func identityIsThatOfAModernBlockDevice() {
    #expect(driver.configuration(0) == 0x1042_1AF4)
    #expect(driver.configuration(0x08) == 0x0180_0001)
    #expect(driver.configuration(0x3C, .word) == 0x010A)
  }

  @Test func everyStructureHasItsCapability() throws {
    let places = try ([1, 2, 3, 4] as [UInt64]).map { type in
      let offset = try #require(driver.capability(type: type))
      #expect(driver.configuration(offset + 4, .byte) == 0)
      return [driver.configuration(offset + 8), driver.configuration(offset + 12)]
    }
    #expect(places == [[0, 0x38], [0x3000, 8], [0x1000, 1], [0x2000, 8]])
    let notify = try #require(driver.capability(type: 2))
    #expect(driver.configuration(notify + 2, .byte) == 20)
    #expect(driver.configuration(notify + 16) == 4)
    #expect(driver.capability(type: 5) != nil)
  }

  @Test func aVectorIsOfferedForEveryQueueAndTheConfiguration() {
    #expect(driver.configuration(driver.capabilities(0x11)[0] + 2, .word) == 2)
  }

  @Test func queuesAreDescribedOneByOne() {
    let seen = ([0, 1, 2] as [UInt64]).map { queue in
      driver.write(queue, to: .queueSelect)
      return [driver.read(.queueSize), driver.read(.queueNotifyOffset), driver.read(.queueEnable)]
    }
    #expect(driver.read(.queueCount) == 2)
    #expect(seen == [[16, 0, 0], [64, 1, 0], [0, 0, 0]])
  }

  @Test func featuresComeInHalvesAndSelectorsReadBack() {
    driver.write(1, to: .deviceFeatureSelect)
    #expect(driver.read(.deviceFeatureSelect) == 1)
    #expect(driver.read(.deviceFeature) == 1)
    driver.write(0, to: .deviceFeatureSelect)
    #expect(driver.read(.deviceFeature) == 1 << 29)
  }

  @Test func aDriverThatKeepsTheOrderActivatesTheDevice() throws {
    driver.negotiate([.version1, .eventIndex])
    #expect(driver.read(.deviceStatus) == 11)
    driver.setUp(queue: 1)
    #expect(driver.read(.queueEnable) == 1)
    driver.write(15, to: .deviceStatus)
    let activation = try #require(driver.device.activation)
    #expect(activation.features == [.version1, .eventIndex])
    #expect(activation.queues.map { $0 != nil } == [false, true])
    #expect(driver.read(.queueDriverLow) == 0x1_4000)
  }

  @Test func aQueueOutsideRAMAsksForAReset() {
    driver.negotiate()
    driver.setUp(queue: 0, base: 0xFFFF_0000)
    #expect(driver.read(.queueEnable) == 0)
    #expect(driver.read(.deviceStatus) == 11 | 64)
  }

  @Test func aQueueIsEnabledOnlyInItsTime() {
    driver.setUp(queue: 0)
    #expect(driver.read(.queueEnable) == 0)
  }

  @Test func writingZeroDoesNotDisableAQueue() {
    driver.negotiate()
    driver.setUp(queue: 0)
    driver.write(0, to: .queueEnable)
    #expect(driver.read(.queueEnable) == 1)
  }

  @Test(arguments: [AccessWidth.byte, .word, .long])
  func everyQueueHasItsOwnDoorbell(width: AccessWidth) {
    driver.registers.write(0, at: 0x3004, width: width)
    driver.registers.write(1, at: 0x3000, width: width)
    driver.registers.write(0, at: 0x3008, width: width)
    driver.registers.write(0, at: 0x3002, width: width)
    #expect(driver.device.notified == [1, 0])
  }

  @Test func aResetStopsQueuesAndForgetsVectors() {
    driver.negotiate()
    driver.setUp(queue: 1, vector: 2)
    driver.write(0, to: .configurationVector)
    driver.write(0, to: .deviceStatus)
    #expect(driver.device.stopped.suffix(2) == [0, 1])
    #expect(driver.read(.deviceStatus) == 0)
    #expect(driver.read(.configurationVector) == 0xFFFF)
    driver.write(1, to: .queueSelect)
    #expect(driver.read(.queueVector) == 0xFFFF)
    #expect(driver.read(.queueEnable) == 0)
    #expect(driver.read(.queueSize) == 64)
  }

  @Test func aVectorThatDoesNotExistReadsBackAsNone() {
    driver.write(3, to: .configurationVector)
    #expect(driver.read(.configurationVector) == 0xFFFF)
    driver.write(2, to: .configurationVector)
    #expect(driver.read(.configurationVector) == 2)
    driver.write(9, to: .queueSelect)
    driver.write(0, to: .queueVector)
    #expect(driver.read(.queueVector) == 0xFFFF)
  }

  @Test func usedBuffersSendTheirQueuesMessage() throws {
    driver.enableMessages()
    driver.negotiate()
    driver.setUp(queue: 0, vector: 2)
    driver.setUp(queue: 1, vector: 1, base: 0x2_0000)
    driver.write(15, to: .deviceStatus)
    let state = try #require(driver.device.activation).state
    state.notifyUsedBuffers(queue: 1)
    state.notifyUsedBuffers(queue: 0)
    state.notifyUsedBuffers(queue: 1)
    #expect((0..<3).map { driver.messages.sent($0) } == [0, 2, 1])
    #expect(driver.registers.read(at: 0x1000, width: .byte) == 0)
    #expect(!driver.line.isAsserted)
  }

  @Test func withoutAVectorThereIsNoMessage() throws {
    driver.enableMessages()
    driver.negotiate()
    driver.write(15, to: .deviceStatus)
    let state = try #require(driver.device.activation).state
    state.notifyUsedBuffers(queue: 0)
    #expect((0..<3).map { driver.messages.sent($0) } == [0, 0, 0])
  }

  @Test func needOfAResetSendsTheConfigurationsMessage() throws {
    driver.enableMessages()
    driver.negotiate()
    driver.write(0, to: .configurationVector)
    driver.write(15, to: .deviceStatus)
    try #require(driver.device.activation).state.requireReset()
    #expect(driver.messages.sent(0) == 1)
    #expect(driver.read(.deviceStatus) == 15 | 64)
  }

  @Test func withoutMessagesTheLineIsHeldUntilTheStatusIsRead() throws {
    driver.negotiate()
    driver.write(15, to: .deviceStatus)
    let state = try #require(driver.device.activation).state
    state.notifyUsedBuffers(queue: 0)
    #expect(driver.line.isAsserted)
    #expect(driver.configuration(0x06, .word) & 8 == 8)
    #expect(driver.registers.read(at: 0x1000, width: .byte) == 1)
    #expect(!driver.line.isAsserted)
    #expect(driver.configuration(0x06, .word) & 8 == 0)
    #expect(driver.registers.read(at: 0x1000, width: .byte) == 0)
  }

  @Test func aDisabledPinIsNotAsserted() throws {
    driver.setConfiguration(0x0406, 0x04, .word)
    driver.negotiate()
    driver.write(15, to: .deviceStatus)
    try #require(driver.device.activation).state.notifyUsedBuffers(queue: 0)
    #expect(!driver.line.isAsserted)
    driver.setConfiguration(0x0006, 0x04, .word)
    #expect(driver.line.isAsserted)
    driver.write(0, to: .deviceStatus)
    #expect(!driver.line.isAsserted)
  }

  @Test func fieldsAnswerOnlyInTheirOwnWidth() {
    #expect(driver.registers.read(at: VirtioPCIRegister.queueCount.rawValue, width: .byte) == 0)
    driver.registers.write(0x0001_0001, at: VirtioPCIRegister.queueSelect.rawValue, width: .long)
    #expect(driver.read(.queueSelect) == 0)
  }

  @Test func deviceConfigurationIsReadInAnyWidthAndNeverWritten() {
    driver.registers.write(0, at: 0x2000, width: .long)
    #expect(driver.registers.read(at: 0x2002, width: .word) == 0x0403)
    #expect(driver.registers.read(at: 0x2000, width: .quad) == 0x0807_0605_0403_0201)
    #expect(driver.registers.read(at: 0x2008, width: .long) == 0)
  }

  // MARK: Access through configuration space (4.1.4.9)

  private func access(bar: UInt64, offset: UInt64, length: UInt64) throws -> Int {
    let capability = try #require(driver.capability(type: 5))
    driver.setConfiguration(bar, capability + 4, .byte)
    driver.setConfiguration(offset, capability + 8)
    driver.setConfiguration(length, capability + 12)
    return capability + 16
  }

  @Test func windowsAreReachedThroughConfigurationSpace() throws {
    #expect(driver.configuration(try access(bar: 0, offset: 0x2004, length: 4)) == 0x0807_0605)
    driver.setConfiguration(1, try access(bar: 0, offset: 0x16, length: 2))
    #expect(driver.read(.queueSelect) == 1)
    driver.setConfiguration(0, try access(bar: 0, offset: 0x3004, length: 2), .word)
    #expect(driver.device.notified == [1])
    #expect(driver.configuration(try access(bar: 1, offset: 12, length: 4)) == 1)
  }

  @Test(
    arguments: [
      (0, 0x3004, 0), (0, 0x3004, 8), (0, 0x3004, 3), (0, 0x3002, 4), (0, 0x4000, 4), (2, 0x3004, 4), (255, 0, 4),
      (0, 0xFFFF_FFFC, 4), (0, 0x3004, 0xFFFF_FFFF),
    ] as [(UInt64, UInt64, UInt64)])
  func accessOutsideTheWindowsDoesNothing(bar: UInt64, offset: UInt64, length: UInt64) throws {
    let data = try access(bar: bar, offset: offset, length: length)
    driver.setConfiguration(0x55, data)
    #expect(driver.device.notified.isEmpty)
    #expect(driver.configuration(data) == 0x55)
  }

  // MARK: Hostile drivers

  @Test(arguments: [UInt64(3), 0xFEED])
  func randomAccessesDoNotTrap(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let widths: [AccessWidth] = [.byte, .word, .long, .quad]
    for _ in 0..<200_000 {
      let word = generator.next()
      let width = widths[Int(word & 3)]
      let value = generator.next() >> (word >> 2 & 63)
      let offset = Int(word >> 8 & 0x3FFF)
      switch word >> 60 {
      case 0...3: driver.registers.write(value, at: offset & 0x3F, width: width)
      case 4...5: driver.registers.write(value, at: offset, width: width)
      case 6...7: driver.table.write(value, at: offset & 0xFFF, width: width)
      case 8...10: driver.setConfiguration(value, offset & 0xFF, width)
      case 11: _ = driver.configuration(offset & 0xFF, width)
      case 12: _ = driver.table.read(at: offset & 0xFFF, width: width)
      case 13: driver.write([0, 1, 3, 11, 15, 64, 128].randomElement(using: &generator) ?? 0, to: .deviceStatus)
      case 14: driver.device.activation?.state.notifyUsedBuffers(queue: Int(word >> 32 & 1))
      default: _ = driver.registers.read(at: offset, width: width)
      }
    }
    driver.negotiate()
    driver.setUp(queue: 0)
    #expect(driver.read(.queueEnable) == 1)
  }
}
