import EmulatedDevices
import Testing

@Suite struct IDEIdentifyTests {
  private func text(_ words: ArraySlice<UInt16>) -> String {
    String(decoding: words.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }, as: UTF8.self)
  }

  @Test func identifyFollowsTheDataInProtocol() {
    let ide = IDEDriver()
    ide.command(0xEC)
    #expect(ide.line.isAsserted)
    #expect(ide.acknowledge() == 0x58)
    #expect(!ide.line.isAsserted)
    _ = ide.readData(512)
    #expect(ide.alternateStatus == 0x50)
    #expect(ide.line.risingEdges == 1)
  }

  @Test func stringsAreByteSwappedAndPadded() {
    let words = IDEDriver().identify()
    #expect(text(words[10..<20]) == "PVB-1               ")
    #expect(text(words[23..<27]) == "2.5     ")
    #expect(text(words[27..<47]) == "Test disk" + String(repeating: " ", count: 31))
  }

  @Test func overlongAndUnprintableStringsAreTamed() {
    let identity = DriveIdentity(serial: String(repeating: "S", count: 99), firmware: "a\nb", model: "")
    let line = FakeInterruptLine()
    let channel = IDEChannel(storage: FakeStorage(sectors: 8), identity: identity, interrupt: line)
    channel.commandBlock.write(0xEC, at: 7, width: .byte)
    let words = (0..<256).map { _ in UInt16(truncatingIfNeeded: channel.commandBlock.read(at: 0, width: .word)) }
    #expect(text(words[10..<20]) == String(repeating: "S", count: 20))
    #expect(text(words[23..<27]) == "a b     ")
  }

  @Test func capacityAndGeometryAreShown() {
    let words = IDEDriver(sectors: 131_072).identify()
    #expect([words[0], words[1], words[3], words[6]] == [0x0040, 130, 16, 63])
    #expect([words[54], words[55], words[56]] == [130, 16, 63])
    #expect(UInt32(words[57]) | UInt32(words[58]) << 16 == 130 * 16 * 63)
    #expect([words[60], words[61]] == [0, 2])
    #expect(Array(words[100..<104]) == [0, 2, 0, 0])
  }

  @Test func hugeCapacityIsCappedWhereItsFieldsEnd() {
    let words = IDEDriver(sectors: 0x1_2345_6789_A).identify()
    #expect(words[1] == 16383)
    #expect([words[60], words[61]] == [0xFFFF, 0x0FFF])
    #expect(Array(words[100..<104]) == [0x789A, 0x3456, 0x0012, 0])
  }

  @Test func featuresAreAdvertisedWithoutDMA() {
    let words = IDEDriver().identify()
    #expect(words[47] == 0x8010)
    #expect(words[49] == 0x0A00)
    #expect([words[53], words[59], words[63], words[88]] == [3, 0, 0, 0])
    #expect(words[80] == 0x0070)
    #expect(words[83] & 0x7400 == 0x7400)
    #expect(words[86] & 0x3400 == 0x3400)
  }

  @Test func settingsShowAndChecksumHolds() {
    let ide = IDEDriver()
    ide.command(0xC6, count: 8)
    ide.command(0xEF, features: 0x82)
    let words = ide.identify()
    #expect(words[59] == 0x0108)
    #expect(words[85] & 0x20 == 0)
    let sum = words.reduce(UInt8(0)) { $0 &+ UInt8(truncatingIfNeeded: $1) &+ UInt8($1 >> 8) }
    #expect(sum == 0)
    #expect(words[255] & 0xFF == 0xA5)
  }
}
