import DeviceModel
import Testing

@Suite struct IDEReadTests {
  private let ide = IDEDriver()

  @Test(arguments: [UInt8(0x20), 0x21])
  func readSectorsInterruptsBeforeEachSector(code: UInt8) {
    ide.command(code, lba: 100, count: 2)
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x58)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: 100))
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x58)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: 101))
    #expect(!ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x50)
    #expect(ide.line.risingEdges == 2)
  }

  @Test(arguments: [AccessWidth.word, .long])
  func singleAccessesAndStringsReadTheSame(width: AccessWidth) {
    ide.command(0x20, lba: 7, count: 1)
    var bytes: [UInt8] = []
    for _ in 0..<(512 / width.rawValue) {
      let value = ide.channel.commandBlock.read(at: 0, width: width)
      bytes += (0..<width.rawValue).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
    #expect(bytes == FakeStorage.pattern(sector: 7))
    ide.command(0x20, lba: 7, count: 1)
    #expect(ide.readData(512, width: width) == bytes)
    #expect(ide.alternateStatus == 0x50)
  }

  @Test func oneStringMayCrossBlocks() {
    ide.command(0x20, lba: 0, count: 4)
    #expect(ide.readData(2048, width: .long) == FakeStorage.pattern(sectors: 0..<4))
    #expect(ide.alternateStatus == 0x50)
  }

  @Test func longAccessAcrossTwoBlocksIsTwoWordCycles() {
    ide.command(0x20, lba: 0, count: 2)
    _ = ide.readData(510)
    let (first, second) = (FakeStorage.pattern(sector: 0), FakeStorage.pattern(sector: 1))
    let expected = [first[510], first[511], second[0], second[1]].enumerated()
      .reduce(UInt64(0)) { $0 | UInt64($1.element) << UInt64(8 * $1.offset) }
    #expect(ide.channel.commandBlock.read(at: 0, width: .long) == expected)
  }

  @Test func countZeroIs256Sectors() {
    ide.command(0x20, lba: 16, count: 0)
    #expect(ide.readData(256 * 512) == FakeStorage.pattern(sectors: 16..<272))
    #expect(ide.alternateStatus == 0x50)
    #expect(ide.line.risingEdges == 1)
  }

  @Test func extCountZeroIs65536Sectors() {
    let large = IDEDriver(sectors: 65536)
    large.commandExt(0x42, lba: 0, count: 0)
    #expect(large.acknowledge() == 0x50)
    #expect(large.storage.reads == 65536 / 16)
  }

  @Test func readMultipleHasAPartialLastBlock() {
    ide.command(0xC6, count: 4)
    _ = ide.acknowledge()
    ide.command(0xC4, lba: 40, count: 10)
    #expect(ide.acknowledge() == 0x58)
    #expect(ide.readData(2048) == FakeStorage.pattern(sectors: 40..<44))
    #expect(ide.acknowledge() == 0x58)
    #expect(ide.readData(2048) == FakeStorage.pattern(sectors: 44..<48))
    #expect(ide.acknowledge() == 0x58)
    #expect(ide.readData(1024) == FakeStorage.pattern(sectors: 48..<50))
    #expect(ide.acknowledge() == 0x50)
    #expect(ide.storage.reads == 3)
    #expect(ide.line.risingEdges == 4)
  }

  @Test func multipleOf16IsOneAlignedRead() {
    ide.command(0xC6, count: 16)
    ide.commandExt(0x29, lba: 0, count: 16)
    #expect(ide.readData(8192, width: .long) == FakeStorage.pattern(sectors: 0..<16))
    #expect(ide.storage.reads == 1)
    #expect(ide.storage.misalignedBuffers == 0)
  }

  @Test func pollingGuestNeedsNoAcknowledgement() {
    ide.control(0x02)
    ide.command(0x20, lba: 1, count: 2)
    #expect(ide.alternateStatus == 0x58)
    #expect(ide.readData(1024) == FakeStorage.pattern(sectors: 1..<3))
    #expect(ide.line.risingEdges == 0)
  }

  @Test func verifyReadsWithoutData() {
    ide.command(0x40, lba: 8, count: 20)
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x50)
    #expect(ide.storage.reads == 2)
  }
}

@Suite struct IDEWriteTests {
  private let ide = IDEDriver()
  private let data = (0..<2560).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 8) }

  @Test(arguments: [UInt8(0x30), 0x31])
  func writeSectorsInterruptsAfterEachSectorOnly(code: UInt8) {
    ide.command(code, lba: 9, count: 2)
    #expect(!ide.line.isAsserted)
    #expect(ide.alternateStatus == 0x58)
    ide.writeData(Array(data[..<512]))
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x58)
    ide.writeData(Array(data[512..<1024]))
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x50)
    #expect(ide.storage.contents(of: 9) == Array(data[..<512]))
    #expect(ide.storage.contents(of: 10) == Array(data[512..<1024]))
    #expect(ide.storage.contents(of: 11) == FakeStorage.pattern(sector: 11))
  }

  @Test(arguments: [AccessWidth.word, .long])
  func singleAccessesWriteTheSame(width: AccessWidth) {
    ide.command(0x30, lba: 3, count: 1)
    for start in stride(from: 0, to: 512, by: width.rawValue) {
      let value = (0..<width.rawValue).reduce(UInt64(0)) { $0 | UInt64(data[start + $1]) << UInt64(8 * $1) }
      ide.channel.commandBlock.write(value, at: 0, width: width)
    }
    #expect(ide.storage.contents(of: 3) == Array(data[..<512]))
    #expect(ide.alternateStatus == 0x50)
  }

  @Test func nothingIsWrittenBeforeTheBlockIsWhole() {
    ide.command(0x30, lba: 3, count: 1)
    ide.writeData(Array(data[..<510]))
    #expect(ide.storage.writes == 0)
    #expect(ide.alternateStatus == 0x58)
  }

  @Test func writeMultipleHasAPartialLastBlock() {
    ide.command(0xC6, count: 4)
    _ = ide.acknowledge()
    ide.command(0xC5, lba: 60, count: 5)
    expectBlocksOfFourAndOne()
  }

  @Test func writeMultipleExtHasAPartialLastBlock() {
    ide.command(0xC6, count: 4)
    _ = ide.acknowledge()
    ide.commandExt(0x39, lba: 60, count: 5)
    expectBlocksOfFourAndOne()
  }

  private func expectBlocksOfFourAndOne() {
    ide.writeData(Array(data[..<2048]), width: .long)
    #expect(ide.acknowledge() == 0x58)
    ide.writeData(Array(data[2048...]), width: .long)
    #expect(ide.acknowledge() == 0x50)
    #expect(ide.storage.writes == 2)
    #expect((60..<65).flatMap { ide.storage.contents(of: $0) } == data)
    #expect(ide.storage.misalignedBuffers == 0)
  }

  @Test func oneStringMayFillSeveralBlocksAndTheRestIsDropped() {
    ide.commandExt(0x34, lba: 0, count: 4)
    ide.writeData(data)
    #expect(ide.storage.writes == 4)
    #expect((0..<4).flatMap { ide.storage.contents(of: $0) } == Array(data[..<2048]))
    #expect(ide.alternateStatus == 0x50)
  }

  @Test func writesReachTheStorageUnflushedWhileTheCacheIsOn() {
    ide.command(0x30, lba: 3, count: 1)
    ide.writeData(Array(data[..<512]))
    #expect(ide.storage.flushes == 0)
  }

  @Test func writesAreDurableAtCompletionWhileTheCacheIsOff() {
    ide.command(0xEF, features: 0x82)
    #expect(ide.storage.flushes == 1)
    ide.command(0x30, lba: 3, count: 2)
    ide.writeData(Array(data[..<1024]))
    #expect(ide.storage.flushes == 2)
    ide.command(0xEF, features: 0x02)
    ide.command(0x30, lba: 3, count: 1)
    ide.writeData(Array(data[..<512]))
    #expect(ide.storage.flushes == 2)
  }

  @Test(arguments: [UInt8(0xE7), 0xEA])
  func flushReachesTheStorage(code: UInt8) {
    ide.command(code)
    #expect(ide.storage.flushes == 1)
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x50)
  }
}
