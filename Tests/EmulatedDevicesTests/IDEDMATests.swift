import DeviceModel
import GuestMemory
import Testing

struct IDEDMATests {
  typealias Region = DMADriver.Region
  private let buffer = DMADriver.buffer
  let driver: DMADriver

  init() throws { driver = try DMADriver() }

  // MARK: The function

  @Test func theFunctionIsAPIIX3() {
    let header = driver.function.configuration
    #expect(header.read(at: 0, width: .long) == 0x7010_8086)
    #expect(header.read(at: 8, width: .long) >> 8 == 0x010180)
    #expect(header.read(at: 0x20, width: .long) == 0xC001)
    header.write(.max, at: 0x20, width: .long)
    #expect(header.read(at: 0x20, width: .long) == 0xFFFF_FFF1)
    #expect(header.read(at: 0x40, width: .long) == 0x8000_8000)
  }

  @Test func theDriveAnnouncesDMA() {
    let words = driver.ide.identify()
    #expect(words[49] & 0x0100 != 0)
    #expect(words[53] & 4 == 4)
    #expect(words[63] == 0x0407)
    #expect(words[88] == 0x0007)
  }

  @Test func withoutAFunctionThereIsNoDMA() {
    let ide = IDEDriver()
    let words = ide.identify()
    #expect([words[49] & 0x0100, words[63], words[88]] == [0, 0, 0])
    let statuses = [UInt8(0xC8), 0xCA, 0x25, 0x35].map { command in
      ide.command(command, lba: 0, count: 1)
      return ide.acknowledge()
    }
    #expect(statuses == [0x51, 0x51, 0x51, 0x51])
    ide.command(0xEF, features: 3, count: 0x22)
    #expect(ide.acknowledge() == 0x51)
  }

  @Test(arguments: [(UInt8(0x20), UInt16(0x0107), UInt16(0x0007)), (0x22, 0x0407, 0x0007), (0x42, 0x0007, 0x0407)])
  func theTransferModeIsShown(mode: UInt8, multiword: UInt16, ultra: UInt16) {
    driver.ide.command(0xEF, features: 3, count: mode)
    #expect(driver.ide.acknowledge() == 0x50)
    let words = driver.ide.identify()
    #expect([words[63], words[88]] == [multiword, ultra])
  }

  @Test(arguments: [UInt8(0x23), 0x43, 0x10, 0x80])
  func unknownTransferModesAreAborted(mode: UInt8) {
    driver.ide.command(0xEF, features: 3, count: mode)
    #expect(driver.ide.acknowledge() == 0x51)
  }

  // MARK: Transfers

  @Test func aReadFillsMemoryAndInterruptsOnce() throws {
    let edges = driver.ide.line.risingEdges
    try driver.read(lba: 5, sectors: 8, [Region(address: buffer, count: 4096, isLast: true)])
    #expect(try driver.memory.bytes(at: GuestAddress(buffer), count: 4096) == FakeStorage.pattern(sectors: 5..<13))
    #expect(driver.status == 4)
    #expect(driver.ide.line.risingEdges == edges + 1)
    #expect(driver.ide.acknowledge() == 0x50)
    #expect(!driver.ide.line.isAsserted)
  }

  @Test func aWriteReachesTheMedium() throws {
    let bytes = (0..<1024).map { UInt8(truncatingIfNeeded: $0 * 3) }
    try driver.memory.write(bytes, at: GuestAddress(buffer))
    try driver.write(lba: 9, sectors: 2, [Region(address: buffer, count: 1024, isLast: true)])
    #expect(driver.storage.contents(of: 9) + driver.storage.contents(of: 10) == bytes)
    #expect(driver.status == 4)
    #expect(driver.ide.acknowledge() == 0x50)
  }

  @Test func regionsNeedNotBeWholeSectors() throws {
    try driver.read(
      lba: 0, sectors: 1,
      [
        Region(address: buffer, count: 2), Region(address: buffer + 0x1000, count: 300),
        Region(address: buffer + 0x2000, count: 210, isLast: true),
      ])
    let parts = try [(0, 2), (0x1000, 300), (0x2000, 210)].map {
      try driver.memory.bytes(at: GuestAddress(buffer + UInt64($0.0)), count: $0.1)
    }
    #expect(parts.flatMap(\.self) == FakeStorage.pattern(sector: 0))
  }

  @Test func aCountOfZeroIs64KiB() throws {
    try driver.read(lba: 0, sectors: 128, [Region(address: 0x5_0000, count: 0, isLast: true)])
    #expect(try driver.memory.bytes(at: GuestAddress(0x5_0000), count: 65536) == FakeStorage.pattern(sectors: 0..<128))
    #expect(driver.status == 4)
  }

  @Test func extendedCommandsTransferMoreThanABlock() throws {
    let regions = (0..<8).map { Region(address: 0x5_0000 + 0x1_0000 * UInt64($0), count: 0, isLast: $0 == 7) }
    try driver.writeTable(regions)
    driver.setTable()
    driver.ide.commandExt(0x25, lba: 100, count: 1024)
    driver.start(toMemory: true)
    #expect(driver.status == 4)
    let last = try driver.memory.bytes(at: GuestAddress(0x5_0000 + 1023 * 512), count: 512)
    #expect(last == FakeStorage.pattern(sector: 1123))
    driver.stop()
    driver.ide.commandExt(0x35, lba: 2000, count: 1024)
    driver.start(toMemory: false)
    #expect(driver.storage.contents(of: 3023) == last)
  }

  @Test func startingBeforeTheCommandWorksToo() throws {
    try driver.writeTable([Region(address: buffer, count: 512, isLast: true)])
    driver.setTable()
    driver.start(toMemory: true)
    #expect(driver.status == 1)
    driver.ide.command(0xC8, lba: 3, count: 1)
    #expect(driver.status == 4)
    #expect(try driver.memory.bytes(at: GuestAddress(buffer), count: 512) == FakeStorage.pattern(sector: 3))
  }

  @Test func aTableThatIsTooLongLeavesTheMasterActive() throws {
    try driver.read(lba: 0, sectors: 1, [Region(address: buffer, count: 1024, isLast: true)])
    #expect(driver.status == 5)
    driver.stop()
    #expect(driver.status == 4)
  }

  @Test func aTableThatIsTooShortLeavesTheDriveWaiting() throws {
    try driver.read(lba: 0, sectors: 2, [Region(address: buffer, count: 512, isLast: true)])
    #expect(driver.status == 0)
    #expect(driver.ide.alternateStatus & 0x08 != 0)
    driver.stop()
    driver.start(toMemory: true)
    #expect(driver.status == 4)
    #expect(try driver.memory.bytes(at: GuestAddress(buffer), count: 512) == FakeStorage.pattern(sector: 1))
  }

  @Test func statusBitsAreClearedByWritingOnes() throws {
    try driver.read(lba: 0, sectors: 1, [Region(address: buffer, count: 512, isLast: true)])
    driver.ports.write(0, at: 2, width: .byte)
    #expect(driver.status == 4)
    driver.ports.write(0x66, at: 2, width: .byte)
    #expect(driver.ports.read(at: 2, width: .byte) == 0x60)
  }

  @Test func theOtherDirectionMovesNothing() throws {
    try driver.writeTable([Region(address: buffer, count: 512, isLast: true)])
    driver.setTable()
    driver.ide.command(0xC8, lba: 0, count: 1)
    driver.start(toMemory: false)
    #expect(driver.status == 1)
    #expect(driver.storage.reads == 0)
  }

  @Test func aFunctionThatMayNotMasterTheBusWaits() throws {
    let driver = try DMADriver(isBusMaster: false)
    try driver.read(lba: 7, sectors: 1, [Region(address: buffer, count: 512, isLast: true)])
    #expect(driver.status == 1)
    driver.setCommand(0x0005)
    #expect(driver.status == 4)
    #expect(try driver.memory.bytes(at: GuestAddress(buffer), count: 512) == FakeStorage.pattern(sector: 7))
  }

  @Test func aDisabledInterruptIsNotNoted() throws {
    driver.ide.control(0x02)
    try driver.read(lba: 0, sectors: 1, [Region(address: buffer, count: 512, isLast: true)])
    #expect(driver.status == 0)
    #expect(driver.ide.alternateStatus == 0x50)
  }

  // MARK: The medium fails

  @Test func aReadErrorEndsTheCommand() throws {
    driver.storage.failingReads[300] = FakeStorage.hostError
    try driver.writeTable([Region(address: 0x5_0000, count: 0), Region(address: 0x6_0000, count: 0, isLast: true)])
    driver.setTable()
    driver.ide.commandExt(0x25, lba: 0, count: 400)
    driver.start(toMemory: true)
    driver.stop()
    driver.start(toMemory: true)
    #expect(driver.status & 4 == 4)
    #expect(driver.ide.acknowledge() == 0x51)
    #expect(driver.ide.error == 0x40)
  }

  @Test func aReadOnlyMediumRefusesWrites() throws {
    driver.storage.isReadOnly = true
    try driver.write(lba: 0, sectors: 1, [Region(address: buffer, count: 512, isLast: true)])
    #expect(driver.ide.acknowledge() == 0x51)
    #expect(driver.storage.writes == 0)
  }

  @Test func sectorsBeyondTheEndAreNotFound() throws {
    try driver.read(lba: 4095, sectors: 2, [Region(address: buffer, count: 1024, isLast: true)])
    #expect(driver.ide.acknowledge() == 0x51)
    #expect(driver.ide.error == 0x10)
    #expect(driver.storage.reads == 0)
  }

  // MARK: Other ports

  @Test func theSecondaryMasterIsThereAndMovesNothing() throws {
    try driver.writeTable([Region(address: buffer, count: 512, isLast: true)])
    driver.ports.write(DMADriver.table, at: 12, width: .long)
    driver.ide.command(0xC8, lba: 0, count: 1)
    driver.ports.write(9, at: 8, width: .byte)
    #expect(driver.ports.read(at: 12, width: .long) == DMADriver.table)
    #expect(driver.ports.read(at: 10, width: .byte) == 1)
    #expect(driver.storage.reads == 0)
  }

  @Test func portsBeyondTheWindowReadAllOnes() {
    #expect(driver.ports.read(at: 14, width: .long) == 0xFFFF_0000)
    driver.ports.write(.max, at: 12, width: .quad)
    #expect(driver.ports.read(at: 12, width: .long) == 0xFFFF_FFFC)
  }
}
