import Testing

@testable import DeviceModel

struct PCIConfigurationTests {
  private func configuration() -> PCIConfiguration {
    PCIConfiguration(
      PCIIdentity(
        vendor: 0x1AF4, device: 0x1042, classCode: 0x010000, revision: 1, subsystemVendor: 0x1AF4, subsystem: 0x1100,
        interruptPin: 1),
      baseAddresses: [
        .memory(index: 0, byteCount: 0x1000, address: 0xE000_1000), .port(index: 4, byteCount: 16, address: 0xC000),
      ], interruptLine: 10)
  }

  @Test func identityStandsInTheHeader() {
    let header = configuration()
    #expect(header.read(at: 0x00, width: .long) == 0x1042_1AF4)
    #expect(header.read(at: 0x08, width: .long) == 0x0100_0001)
    #expect(header.read(at: 0x2C, width: .long) == 0x1100_1AF4)
    #expect(header.read(at: 0x3C, width: .word) == 0x010A)
  }

  @Test func identityCannotBeWritten() {
    let header = configuration()
    for offset in [0x00, 0x08, 0x2C] { header.write(0, at: offset, width: .long) }
    #expect(header.read(at: 0x00, width: .long) == 0x1042_1AF4)
    #expect(header.read(at: 0x08, width: .long) == 0x0100_0001)
    #expect(header.read(at: 0x2C, width: .long) == 0x1100_1AF4)
  }

  @Test func interruptLineIsAScratchRegister() {
    let header = configuration()
    header.write(0xFF05, at: 0x3C, width: .word)
    #expect(header.read(at: 0x3C, width: .word) == 0x0105)
  }

  @Test func memoryWindowIsSizedByWritingOnes() {
    let header = configuration()
    header.write(0xFFFF_FFFF, at: 0x10, width: .long)
    #expect(header.read(at: 0x10, width: .long) == 0xFFFF_F000)
    header.write(0xE000_1000, at: 0x10, width: .long)
    #expect(header.read(at: 0x10, width: .long) == 0xE000_1000)
  }

  @Test func portWindowIsSizedByWritingOnes() {
    let header = configuration()
    header.write(0xFFFF_FFFF, at: 0x20, width: .long)
    #expect(header.read(at: 0x20, width: .long) == 0xFFFF_FFF1)
  }

  @Test func absentWindowReadsZero() {
    let header = configuration()
    header.write(0xFFFF_FFFF, at: 0x14, width: .long)
    #expect(header.read(at: 0x14, width: .long) == 0)
  }

  @Test func commandHasOnlyTheBitsOfItsWindows() {
    let header = configuration()
    #expect(header.read(at: 0x04, width: .word) == 0x0003)
    header.write(0xFFFF, at: 0x04, width: .word)
    #expect(header.read(at: 0x04, width: .word) == 0x0407)
    let bare = PCIStub(PCIIdentity(vendor: 0x8086, device: 0x7000, classCode: 0x060100)).configuration
    bare.write(0xFFFF, at: 0x04, width: .word)
    #expect(bare.read(at: 0x04, width: .word) == 0x0404)
  }

  @Test func commandBitsAreFollowed() {
    let header = configuration()
    #expect(header.decodesMemory && header.decodesPorts && !header.isBusMaster && !header.isInterruptDisabled)
    header.write(0x0404, at: 0x04, width: .word)
    #expect(!header.decodesMemory && !header.decodesPorts && header.isBusMaster && header.isInterruptDisabled)
  }

  @Test func pendingInterruptShowsInTheStatusOnly() {
    let header = configuration()
    header.setInterruptPending(true)
    #expect(header.read(at: 0x04, width: .long) == 0x0008_0003)
    header.write(0xFFFF_0000, at: 0x04, width: .long)
    #expect(header.read(at: 0x06, width: .word) == 0x0008)
    header.setInterruptPending(false)
    #expect(header.read(at: 0x06, width: .word) == 0)
  }

  @Test func capabilitiesFormAChainThatEnds() {
    let header = configuration()
    let first = header.addCapability(id: 0x09, [1, 2, 3])
    let second = header.addCapability(id: 0x11, [4, 5], writable: [0xF0])
    #expect(header.read(at: 0x06, width: .word) == 0x0010)
    #expect(header.read(at: 0x34, width: .byte) == UInt64(second))
    #expect(header.read(at: second, width: .long) == 0x0504_0011 | UInt64(first) << 8)
    #expect(header.read(at: first, width: .long) == 0x0201_0009)
    #expect(first % 4 == 0 && second % 4 == 0 && second >= first + 5)
  }

  @Test func capabilityWritesRespectTheirMask() {
    let header = configuration()
    let offset = header.addCapability(id: 0x11, [0x0A, 0x0B], writable: [0xF0])
    header.write(0xFFFF_FFFF, at: offset, width: .long)
    #expect(header.read(at: offset, width: .long) == 0x0BFA_0011)
  }

  @Test func accessBeyondTheEndIsHarmless() {
    let header = configuration()
    header.write(.max, at: 0xFE, width: .long)
    #expect(header.read(at: 0xFE, width: .long) == 0xFFFF_0000)
    header.write(.max, at: 1 << 40, width: .quad)
    #expect(header.read(at: 1 << 40, width: .quad) == .max)
  }
}
