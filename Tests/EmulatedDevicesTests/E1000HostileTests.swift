import Backends
import DeviceModel
import GuestMemory
import Testing

@testable import EmulatedDevices

@Suite struct E1000HostileTests {
  let driver: E1000Driver
  init() throws {
    driver = try E1000Driver()
    try driver.start()
  }

  @Test(
    arguments: [
      (.transmitHead, 16), (.transmitHead, 0xFFFF), (.transmitTail, 16), (.transmitTail, 0xFFFF),
      (.transmitLength, 0),
    ] as [(E1000Register, UInt64)])
  func transmitRingThatIsNoneIsLeftAlone(register: E1000Register, value: UInt64) throws {
    try driver.memory.write(Frames.ethernet(), at: GuestAddress(E1000Driver.transmitBuffers))
    for _ in 0..<15 { try driver.queue(E1000Driver.transmitBuffers, lower: 0x0B00_0040) }
    driver.write(value, register)
    driver.write(E1000Register.transmitTail == register ? value : 15, .transmitTail)
    #expect(driver.port.sent.isEmpty)
  }

  @Test(
    arguments: [
      (.receiveHead, 16), (.receiveHead, 0xFFFF), (.receiveTail, 16), (.receiveLength, 0),
    ] as [(E1000Register, UInt64)])
  func receiveRingThatIsNoneIsLeftAlone(register: E1000Register, value: UInt64) throws {
    driver.write(value, register)
    driver.deliver([Frames.ethernet()])
    #expect(driver.card.counters.received == 0)
    #expect(driver.port.incoming.count == 1)
  }

  @Test(arguments: [UInt64(0x40_0000), 0xFFFF_FFF0, 0x3F_FFF0])
  func ringsOutsideOfMemoryStandStill(base: UInt64) throws {
    driver.write(base, .transmitBaseLow)
    driver.write(0xFFFF_FFFF, .transmitBaseHigh)
    driver.write(15, .transmitTail)
    driver.write(base, .receiveBaseLow)
    driver.write(0xFFFF_FFFF, .receiveBaseHigh)
    driver.deliver([Frames.ethernet(), Frames.ethernet()])
    #expect(driver.read(.transmitHead) == 0)
    #expect(driver.read(.receiveHead) == 0)
    #expect(driver.card.counters.dropped == 1)
    #expect(!driver.card.shared.withCore { $0.workerTurn() }.hasMore)
  }

  @Test func ringThatLeavesMemoryIsServedUpToThere() throws {
    let base: UInt64 = 0x40_0000 - 2 * 16
    try driver.memory.write(Frames.ethernet(), at: GuestAddress(E1000Driver.transmitBuffers))
    for place in [base, base + 16] {
      try driver.memory.write(E1000Driver.transmitBuffers, at: GuestAddress(place))
      try driver.memory.write(UInt64(0x0B00_0040), at: GuestAddress(place + 8))
    }
    driver.write(base, .transmitBaseLow)
    driver.write(10, .transmitTail)
    #expect(driver.port.sent.count == 2)
    #expect(driver.read(.transmitHead) == 2)
  }

  @Test func buffersOutsideOfMemoryAreRefused() throws {
    try driver.queue(0x3F_FFFF, lower: 0x0B00_0040)
    try driver.queue(.max - 8, lower: 0x0B00_0040)
    try driver.queue(0, lower: 0x0B00_0040)
    driver.kick()
    #expect(driver.port.sent.count == 1)
    #expect(driver.card.counters.refused == 2)
    #expect(driver.read(.transmitHead) == 3)
  }

  @Test func receiveBufferOutsideOfMemoryIsAnError() throws {
    try driver.provide(0, address: 0x3F_FFF0)
    driver.deliver([Frames.ethernet(), Frames.ethernet()])
    let status = GuestAddress(E1000Driver.receiveRing + 12)
    #expect(try driver.memory.read(UInt16.self, at: status) == 0x8007)
    #expect(try driver.received(1).bytes == Frames.ethernet())
  }

  @Test func endlessPacketIsRefusedWithoutBeingKept() throws {
    for _ in 0..<200 {
      for _ in 0..<8 { try driver.queue(0x100000, lower: 0x20100000 | 0xF_FFFF) }
      driver.kick()
    }
    #expect(driver.port.sent.isEmpty)
    try driver.queue(0x100000, lower: 0x2110_0000 | 0xF_FFFF)
    try driver.send(Frames.ethernet())
    #expect(driver.card.counters.refused == 1)
    #expect(driver.port.sent == [Frames.ethernet()])
  }

  @Test func frameShorterThanItsAddressesIsRefused() throws {
    try driver.send([1, 2, 3])
    try driver.send([])
    #expect(driver.port.sent.isEmpty)
    #expect(driver.card.counters.refused == 2)
  }

  @Test func frameTooLongForThePortIsRefused() throws {
    driver.port.maximumFrame = 1514
    try driver.send(Frames.ethernet(size: 1515))
    try driver.send(Frames.ethernet(size: 1514))
    #expect(driver.port.sent.map(\.count) == [1514])
  }

  @Test func descriptorThatIsItsOwnBufferIsHarmless() throws {
    driver.port.isEcho = true
    driver.write(E1000Driver.transmitRing, .receiveBaseLow)
    for _ in 0..<15 { try driver.queue(E1000Driver.transmitRing, lower: 0x0B00_0040) }
    driver.kick()
    driver.work()
    #expect(driver.read(.transmitHead) <= 15)
    #expect(driver.card.counters.sent + driver.card.counters.refused <= 15)
  }

  @Test func afterAnyAbuseAResetMakesTheCardUsable() throws {
    driver.write(0xFFFF_FFFF, .transmitBaseHigh)
    driver.write(15, .transmitTail)
    driver.write(0xFFFF, .receiveHead)
    driver.deliver([Frames.ethernet(seed: 1)])
    try driver.start()
    try driver.send(Frames.ethernet(seed: 2))
    driver.deliver([])
    #expect(driver.port.sent == [Frames.ethernet(seed: 2)])
    #expect(try driver.received(0).bytes == Frames.ethernet(seed: 1))
  }
}
