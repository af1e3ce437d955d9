import PVWire
import Testing

@Suite("bytes on the wire")
struct BytesTests {
  @Test func integersAreLittleEndian() throws {
    var writer = ByteWriter()
    writer.put(UInt16(0x0102))
    writer.put(UInt32(0x0304_0506))
    writer.put(UInt64(0x0708_090A_0B0C_0D0E))
    #expect(writer.bytes == [2, 1, 6, 5, 4, 3, 14, 13, 12, 11, 10, 9, 8, 7])
    var reader = ByteReader(writer.bytes)
    #expect(try reader.take(UInt16.self) == 0x0102)
    #expect(try reader.take(UInt32.self) == 0x0304_0506)
    #expect(try reader.take(UInt64.self) == 0x0708_090A_0B0C_0D0E)
    #expect(reader.remaining == 0)
  }

  @Test func textIsPaddedAndCutToItsField() throws {
    var writer = ByteWriter()
    writer.put([65, 66], width: 4)
    writer.put([67, 68, 69], width: 2)
    #expect(writer.bytes == [65, 66, 0, 0, 67, 68])
    var reader = ByteReader(writer.bytes)
    #expect(try reader.takeText(width: 4) == [65, 66])
    #expect(try reader.takeText(width: 2) == [67, 68])
  }

  @Test func nothingIsTakenBeyondTheEnd() {
    var reader = ByteReader([1, 2, 3])
    #expect(throws: WireError.truncated) { try reader.take(UInt32.self) }
    #expect(throws: WireError.truncated) { try reader.take(count: 4) }
    #expect(throws: WireError.truncated) { try reader.take(count: -1) }
    #expect(throws: WireError.truncated) { try reader.takeText(width: 4) }
    #expect(reader.remaining == 3)
  }

  /// The check value of CRC-32/ISO-HDLC ("A Painless Guide to CRC Error Detection Algorithms", Williams).
  @Test func theChecksumIsTheOneOfZlib() {
    #expect(crc32(Array("123456789".utf8)) == 0xCBF4_3926)
    #expect(crc32([]) == 0)
  }
}
