import Testing

@Suite struct IDEAddressingTests {
  @Test func lba28ReachesItsLastSectorAndNoFurther() {
    let ide = IDEDriver(sectors: 0x1000_0010)
    ide.command(0x20, lba: 0x0FFF_FFFE, count: 2)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: 0x0FFF_FFFE))
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x10)
    #expect(ide.shownLBA == 0x0FFF_FFFF)
  }

  @Test func lba48CrossesThe28BitBoundary() {
    let ide = IDEDriver(sectors: 0x1000_0010)
    ide.commandExt(0x24, lba: 0x0FFF_FFFF, count: 2)
    #expect(ide.readData(1024) == FakeStorage.pattern(sectors: 0x0FFF_FFFF..<0x1000_0001))
    #expect(ide.acknowledge() == 0x50)
  }

  @Test func lba48UsesAllSixBytesOfTheAddress() {
    let ide = IDEDriver(sectors: 0xFFFF_FFFF_FFFF >> 8)
    ide.commandExt(0x24, lba: 0x0065_4321_ABCD, count: 1)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: 0x0065_4321_ABCD))
    ide.commandExt(0x24, lba: 0xFEDC_BA98_7654, count: 1)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x10)
    #expect(ide.shownLBA48 == 0xFEDC_BA98_7654)
  }

  @Test func lba48ErrorAtTheVeryTopDoesNotOverflow() {
    let ide = IDEDriver()
    ide.commandExt(0x42, lba: 0xFFFF_FFFF_FFFF, count: 0)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.shownLBA48 == 0xFFFF_FFFF_FFFF)
  }

  @Test func extCountUsesBothBytes() {
    let ide = IDEDriver()
    ide.commandExt(0x42, lba: 0, count: 0x0120)
    #expect(ide.storage.reads == 0x0120 / 16)
  }

  @Test func highOrderBytesAreReadBackUnderHOBUntilTheNextWrite() {
    let ide = IDEDriver()
    for register in 2...5 {
      ide.write(UInt8(0x10 + register), to: register)
      ide.write(UInt8(0x20 + register), to: register)
    }
    #expect((2...5).map { ide.read($0) } == [0x22, 0x23, 0x24, 0x25])
    ide.control(0x80)
    #expect((2...5).map { ide.read($0) } == [0x12, 0x13, 0x14, 0x15])
    ide.write(0, to: 1)
    #expect(ide.read(3) == 0x23)
  }

  @Test func shortCommandIgnoresThePreviousBytes() {
    let ide = IDEDriver()
    for register in 2...5 { ide.write(0x77, to: register) }
    ide.command(0x20, lba: 2, count: 1)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: 2))
    #expect(ide.alternateStatus == 0x50)
  }

  @Test(arguments: [
    (UInt16(0), UInt8(0), UInt8(1), UInt64(0)), (0, 0, 63, 62), (0, 1, 1, 63), (1, 0, 1, 1008), (129, 15, 63, 131_039),
  ])
  func cylinderHeadSectorIsTranslated(cylinder: UInt16, head: UInt8, sector: UInt8, lba: UInt64) {
    let ide = IDEDriver(sectors: 131_072)
    ide.command(0x20, cylinder: cylinder, head: head, sector: sector, count: 1)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: lba))
    #expect(ide.alternateStatus == 0x50)
  }

  @Test(arguments: [(UInt16(0), UInt8(0), UInt8(0)), (0, 0, 64), (130, 0, 1), (0xFFFF, 15, 63)])
  func cylinderHeadSectorOutsideTheGeometryIsNotFound(cylinder: UInt16, head: UInt8, sector: UInt8) {
    let ide = IDEDriver(sectors: 131_072)
    ide.command(0x20, cylinder: cylinder, head: head, sector: sector, count: 1)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x10)
    #expect(ide.storage.reads == 0)
  }

  @Test func failingCylinderHeadSectorIsShownAsSuch() {
    let ide = IDEDriver(sectors: 131_072)
    ide.storage.failingReads[1008 + 63] = FakeStorage.hostError
    ide.command(0x20, cylinder: 1, head: 0, sector: 63, count: 2)
    _ = ide.readData(512)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x40)
    #expect([ide.read(3), ide.read(4), ide.read(5), ide.read(6)] == [1, 1, 0, 0xA1])
  }

  @Test func initializeDeviceParametersChangesTheTranslation() {
    let ide = IDEDriver(sectors: 4096)
    ide.write(0xA3, to: 6)  // highest head 3: four heads
    ide.command(0x91, count: 16)
    #expect(ide.acknowledge() == 0x50)
    ide.command(0x20, cylinder: 2, head: 3, sector: 16, count: 1)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: (2 * 4 + 3) * 16 + 15))
    ide.command(0x20, cylinder: 0, head: 4, sector: 1, count: 1)
    #expect(ide.acknowledge() == 0x51)
    let words = ide.identify()
    #expect([words[54], words[55], words[56], words[1]] == [64, 4, 16, 4])
  }

  @Test func zeroSectorsPerTrackIsAborted() {
    let ide = IDEDriver()
    ide.command(0x91, count: 0)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x04)
  }
}
