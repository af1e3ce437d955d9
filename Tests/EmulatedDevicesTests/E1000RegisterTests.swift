import DeviceModel
import Testing

@testable import EmulatedDevices

@Suite struct E1000RegisterTests {
  let driver: E1000Driver
  init() throws { driver = try E1000Driver() }

  @Test func configurationSpaceNamesAn82540EM() {
    #expect(driver.card.configuration.read(at: 0, width: .long) == 0x100E_8086)
    #expect(driver.card.configuration.read(at: 8, width: .long) >> 8 == 0x020000)
    #expect(driver.card.configuration.read(at: 0x3D, width: .byte) == 1)
    #expect(driver.card.windows.map(\.baseAddress.byteCount) == [0x20000, 64])
  }

  @Test func linkIsUpAtGigabitFullDuplex() { #expect(driver.read(.status) & 0xC3 == 0x83) }

  @Test func softwareResetClearsItselfAndForgetsTheDriver() throws {
    try driver.start()
    driver.write(0xFFFF_FFFF, at: E1000RegisterFile.multicastTable.lowerBound)
    driver.write(1 << 26, .control)
    #expect(driver.read(.control) & 1 << 26 == 0)
    #expect(driver.read(.receiveControl) == 0)
    #expect(driver.read(.transmitLength) == 0)
    #expect(driver.read(.interruptMask) == 0)
    #expect(driver.read(at: E1000RegisterFile.multicastTable.lowerBound) == 0)
    #expect(driver.read(at: 0x5400) == 0x1200_5452)
    #expect(driver.read(at: 0x5404) == 0x8000_5634)
  }

  @Test func eepromResetRestoresTheAddress() {
    driver.write(0, at: 0x5400)
    driver.write(1 << 13, .extendedControl)
    #expect(driver.read(at: 0x5400) == 0x1200_5452)
    #expect(driver.read(.extendedControl) & 1 << 13 == 0)
  }

  @Test func reservedAndReadOnlyBitsKeepTheirValue() {
    driver.write(0xFFFF_FFFF, .status)
    driver.write(0xFFFF_FFFF, .receiveBaseLow)
    driver.write(0xFFFF_FFFF, .receiveLength)
    driver.write(0xFFFF_FFFF, .transmitTail)
    #expect(driver.read(.status) & 0xC3 == 0x83)
    #expect(driver.read(.receiveBaseLow) == 0xFFFF_FFF0)
    #expect(driver.read(.receiveLength) == 0xF_FF80)
    #expect(driver.read(.transmitTail) == 0xFFFF)
  }

  @Test func partsOfARegisterCanBeReadButNotWritten() {
    driver.registers.write(0xFF, at: E1000Register.ledControl.rawValue, width: .byte)
    driver.registers.write(0x1234, at: 0x5402, width: .long)
    #expect(driver.read(.ledControl) == 0x0706_8302)
    #expect(driver.registers.read(at: E1000Register.ledControl.rawValue + 2, width: .word) == 0x0706)
    #expect(driver.registers.read(at: 0x5401, width: .byte) == 0x54)
    #expect(driver.registers.read(at: 0x5400, width: .quad) == 0x8000_5634_1200_5452)
  }

  @Test func whatIsNotDecodedReadsAsZero() {
    for offset in [0x0034, 0x5FFC, 0x6000, 0x1_FFFC, -4, Int(UInt32.max)] {
      driver.write(0xFFFF_FFFF, at: offset & ~3)
      #expect(driver.read(at: offset & ~3) == 0)
    }
  }

  @Test func portsReachEveryRegister() {
    let ports = driver.card.windows[1].device
    ports.write(0x5400, at: 0, width: .long)
    #expect(ports.read(at: 0, width: .long) == 0x5400)
    #expect(ports.read(at: 4, width: .long) == 0x1200_5452)
    ports.write(0xABCD_EF01, at: 4, width: .long)
    #expect(driver.read(at: 0x5400) == 0xABCD_EF01)
    #expect(ports.read(at: 4, width: .byte) == 0xFF)
    #expect(ports.read(at: 8, width: .long) == 0xFFFF_FFFF)
  }

  // MARK: EEPROM

  private func eeprom(_ address: UInt64) -> UInt16 {
    driver.write(address << 8 | 1, .eepromRead)
    #expect(driver.read(.eepromRead) & 0x10 != 0)
    return UInt16(driver.read(.eepromRead) >> 16)
  }

  @Test func eepromHoldsTheAddressAndItsChecksum() {
    #expect([0, 1, 2].map(eeprom) == [0x5452, 0x1200, 0x5634])
    #expect((0..<64).map { eeprom($0) }.reduce(0, &+) == 0xBABA)
  }

  /// Clocks one bit into the EEPROM and returns what it then shows, as Linux's e1000_raise_ee_clk and its kin do.
  private func clock(_ bit: UInt64) -> UInt64 {
    driver.write(0x42 | bit << 2, .eepromControl)
    driver.write(0x43 | bit << 2, .eepromControl)
    let out = driver.read(.eepromControl) >> 3 & 1
    driver.write(0x42 | bit << 2, .eepromControl)
    return out
  }

  private func microwire(_ address: UInt64, words: Int) -> [UInt16] {
    for bit in [1, 1, 0] as [UInt64] { _ = clock(bit) }
    for place in (0..<6).reversed() { _ = clock(address >> UInt64(place) & 1) }
    let read = (0..<words).map { _ in (0..<16).reduce(UInt16(0)) { word, _ in word << 1 | UInt16(clock(0)) } }
    driver.write(0, .eepromControl)
    return read
  }

  @Test func eepromIsReadBitByBit() {
    driver.write(0x40, .eepromControl)
    #expect(driver.read(.eepromControl) & 0x180 == 0x180)
    #expect(microwire(1, words: 1) == [0x1200])
    #expect(microwire(0, words: 3) == [0x5452, 0x1200, 0x5634])
    #expect(microwire(63, words: 2) == [eeprom(63), 0x5452])
  }

  // MARK: PHY

  private func phy(_ register: UInt64) -> UInt64 {
    driver.write(2 << 26 | 1 << 21 | register << 16, .managementInterface)
    return driver.read(.managementInterface)
  }

  @Test func phyIsAMarvellWithItsLinkUp() {
    #expect(phy(2) & 0xFFFF == 0x0141)
    #expect(phy(3) & 0xFFF0 == 0x0C20)
    #expect(phy(1) & 0x24 == 0x24)
    #expect(phy(17) & 0xAC00 == 0xAC00)
    #expect(phy(1) & 0x5000_0000 == 0x1000_0000)
  }

  @Test func negotiationEndsAtOnceAndIsAnnounced() {
    driver.write(1 << 26 | 1 << 21 | 0x1340, .managementInterface)
    #expect(phy(0) & 0xFFFF == 0x1140)
    #expect(driver.read(.interruptCause) == UInt64(E1000Cause.linkStatusChange))
  }

  @Test func phyRegistersThatAreReadOnlyStay() {
    driver.write(1 << 26 | 1 << 21 | 2 << 16 | 0xFFFF, .managementInterface)
    driver.write(1 << 26 | 1 << 21 | 4 << 16 | 0x0123, .managementInterface)
    #expect(phy(2) & 0xFFFF == 0x0141)
    #expect(phy(4) & 0xFFFF == 0x0123)
  }

  @Test func accessToAnAbsentPHYIsAnError() {
    driver.write(2 << 26 | 3 << 21 | 2 << 16, .managementInterface)
    #expect(driver.read(.managementInterface) & 0x5000_0000 == 0x5000_0000)
  }

  @Test func endOfAManagementAccessInterruptsWhereAsked() {
    driver.write(2 << 26 | 1 << 21 | 1 << 29, .managementInterface)
    #expect(driver.read(.interruptCause) == UInt64(E1000Cause.managementAccess))
  }
}
