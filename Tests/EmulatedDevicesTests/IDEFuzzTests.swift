import Backends
import DeviceModel
import Testing

/// A guest that knows the commands but no manners.
private struct HostileGuest {
  let ide: IDEDriver
  var generator: SeededGenerator
  private(set) var contradictions = 0

  private static let commands: [UInt8] = [
    0x00, 0x10, 0x20, 0x24, 0x29, 0x30, 0x34, 0x39, 0x40, 0x42, 0x90, 0x91, 0xC4, 0xC5, 0xC6, 0xE0, 0xE5, 0xE7, 0xEC,
    0xEF,
  ]
  private static let widths: [AccessWidth] = [.byte, .word, .long, .quad]

  init(sectors: UInt64, seed: UInt64) {
    ide = IDEDriver(sectors: sectors)
    generator = SeededGenerator(state: seed)
  }

  /// Makes one random access and checks what must always hold.
  mutating func step() {
    let width = Self.widths[Int.random(in: 0..<4, using: &generator)]
    switch Int.random(in: 0..<100, using: &generator) {
    case 0..<10: ide.write(Self.commands.randomElement(using: &generator) ?? 0, to: 7)
    case 10..<20: ide.write(UInt8.random(in: 0...12, using: &generator), to: Int.random(in: 1...3, using: &generator))
    case 20..<38: ide.write(0, to: Int.random(in: 2...5, using: &generator))
    case 38..<40: ide.write(UInt8.random(in: 0...2, using: &generator), to: 4)
    case 40..<45: ide.write([0xE0, 0xE0, 0xE0, 0xA0, 0xB0].randomElement(using: &generator) ?? 0, to: 6)
    case 45..<55:
      ide.channel.commandBlock.write(generator.next(), at: Int.random(in: -9...16, using: &generator), width: width)
    case 55..<65: _ = ide.channel.commandBlock.read(at: Int.random(in: -9...16, using: &generator), width: width)
    case 65..<75: _ = ide.readData(Int.random(in: 0...4500, using: &generator), width: width)
    case 75..<85:
      ide.writeData([UInt8](repeating: 0x3C, count: Int.random(in: 0...4500, using: &generator)), width: width)
    case 85: ide.control(UInt8.random(in: 0...255, using: &generator))
    case 86..<97: ide.control(0)
    default: readString(from: Int.random(in: 1...9, using: &generator), width: width)
    }
    check()
  }

  private func readString(from register: Int, width: AccessWidth) {
    var bytes = [UInt8](repeating: 0, count: 13)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    ide.channel.commandBlock.read(at: register, width: width, into: &raw)
    ide.channel.commandBlock.write(bytes.span.bytes, at: register, width: width)
  }

  private mutating func check() {
    let status = ide.alternateStatus
    let isBusyAlone = status & 0x80 == 0 || status == 0x80
    let isRequestReady = status & 0x08 == 0 || status == 0x58
    let isErrorExplained = status & 0x21 == 0 || ide.error != 0
    contradictions += isBusyAlone && isRequestReady && isErrorExplained ? 0 : 1
  }
}

@Suite struct IDEFuzzTests {
  @Test(arguments: [(UInt64(600), UInt64(1)), (37, 2), (0, 3)])
  func randomAccessesKeepTheInvariants(sectors: UInt64, seed: UInt64) {
    var guest = HostileGuest(sectors: sectors, seed: seed)
    guest.ide.storage.failingReads[7] = FakeStorage.hostError
    guest.ide.storage.failingWrites[9] = FakeStorage.hostError
    for _ in 0..<200_000 { guest.step() }
    #expect(guest.contradictions == 0)
    #expect(guest.ide.storage.accessesOutOfRange == 0)
    #expect(guest.ide.storage.misalignedBuffers == 0)
  }

  @Test func afterAnyAbuseAResetMakesTheDriveUsable() {
    var guest = HostileGuest(sectors: 600, seed: 4)
    for _ in 0..<20_000 { guest.step() }
    // Proof that the abuse went deeper than the registers.
    #expect(guest.ide.storage.reads > 500)
    #expect(guest.ide.storage.writes > 100)
    guest.ide.control(0x04)
    guest.ide.control(0x00)
    guest.ide.command(0x20, lba: 599, count: 1)
    #expect(guest.ide.acknowledge() == 0x58)
    #expect(guest.ide.readData(512) == guest.ide.storage.contents(of: 599))
    #expect(guest.ide.alternateStatus == 0x50)
  }

  @Test func extremeOffsetsAreHarmless() {
    let ide = IDEDriver()
    for offset in [Int.min, Int.max, -1, 1 << 40] {
      ide.channel.commandBlock.write(.max, at: offset, width: .quad)
      ide.channel.controlBlock.write(.max, at: offset, width: .quad)
      #expect(ide.channel.commandBlock.read(at: offset, width: .byte) == 0xFF)
      #expect(ide.channel.controlBlock.read(at: offset, width: .byte) == 0xFF)
    }
  }
}
