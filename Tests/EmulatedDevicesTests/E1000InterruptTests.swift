import DeviceModel
import Testing

@testable import EmulatedDevices

@Suite struct E1000InterruptTests {
  let driver: E1000Driver
  init() throws { driver = try E1000Driver() }

  @Test func maskedCauseIsSeenButDoesNotInterrupt() {
    driver.write(0x80, .interruptCauseSet)
    #expect(!driver.line.isAsserted)
    #expect(driver.read(.interruptCause) == 0x80)
  }

  @Test func readingTheCausesClearsThemAndDropsThePin() {
    driver.write(0x84, .interruptMask)
    driver.write(0x81, .interruptCauseSet)
    #expect(driver.line.isAsserted)
    #expect(driver.read(.interruptCause) == 0x81)
    #expect(!driver.line.isAsserted)
    #expect(driver.read(.interruptCause) == 0)
    #expect(driver.read(.interruptMask) == 0x84)
  }

  @Test func everyCauseAfterAReadIsANewEdge() {
    driver.write(0x80, .interruptMask)
    for _ in 0..<5 {
      driver.write(0x80, .interruptCauseSet)
      driver.write(0x80, .interruptCauseSet)
      #expect(driver.read(.interruptCause) == 0x80)
    }
    #expect(driver.line.risingEdges == 5)
  }

  @Test func unmaskingAPendingCauseInterrupts() {
    driver.write(0x80, .interruptCauseSet)
    driver.write(0x80, .interruptMask)
    #expect(driver.line.isAsserted)
    driver.write(0x80, .interruptMaskClear)
    #expect(!driver.line.isAsserted)
  }

  @Test func causesAreClearedByWritingOnes() {
    driver.write(0x84, .interruptMask)
    driver.write(0x84, .interruptCauseSet)
    driver.write(0x80, .interruptCause)
    #expect(driver.line.isAsserted)
    driver.write(0x04, .interruptCause)
    #expect(!driver.line.isAsserted)
  }

  @Test func commandRegisterDisablesThePinAndStatusShowsTheInterrupt() {
    driver.write(0x80, .interruptMask)
    driver.write(0x80, .interruptCauseSet)
    driver.becomeBusMaster(0x407)
    #expect(!driver.line.isAsserted)
    driver.card.configurationWillBeRead(at: 4, width: .long)
    #expect(driver.card.configuration.read(at: 6, width: .word) & 8 == 8)
    driver.becomeBusMaster(0x007)
    #expect(driver.line.isAsserted)
  }

  @Test func resetDropsThePin() {
    driver.write(0x80, .interruptMask)
    driver.write(0x80, .interruptCauseSet)
    driver.write(1 << 26, .control)
    #expect(!driver.line.isAsserted)
    #expect(driver.read(.interruptCause) == 0)
  }

  @Test func moderationKeepsInterruptsApart() {
    driver.write(0x80, .interruptMask)
    driver.write(1000, .interruptThrottling)  // 256 µs
    driver.write(0x80, .interruptCauseSet)
    #expect(driver.line.risingEdges == 1)
    _ = driver.read(.interruptCause)
    driver.write(0x80, .interruptCauseSet)
    #expect(!driver.line.isAsserted)
    driver.clock.advance(255_999)
    driver.write(0x80, .interruptCauseSet)
    #expect(driver.line.risingEdges == 1)
    driver.clock.advance(1)
    driver.write(0x80, .interruptCauseSet)
    #expect(driver.line.risingEdges == 2)
  }
}
