import Backends
import DeviceModel
import ParavirtDevices
import Testing

struct VirtioBlockConfigurationTests {
  let block: VirtioBlock

  init() throws { block = try VirtioBlock(storage: NullStorage(byteCount: 0x1234_5600), queueCount: 3) }

  private func field(_ offset: Int, _ width: AccessWidth) -> UInt64 {
    block.configuration.read(at: offset, width: width)
  }

  @Test func fieldsAreWhereTheSpecificationHasThem() {
    #expect(field(0, .quad) == 0x1234_5600 / 512)
    #expect(field(8, .long) == 0)
    #expect(field(12, .long) == 126)
    #expect(field(20, .long) == 512)
    #expect(field(34, .word) == 3)
    #expect(field(36, .long) == 1 << 21)
    #expect(field(40, .long) == 1)
    #expect(field(44, .long) == 1)
    #expect(block.configuration.byteCount == 60)
  }

  @Test(arguments: [AccessWidth.byte, .word, .long, .quad])
  func everyWidthAtEveryOffsetGivesTheSameBytes(width: AccessWidth) {
    let bytes = (0..<80).map { field($0, .byte) }
    let values = (0..<70).map { field($0, width) }
    let expected = (0..<70).map { offset in
      (0..<width.rawValue).reduce(UInt64(0)) { $0 | bytes[offset + $1] << UInt64(8 * $1) }
    }
    #expect(values == expected)
  }

  @Test func bytesBeyondTheEndAreZero() {
    #expect(field(60, .quad) == 0)
    #expect(field(0x7FFF_FFF0, .long) == 0)
  }

  @Test func readOnlyMediumOffersNoDiscard() throws {
    let block = try VirtioBlock(storage: MemoryStorage(byteCount: 512, isReadOnly: true))
    #expect(block.features.contains(.blockReadOnly))
    #expect(!block.features.contains(.blockDiscard))
  }

  @Test func singleQueueOffersNoMultiqueue() throws {
    let block = try VirtioBlock(storage: NullStorage(byteCount: 512))
    #expect(!block.features.contains(.blockMultiqueue))
  }
}
