import PVWire
import Testing

private let records: [GuestRecord] = [
  .log(Array("a line".utf8)), .value(name: Array("network.sent".utf8), UInt64.max), .slots([3, 0, .max]), .log([]),
  .log([SerialFrame.start, 10, 13, 0]),
]

private let stream = records.enumerated().flatMap { SerialFrame.encode($1, sequence: UInt32($0)) }

@Suite("serial frames")
struct SerialFrameTests {
  private func items(_ bytes: [UInt8]) throws -> [SerialDecoder.Item] {
    var decoder = SerialDecoder()
    return try decoder.take(bytes)
  }

  @Test func recordsComeBackInTheirOrder() throws {
    #expect(try items(stream) == records.map { .record($0) })
  }

  @Test func aStreamMayBeCutAnywhere() throws {
    for cut in 0...stream.count {
      var decoder = SerialDecoder()
      let seen = try decoder.take(stream[..<cut]) + decoder.take(stream[cut...])
      #expect(seen == records.map { .record($0) }, "cut at \(cut)")
      #expect(!decoder.isInsideFrame)
    }
  }

  @Test func textBetweenRecordsIsKeptByLines() throws {
    let bytes = Array("one\r\ntw".utf8) + SerialFrame.encode(.log([1]), sequence: 0) + Array("o\nPV\n\nrest".utf8)
    var decoder = SerialDecoder()
    let expected: [SerialDecoder.Item] = [
      .line(Array("one".utf8)), .record(.log([1])), .line(Array("two".utf8)), .line(Array("PV".utf8)), .line([]),
    ]
    #expect(try decoder.take(bytes) == expected)
    #expect(decoder.finish() == Array("rest".utf8))
    #expect(decoder.finish() == nil)
  }

  @Test func aLineWithoutAnEndComesInPieces() throws {
    let items = try items([UInt8](repeating: 65, count: 2 * SerialDecoder.longestLine + 1))
    #expect(items == [SerialDecoder.Item](repeating: .line([UInt8](repeating: 65, count: 4096)), count: 2))
  }

  @Test func everyChangedBitIsNoticed() {
    let frame = SerialFrame.encode(.value(name: [65], 7), sequence: 0)
    for place in 1..<frame.count {
      for bit in 0..<8 {
        var bytes = frame
        bytes[place] ^= 1 << bit
        var decoder = SerialDecoder()
        let isBelieved = (try? decoder.take(bytes + frame)) == [.record(.value(name: [65], 7))]
        #expect(!isBelieved, "byte \(place), bit \(bit)")
      }
    }
  }

  @Test func aMissingRecordIsNoticed() {
    var decoder = SerialDecoder()
    #expect(throws: WireError.outOfSequence(expected: 0, found: 1)) {
      try decoder.take(SerialFrame.encode(.log([]), sequence: 1))
    }
  }

  @Test func aRecordThatComesTwiceIsNoticed() throws {
    var decoder = SerialDecoder()
    let frame = SerialFrame.encode(.log([]), sequence: 0)
    #expect(try decoder.take(frame).count == 1)
    #expect(throws: WireError.outOfSequence(expected: 1, found: 0)) { try decoder.take(frame) }
  }

  @Test func anImpossibleLengthIsRefusedBeforeItIsAwaited() {
    var writer = ByteWriter()
    writer.put(SerialFrame.start)
    writer.put(UInt32(0))
    writer.put(UInt16(1))
    writer.put(UInt32(GuestRecord.maximumPayload + 1))
    let bytes = writer.bytes
    var decoder = SerialDecoder()
    #expect(throws: WireError.tooLong) { try decoder.take(bytes) }
  }

  @Test func anUnknownTypeIsRefused() {
    var body = ByteWriter()
    for value in [0, 99] as [UInt32] { body.put(value) }
    var wire: [UInt8] = [SerialFrame.start] + body.bytes.prefix(6) + [0, 0, 0, 0]
    let sum = crc32(Array(wire.dropFirst()))
    for shift in stride(from: UInt32(0), to: 32, by: 8) { wire.append(UInt8(truncatingIfNeeded: sum >> shift)) }
    #expect(throws: WireError.invalidValue) { try items(wire) }
  }
}
