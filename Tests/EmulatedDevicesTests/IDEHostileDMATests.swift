import DeviceModel
import GuestMemory
import Testing

/// Tables that no sane driver writes.
struct IDEHostileDMATests {
  typealias Region = DMADriver.Region
  private let buffer = DMADriver.buffer
  let driver: DMADriver

  init() throws { driver = try DMADriver() }

  /// What follows any fault: the master has stopped with an error, the drive waits, and a reset makes both usable.
  private func expectFault() throws {
    #expect(driver.status == 2)
    #expect(driver.ide.alternateStatus & 0x08 != 0)
    driver.stop()
    driver.ports.write(6, at: 2, width: .byte)
    driver.ide.control(4)
    driver.ide.control(0)
    try driver.read(lba: 1, sectors: 1, [Region(address: buffer, count: 512, isLast: true)])
    #expect(driver.status == 4)
    #expect(try driver.memory.bytes(at: GuestAddress(buffer), count: 512) == FakeStorage.pattern(sector: 1))
  }

  @Test(arguments: [
    Region(address: 0x4_FFFE, count: 4), Region(address: 0x4_0002, count: 0), Region(address: 0x10_0000, count: 2),
    Region(address: 0xFFFF_FE00, count: 512), Region(address: 0x20_0000, count: 0),
  ])
  func aRegionOutsideMemoryOrAcrossABoundaryIsAFault(region: Region) throws {
    try driver.read(lba: 0, sectors: 1, [region])
    try expectFault()
  }

  @Test func theLastBytesOfMemoryAreReached() throws {
    try driver.read(lba: 2, sectors: 1, [Region(address: 0xF_FE00, count: 512, isLast: true)])
    #expect(try driver.memory.bytes(at: GuestAddress(0xF_FE00), count: 512) == FakeStorage.pattern(sector: 2))
  }

  @Test func oddAddressesAndCountsLoseTheirLowestBit() throws {
    try driver.read(lba: 0, sectors: 1, [Region(address: buffer + 1, count: 513, isLast: true)])
    #expect(driver.status == 4)
    #expect(try driver.memory.bytes(at: GuestAddress(buffer), count: 512) == FakeStorage.pattern(sector: 0))
  }

  @Test(arguments: [UInt64(0x10_0000), 0xF_FFFC, 0xFFFF_FFF8, 0x1_FFFC])
  func aTableOutsideMemoryOrAcrossABoundaryIsAFault(table: UInt64) throws {
    driver.setTable(table)
    driver.ide.command(0xC8, lba: 0, count: 1)
    driver.start(toMemory: true)
    try expectFault()
  }

  @Test func aTableWithoutAnEndStopsAtTheBoundary() throws {
    try driver.writeTable((0..<4).map { Region(address: buffer + 16 * $0, count: 2) }, at: 0x1_FFE0)
    driver.setTable(0x1_FFE0)
    driver.ide.command(0xC8, lba: 0, count: 1)
    driver.start(toMemory: true)
    try expectFault()
  }

  @Test func theSmallestRegionsOfTheLongestTableAreBounded() throws {
    try driver.writeTable([Region](repeating: Region(address: buffer, count: 2), count: 8192))
    driver.setTable()
    driver.ide.commandExt(0x25, lba: 0, count: 4096)
    driver.start(toMemory: true)
    try expectFault()
  }

  @Test func aTableThatOverwritesItselfIsReadAsItIsThen() throws {
    // The first region covers the second entry: what the disk holds becomes the table, and points outside memory.
    try driver.writeTable([
      Region(address: DMADriver.table, count: 512), Region(address: buffer, count: 512, isLast: true),
    ])
    driver.setTable()
    driver.ide.command(0xC8, lba: 0, count: 4)
    driver.start(toMemory: true)
    try expectFault()
  }

  @Test(arguments: [UInt64(11), 0xD1CE])
  func randomTablesAndRegistersDoNotTrap(seed: UInt64) throws {
    var generator = SeededGenerator(state: seed)
    let commands: [UInt8] = [0xC8, 0xC8, 0xCA, 0xCA, 0x25, 0x35, 0x20, 0xEC, 0xE7, 0xEF, 0x90]
    let tables: [UInt64] = [DMADriver.table, DMADriver.table, 0x1_FFF0, 0xF_FFF8, 0xFFFF_FFFC]
    driver.storage.failingReads[7] = FakeStorage.hostError
    driver.storage.failingWrites[9] = FakeStorage.hostError
    for _ in 0..<150_000 {
      let word = generator.next()
      switch word % 16 {
      case 0...2:
        let entry = generator.next() & (word & 0x100 == 0 ? 0x8000_FFFE_000F_FFFF : .max)
        try driver.memory.write(entry, at: GuestAddress(DMADriver.table + (word >> 16 & 0xF) * 8))
      case 3: driver.setTable(tables[Int(word >> 8) % tables.count])
      case 4...6: driver.start(toMemory: word & 0x100 == 0)
      case 7, 8: driver.stop()
      case 9...11:
        driver.ide.command(
          commands[Int(word >> 8) % commands.count], lba: UInt32(word >> 40 & 0xFFF), count: UInt8(word >> 32 & 3))
      case 12: driver.ide.control(word & 0x300 == 0 ? 4 : 0)
      case 13: driver.setCommand(word & 0x700 == 0 ? 1 : 5)
      case 14: driver.ports.write(generator.next(), at: Int(word >> 8 & 15), width: .byte)
      default: _ = driver.ports.read(at: Int(word >> 8 & 15), width: .long)
      }
    }
    #expect(driver.storage.accessesOutOfRange == 0)
    #expect(driver.storage.misalignedBuffers == 0)
    // Proof that the abuse went deeper than the registers.
    #expect(driver.storage.reads > 500)
    #expect(driver.storage.writes > 100)
    driver.setCommand(5)
    driver.stop()
    driver.ide.control(4)
    driver.ide.control(0)
    driver.ports.write(6, at: 2, width: .byte)
    try driver.read(lba: 20, sectors: 1, [Region(address: buffer, count: 512, isLast: true)])
    #expect(driver.status == 4)
    #expect(try driver.memory.bytes(at: GuestAddress(buffer), count: 512) == driver.storage.contents(of: 20))
  }
}
