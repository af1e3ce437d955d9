import PVWire
import Testing

private let records: [GuestRecord] = [
  .log(Array("a line".utf8)), .log([]), .value(name: Array("boot.ready".utf8), UInt64.max),
  .window(operations: 1, bytes: 4096, startTSC: 5, endTSC: 5, emptyLoopTicks: 30), .slots([3, 0, UInt64.max]),
  .slots([]),
  .histogram(name: Array("latency".utf8), [(0, 1), (UInt32(HistogramLayout.count - 1), UInt32.max)]),
  .histogram(name: Array("empty".utf8), []), .failure(Array("disk error".utf8)), .skip(Array("no disk".utf8)),
]

@Suite("record frames")
struct RecordFrameTests {
  private let stream = records.flatMap(RecordFrame.encode)

  @Test(arguments: records)
  func aRecordComesBack(_ record: GuestRecord) throws {
    var stream = RecordFrame.encode(record)
    #expect(try RecordFrame.decode(&stream) == [record])
    #expect(stream.isEmpty)
  }

  @Test func recordsAreToldApart() {
    for (index, record) in records.enumerated() {
      #expect(records.firstIndex(of: record) == index)
    }
  }

  @Test func aStreamMayBeCutAnywhere() throws {
    for cut in 0...stream.count {
      var rest = Array(stream[..<cut])
      var seen = try RecordFrame.decode(&rest)
      rest += stream[cut...]
      seen += try RecordFrame.decode(&rest)
      #expect(seen == records, "cut at \(cut)")
      #expect(rest.isEmpty, "cut at \(cut)")
    }
  }

  @Test func aStreamMayComeByteByByte() throws {
    var rest: [UInt8] = []
    var seen: [GuestRecord] = []
    for byte in stream {
      rest.append(byte)
      seen += try RecordFrame.decode(&rest)
    }
    #expect(seen == records)
  }

  /// No bit of a frame may change and the same records come out: it is refused, or waits for a payload that never comes.
  @Test func noFlippedBitGoesUnnoticed() {
    for record in records {
      let frame = RecordFrame.encode(record)
      for bit in 0..<(8 * frame.count) {
        var damaged = frame
        damaged[bit / 8] ^= 1 << (bit % 8)
        #expect((try? RecordFrame.decode(&damaged)) != [record], "record \(record.type), bit \(bit)")
      }
    }
  }

  @Test(arguments: [UInt32(GuestRecord.maximumPayload + 1), 1 << 31, UInt32.max])
  func hostileLengthsAreRefusedBeforeAnythingIsAwaited(length: UInt32) {
    var stream = header(type: 1, length: length)
    #expect(throws: WireError.tooLong) { try RecordFrame.decode(&stream) }
  }

  @Test func theLongestPayloadPasses() throws {
    let record = GuestRecord.log([UInt8](repeating: 65, count: GuestRecord.maximumPayload))
    var stream = RecordFrame.encode(record)
    #expect(try RecordFrame.decode(&stream) == [record])
  }

  @Test func otherBytesAreNotAFrame() {
    var stream = [UInt8](repeating: 0, count: RecordFrame.headerSize)
    #expect(throws: WireError.badMagic) { try RecordFrame.decode(&stream) }
  }

  @Test(arguments: [UInt16(0), 8, UInt16.max])
  func unknownTypesAreRefused(type: UInt16) {
    #expect(throws: WireError.invalidValue) { try GuestRecord(type: type, payload: []) }
  }

  private func header(type: UInt16, length: UInt32) -> [UInt8] {
    var writer = ByteWriter()
    writer.put(RecordFrame.magic)
    writer.put(type)
    writer.put(length)
    writer.put(UInt32(0))
    return writer.bytes
  }
}

@Suite("hostile payloads")
struct PayloadTests {
  @Test func theLastWholeSlotIsTheLimit() throws {
    let most = [UInt8](repeating: 1, count: 8 * GuestRecord.maximumSlots)
    #expect(try GuestRecord(type: 4, payload: most) == .slots([UInt64](repeating: 0x0101_0101_0101_0101, count: 1024)))
    #expect(throws: WireError.tooLong) { try GuestRecord(type: 4, payload: most + [UInt8](repeating: 1, count: 8)) }
    #expect(throws: WireError.tooLong) { try GuestRecord(type: 4, payload: [1, 2, 3]) }
  }

  @Test func aHistogramHasOnlyBucketsThatExist() throws {
    let name = [UInt8](repeating: 0, count: GuestRecord.nameWidth)
    #expect(throws: WireError.invalidValue) {
      try GuestRecord(type: 5, payload: name + pair(bucket: UInt32(HistogramLayout.count)))
    }
    #expect(throws: WireError.invalidValue) { try GuestRecord(type: 5, payload: name + pair(bucket: UInt32.max)) }
    #expect(throws: WireError.tooLong) { try GuestRecord(type: 5, payload: name + [0]) }
    let tooMany = (0...GuestRecord.maximumPairs).flatMap { _ in pair(bucket: 0) }
    #expect(throws: WireError.tooLong) { try GuestRecord(type: 5, payload: name + tooMany) }
  }

  @Test func aWindowDoesNotEndBeforeItBegins() {
    let record = GuestRecord.window(operations: 1, bytes: 1, startTSC: 2, endTSC: 1, emptyLoopTicks: 0)
    #expect(throws: WireError.invalidValue) { try GuestRecord(type: 3, payload: record.payload) }
  }

  @Test(arguments: [UInt16(2), 3])
  func shortNumbersAreRefused(type: UInt16) {
    #expect(throws: WireError.truncated) { try GuestRecord(type: type, payload: [UInt8](repeating: 0, count: 39)) }
  }

  private func pair(bucket: UInt32) -> [UInt8] {
    var writer = ByteWriter()
    writer.put(bucket)
    writer.put(UInt32(1))
    return writer.bytes
  }
}
