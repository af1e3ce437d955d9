import Backends
import DeviceModel
import Testing

@Suite struct IDEErrorTests {
  private let ide = IDEDriver(sectors: 4096)

  @Test(arguments: [UInt8(0x00), 0x08, 0x25, 0x35, 0xA0, 0xA1, 0xC8, 0xCA, 0xE4, 0xE6, 0xF8, 0xFF])
  func unknownCommandIsAborted(code: UInt8) {
    ide.command(code)
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x04)
  }

  @Test func nextCommandClearsTheError() {
    ide.command(0x00)
    ide.command(0x10)
    #expect(ide.acknowledge() == 0x50)
    #expect(ide.error == 0)
  }

  @Test(arguments: [UInt8(0x20), 0x30, 0x40])
  func addressBeyondTheEndIsNotFound(code: UInt8) {
    ide.command(code, lba: 0x123456, count: 1)
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x10)
    #expect(ide.shownLBA == 0x123456)
    #expect(ide.storage.reads + ide.storage.writes == 0)
  }

  @Test func readThatRunsOverTheEndFailsAtTheFirstMissingSector() {
    ide.command(0x20, lba: 4095, count: 2)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: 4095))
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x10)
    #expect(ide.shownLBA == 4096)
  }

  @Test func writeThatRunsOverTheEndKeepsWhatFitted() {
    ide.command(0x30, lba: 4095, count: 2)
    ide.writeData([UInt8](repeating: 1, count: 1024))
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x10)
    #expect(ide.shownLBA == 4096)
    #expect(ide.storage.contents(of: 4095) == [UInt8](repeating: 1, count: 512))
    #expect(ide.storage.accessesOutOfRange == 0)
  }

  @Test(arguments: [UInt8(0xC4), 0xC5])
  func multipleBlockAcrossTheEndFailsAsAWhole(code: UInt8) {
    ide.command(0xC6, count: 8)
    ide.command(code, lba: 4092, count: 8)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x10)
    #expect(ide.shownLBA == 4096)
  }

  @Test func hostReadErrorIsUncorrectable() {
    ide.storage.failingReads[21] = FakeStorage.hostError
    ide.command(0x20, lba: 20, count: 3)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: 20))
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x40)
    #expect(ide.shownLBA == 21)
    #expect(ide.readData(4) == [0xFF, 0xFF, 0xFF, 0xFF])
  }

  @Test func verifyReportsHostReadErrors() {
    ide.storage.failingReads[30] = FakeStorage.hostError
    ide.commandExt(0x42, lba: 0, count: 64)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x40)
    #expect(ide.shownLBA48 == 16)
  }

  @Test func hostWriteErrorIsADeviceFault() {
    ide.storage.failingWrites[5] = FakeStorage.hostError
    ide.command(0x30, lba: 4, count: 4)
    ide.writeData([UInt8](repeating: 1, count: 2048))
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x71)
    #expect(ide.error == 0x04)
    #expect(ide.shownLBA == 5)
    ide.command(0x10)
    #expect(ide.acknowledge() == 0x50)
  }

  @Test func failedFlushIsADeviceFault() {
    ide.storage.flushError = FakeStorage.hostError
    ide.command(0xE7)
    #expect(ide.acknowledge() == 0x71)
    #expect(ide.error == 0x04)
  }

  @Test func failedFlushFailsTheUncachedWrite() {
    ide.command(0xEF, features: 0x82)
    ide.storage.flushError = FakeStorage.hostError
    ide.command(0x30, lba: 4, count: 1)
    ide.writeData([UInt8](repeating: 1, count: 512))
    #expect(ide.acknowledge() == 0x71)
  }

  @Test func mediumThatShrankIsNotFound() {
    ide.storage.failingReads[3] = .outOfRange(offset: 3 * 512, count: 512)
    ide.command(0x20, lba: 3, count: 1)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x10)
  }

  @Test(arguments: [UInt8(0x30), 0x31])
  func readOnlyMediumRefusesWritesBeforeData(code: UInt8) {
    ide.storage.isReadOnly = true
    ide.command(code, lba: 4, count: 1)
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x44)
    #expect(ide.shownLBA == 4)
    #expect(ide.storage.writes == 0)
  }

  @Test func mediumThatTurnsReadOnlyRefusesTheBlock() {
    ide.storage.failingWrites[4] = .readOnly
    ide.commandExt(0x34, lba: 4, count: 1)
    ide.writeData([UInt8](repeating: 1, count: 512))
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x44)
  }

  @Test(arguments: [UInt8(0xC4), 0xC5, 0x29, 0x39])
  func multipleIsAbortedUntilItIsSet(code: UInt8) {
    ide.command(code, lba: 0, count: 1)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x04)
  }

  @Test(arguments: [UInt8(3), 5, 17, 32, 255])
  func unsupportedMultipleIsAborted(count: UInt8) {
    ide.command(0xC6, count: count)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x04)
  }

  @Test(arguments: [UInt8(0x24), 0x34, 0x42])
  func extCommandWithoutLBABitIsAborted(code: UInt8) {
    ide.command(code, cylinder: 0, head: 0, sector: 1, count: 1)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x04)
  }

  @Test(arguments: [(UInt8(0x05), UInt8(0)), (0x66, 0), (0x03, 2), (0x03, 13), (0x03, 0x22), (0x03, 0x45)])
  func unsupportedFeatureIsAborted(feature: UInt8, count: UInt8) {
    ide.command(0xEF, features: feature, count: count)
    #expect(ide.acknowledge() == 0x51)
    #expect(ide.error == 0x04)
  }

  @Test func emptyMediumHasNoSectors() {
    let empty = IDEDriver(sectors: 0)
    empty.command(0x20, lba: 0, count: 1)
    #expect(empty.acknowledge() == 0x51)
    #expect(empty.error == 0x10)
    empty.command(0x20, cylinder: 0, head: 0, sector: 1, count: 1)
    #expect(empty.error == 0x10)
  }
}
