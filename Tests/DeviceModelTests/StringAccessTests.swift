import DeviceModel
import Testing

@Suite("string accesses of a device that has no data port")
struct StringAccessTests {
  @Test func inputFillsElementAfterElementLittleEndian() {
    let device = RegisterFile(firstAnswer: 0x1234)
    #expect(input(device, width: .word, count: 6) == [0x34, 0x12, 0x35, 0x12, 0x36, 0x12])
    #expect(device.reads.map(\.offset) == [3, 3, 3])
    #expect(device.reads.map(\.width) == [.word, .word, .word])
  }

  @Test func inputCutsAnswersToTheirWidth() {
    #expect(input(RegisterFile(firstAnswer: 0xFFFF_FF10), width: .byte, count: 2) == [0x10, 0x11])
  }

  @Test func anIncompleteElementIsNotRead() {
    let device = RegisterFile(firstAnswer: 1)
    #expect(input(device, width: .long, count: 7) == [1, 0, 0, 0, 0, 0, 0])
    #expect(device.reads.count == 1)
  }

  @Test func outputWritesElementAfterElementLittleEndian() {
    let device = RegisterFile()
    output(device, [0x78, 0x56, 0x34, 0x12, 0xFF, 0, 0, 0x80], width: .long)
    #expect(
      device.writes == [
        RegisterFile.Access(value: 0x1234_5678, offset: 3, width: .long),
        RegisterFile.Access(value: 0x8000_00FF, offset: 3, width: .long),
      ])
  }

  @Test func anIncompleteElementIsNotWritten() {
    let device = RegisterFile()
    output(device, [1, 2, 3], width: .word)
    #expect(device.writes.map(\.value) == [0x0201])
  }

  @Test func quadsKeepAllTheirBits() {
    let device = RegisterFile()
    output(device, [UInt8](repeating: 0xFF, count: 8), width: .quad)
    #expect(device.writes.map(\.value) == [UInt64.max])
  }

  @Test func nothingIsAskedOfTheDeviceForNoBytes() {
    let device = RegisterFile()
    #expect(input(device, width: .byte, count: 0) == [])
    output(device, [], width: .byte)
    #expect(device.reads.isEmpty)
    #expect(device.writes.isEmpty)
  }

  private func input(_ device: any Device, width: AccessWidth, count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    device.read(at: 3, width: width, into: &raw)
    return bytes
  }

  private func output(_ device: any Device, _ bytes: [UInt8], width: AccessWidth) {
    device.write(bytes.span.bytes, at: 3, width: width)
  }
}
