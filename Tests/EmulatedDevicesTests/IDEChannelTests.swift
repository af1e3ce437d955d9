import DeviceModel
import Testing

@Suite struct IDEChannelTests {
  private let ide = IDEDriver()

  private var signature: [UInt8] { (1...6).map { ide.read($0) } }

  @Test func powerOnShowsTheSignature() {
    #expect(signature == [0x01, 0x01, 0x01, 0x00, 0x00, 0x00])
    #expect(ide.alternateStatus == 0x50)
    #expect(!ide.line.isAsserted)
  }

  @Test func statusAcknowledgesAndAlternateStatusDoesNot() {
    ide.command(0x10)
    #expect(ide.alternateStatus == 0x50)
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x50)
    #expect(!ide.line.isAsserted)
  }

  @Test func nIENHidesAPendingInterruptUntilItIsCleared() {
    ide.control(0x02)
    ide.command(0x10)
    #expect(!ide.line.isAsserted)
    ide.control(0x00)
    #expect(ide.line.isAsserted)
    ide.control(0x02)
    #expect(!ide.line.isAsserted)
  }

  @Test func newCommandDropsAnOldInterrupt() {
    ide.command(0x10)
    ide.command(0x30, lba: 0, count: 1)
    #expect(!ide.line.isAsserted)
  }

  @Test func registersCannotBeWrittenWhileDataWait() {
    ide.command(0x20, lba: 5, count: 2)
    for register in 1...6 { ide.write(0x5A, to: register) }
    ide.write(0xEC, to: 7)
    #expect(ide.shownLBA == 5)
    #expect(ide.readData(1024) == FakeStorage.pattern(sectors: 5..<7))
  }

  @Test(arguments: [UInt8(0x20), 0x30])
  func softwareResetEndsATransfer(code: UInt8) {
    ide.command(code, lba: 5, count: 2)
    ide.writeData([1, 2, 3, 4])
    _ = ide.readData(4)
    ide.control(0x04)
    #expect(ide.alternateStatus == 0x80)
    #expect(!ide.line.isAsserted)
    ide.control(0x00)
    #expect(ide.alternateStatus == 0x50)
    #expect(signature == [0x01, 0x01, 0x01, 0x00, 0x00, 0x00])
    #expect(ide.readData(4) == [0xFF, 0xFF, 0xFF, 0xFF])
    #expect(ide.storage.writes == 0)
    #expect(!ide.line.isAsserted)
  }

  @Test func commandsAreIgnoredWhileResetIsHeld() {
    ide.control(0x04)
    ide.command(0x10)
    #expect(ide.acknowledge() == 0x80)
    ide.control(0x00)
    #expect(!ide.line.isAsserted)
    #expect(ide.alternateStatus == 0x50)
  }

  @Test func softwareResetRestoresDefaults() {
    ide.command(0xC6, count: 8)
    ide.command(0xEF, features: 0x82)
    ide.write(0xA3, to: 6)
    ide.command(0x91, count: 16)
    ide.control(0x04)
    ide.control(0x00)
    let words = ide.identify()
    #expect([words[59], words[85] & 0x20, words[55], words[56]] == [0, 0x20, 16, 63])
  }

  @Test func absentDriveReadsZeroStatusAndIgnoresCommands() {
    ide.write(0xB0, to: 6)
    #expect(ide.read(7) == 0)
    #expect(ide.alternateStatus == 0)
    ide.command(0xEC)
    #expect(ide.alternateStatus == 0)
    #expect(!ide.line.isAsserted)
    #expect(ide.readData(2) == [0xFF, 0xFF])
    #expect(ide.read(6) == 0xB0)
    ide.write(0xA0, to: 6)
    #expect(ide.alternateStatus == 0x50)
  }

  @Test func absentDriveLetsDriveZeroAnswerForItsRegisters() {
    ide.write(0xB0, to: 6)
    ide.write(0x5A, to: 3)
    #expect(ide.read(3) == 0x5A)
    #expect(ide.error == 0x01)
  }

  @Test func selectingTheAbsentDriveHidesButKeepsTheInterrupt() {
    ide.command(0x10)
    ide.write(0xB0, to: 6)
    #expect(!ide.line.isAsserted)
    _ = ide.acknowledge()
    ide.write(0xA0, to: 6)
    #expect(ide.line.isAsserted)
  }

  @Test func diagnosticRunsOnWhicheverDriveIsSelected() {
    ide.write(0xB0, to: 6)
    ide.command(0x90)
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x50)
    #expect(signature == [0x01, 0x01, 0x01, 0x00, 0x00, 0x00])
  }

  @Test func diagnosticKeepsTheSettings() {
    ide.command(0xC6, count: 8)
    ide.command(0x90)
    #expect(ide.identify()[59] == 0x0108)
  }

  @Test func powerModesAreTracked() {
    func mode() -> UInt8 {
      ide.command(0xE5)
      return ide.read(2)
    }
    #expect(mode() == 0xFF)
    ide.command(0xE0)
    #expect(mode() == 0x00)
    ide.command(0xE1)
    #expect(mode() == 0xFF)
    ide.command(0xE2)
    #expect(mode() == 0x00)
    ide.command(0xE3)
    #expect(mode() == 0xFF)
    ide.command(0xE2)
    ide.command(0x40, lba: 0, count: 1)
    #expect(mode() == 0xFF)
  }

  @Test(arguments: [UInt8(0), 1, 2, 4, 8, 16])
  func supportedMultipleIsAccepted(count: UInt8) {
    ide.command(0xC6, count: count)
    #expect(ide.acknowledge() == 0x50)
  }

  @Test func multipleOfZeroDisables() {
    ide.command(0xC6, count: 8)
    ide.command(0xC6, count: 0)
    ide.command(0xC4, lba: 0, count: 1)
    #expect(ide.acknowledge() == 0x51)
  }

  @Test(arguments: [UInt8(0), 1, 8, 9, 10, 11, 12])
  func pioTransferModesAreAccepted(mode: UInt8) {
    ide.command(0xEF, features: 0x03, count: mode)
    #expect(ide.acknowledge() == 0x50)
  }

  @Test func dataPortWithoutDataIsHarmless() {
    #expect(ide.channel.commandBlock.read(at: 0, width: .word) == 0xFFFF)
    #expect(ide.channel.commandBlock.read(at: 0, width: .long) == 0xFFFF_FFFF)
    ide.writeData([1, 2, 3, 4])
    #expect(ide.alternateStatus == 0x50)
  }

  @Test(arguments: [AccessWidth.byte, .quad])
  func dataPortDecodesWordsAndLongsOnly(width: AccessWidth) {
    ide.command(0x20, lba: 0, count: 1)
    #expect(ide.channel.commandBlock.read(at: 0, width: width) == .max >> UInt64(64 - 8 * width.rawValue))
    ide.channel.commandBlock.write(0, at: 0, width: width)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: 0))
  }

  @Test func unfinishedElementOfAStringIsNotTransferred() {
    ide.command(0x20, lba: 0, count: 1)
    #expect(ide.readData(7, width: .long) == FakeStorage.pattern(sector: 0)[..<4] + [0xFF, 0xFF, 0xFF])
    #expect(ide.readData(508, width: .long) == Array(FakeStorage.pattern(sector: 0)[4...]))
    ide.command(0x30, lba: 0, count: 1)
    ide.writeData([UInt8](repeating: 1, count: 513))
    #expect(ide.storage.writes == 1)
  }

  @Test func dataPortIgnoresTheWrongDirection() {
    ide.command(0x30, lba: 0, count: 1)
    #expect(ide.readData(512) == [UInt8](repeating: 0xFF, count: 512))
    #expect(ide.alternateStatus == 0x58)
    ide.control(0x04)
    ide.control(0x00)
    ide.command(0x20, lba: 0, count: 1)
    ide.writeData([UInt8](repeating: 1, count: 512))
    #expect(ide.storage.writes == 0)
    #expect(ide.readData(512) == FakeStorage.pattern(sector: 0))
  }

  @Test func wideAccessToByteRegistersIsSplit() {
    ide.channel.commandBlock.write(0x0403_0201, at: 2, width: .long)
    #expect((2...5).map { ide.read($0) } == [1, 2, 3, 4])
    #expect(ide.channel.commandBlock.read(at: 7, width: .word) == 0xFF50)
    #expect(ide.channel.commandBlock.read(at: 8, width: .byte) == 0xFF)
    #expect(ide.channel.controlBlock.read(at: 0, width: .word) == 0xFF50)
    #expect(ide.channel.controlBlock.read(at: 1, width: .byte) == 0xFF)
  }
}
