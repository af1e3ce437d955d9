/// One statement of the guest about its run. Records are framed (`RecordFrame`) and travel through the result ring, or
/// over the UART where there is no ring.
public enum GuestRecord: Equatable, Sendable {
  /// A line for the guest's log.
  case log([UInt8])
  /// A number by metric name, in the unit that the name has in the catalog of the host.
  case value(name: [UInt8], UInt64)
  /// The measured window: operations, bytes, first and last TSC, ticks of one empty measurement, payload errors.
  case window(operations: UInt64, bytes: UInt64, startTSC: UInt64, endTSC: UInt64, emptyLoopTicks: UInt64)
  /// Operations of every queue slot since boot, warm-up included: enough for the host to replay the access pattern.
  case slots([UInt64])
  /// Part of a histogram in `HistogramLayout`, nanoseconds: (bucket, count) pairs.
  case histogram(name: [UInt8], [(bucket: UInt32, count: UInt32)])
  /// The workload cannot go on; the repetition is failed.
  case failure([UInt8])
  /// The machine lacks what the workload needs; the repetition is skipped.
  case skip([UInt8])

  /// Longest payload in bytes.
  public static let maximumPayload = 32768
  /// Most pairs of a histogram part.
  public static let maximumPairs = 2048
  /// Longest metric name.
  public static let nameWidth = 32
  /// Most queue slots.
  public static let maximumSlots = 1024

  /// Same statement.
  public static func == (a: GuestRecord, b: GuestRecord) -> Bool { a.type == b.type && a.payload == b.payload }

  /// The type number in the frame.
  public var type: UInt16 {
    switch self {
    case .log: 1
    case .value: 2
    case .window: 3
    case .slots: 4
    case .histogram: 5
    case .failure: 6
    case .skip: 7
    }
  }

  /// The payload's bytes.
  public var payload: [UInt8] {
    var writer = ByteWriter()
    switch self {
    case .log(let text), .failure(let text), .skip(let text): writer.put(text)
    case .value(let name, let value):
      writer.put(name, width: Self.nameWidth)
      writer.put(value)
    case .window(let operations, let bytes, let start, let end, let empty):
      for number in [operations, bytes, start, end, empty] { writer.put(number) }
    case .slots(let counts): for count in counts { writer.put(count) }
    case .histogram(let name, let pairs):
      writer.put(name, width: Self.nameWidth)
      for pair in pairs {
        writer.put(pair.bucket)
        writer.put(pair.count)
      }
    }
    return writer.bytes
  }

  /// Reads a payload of `type`.
  public init(type: UInt16, payload: [UInt8]) throws(WireError) {
    guard payload.count <= Self.maximumPayload else { throw .tooLong }
    var reader = ByteReader(payload)
    switch type {
    case 1: self = .log(payload)
    case 2:
      let name = try reader.takeText(width: Self.nameWidth)
      self = .value(name: name, try reader.take(UInt64.self))
    case 3:
      let operations = try reader.take(UInt64.self)
      let bytes = try reader.take(UInt64.self)
      let start = try reader.take(UInt64.self)
      let end = try reader.take(UInt64.self)
      guard end >= start else { throw .invalidValue }
      self = .window(
        operations: operations, bytes: bytes, startTSC: start, endTSC: end, emptyLoopTicks: try reader.take(UInt64.self)
      )
    case 4:
      guard payload.count % 8 == 0, payload.count / 8 <= Self.maximumSlots else { throw .tooLong }
      var counts: [UInt64] = []
      while reader.remaining > 0 { counts.append(try reader.take(UInt64.self)) }
      self = .slots(counts)
    case 5:
      let name = try reader.takeText(width: Self.nameWidth)
      guard reader.remaining % 8 == 0, reader.remaining / 8 <= Self.maximumPairs else { throw .tooLong }
      var pairs: [(bucket: UInt32, count: UInt32)] = []
      while reader.remaining > 0 {
        let bucket = try reader.take(UInt32.self)
        guard bucket < UInt32(HistogramLayout.count) else { throw .invalidValue }
        pairs.append((bucket, try reader.take(UInt32.self)))
      }
      self = .histogram(name: name, pairs)
    case 6: self = .failure(payload)
    case 7: self = .skip(payload)
    default: throw .invalidValue
    }
  }
}

/// How a record is laid out in a byte stream: magic, type, payload length, CRC-32 of the payload, payload.
public enum RecordFrame {
  /// "PV", little-endian.
  public static let magic: UInt16 = 0x5650
  /// Bytes before the payload.
  public static let headerSize = 12

  /// The frame's bytes.
  public static func encode(_ record: GuestRecord) -> [UInt8] {
    let payload = record.payload
    var writer = ByteWriter()
    writer.put(magic)
    writer.put(record.type)
    writer.put(UInt32(payload.count))
    writer.put(crc32(payload))
    writer.put(payload)
    return writer.bytes
  }

  /// Takes as many whole records as `stream` holds off its front; an incomplete one stays.
  public static func decode(_ stream: inout [UInt8]) throws(WireError) -> [GuestRecord] {
    var records: [GuestRecord] = []
    var consumed = 0
    while stream.count - consumed >= headerSize {
      var header = ByteReader(Array(stream[consumed..<(consumed + headerSize)]))
      guard try header.take(UInt16.self) == magic else { throw .badMagic }
      let type = try header.take(UInt16.self)
      let length = Int(try header.take(UInt32.self))
      let checksum = try header.take(UInt32.self)
      guard length <= GuestRecord.maximumPayload else { throw .tooLong }
      guard stream.count - consumed - headerSize >= length else { break }
      let payload = Array(stream[(consumed + headerSize)..<(consumed + headerSize + length)])
      guard crc32(payload) == checksum else { throw .badChecksum }
      records.append(try GuestRecord(type: type, payload: payload))
      consumed += headerSize + length
    }
    stream.removeFirst(consumed)
    return records
  }
}

/// The result ring's header, at `Orders.ring`: one producer (the guest), one consumer (the host). `head` and `tail` count
/// bytes since boot; the data area follows the header and is `ringSize - dataOffset` bytes long.
public enum RingHeader {
  /// "PVRING\0\0", written by the guest when it is up.
  public static let magic: UInt64 = 0x0000_474E_4952_5650
  /// Offset of `magic`.
  public static let magicOffset: UInt64 = 0
  /// Offset of `head`, written by the guest.
  public static let headOffset: UInt64 = 8
  /// Offset of `tail`, written by the host.
  public static let tailOffset: UInt64 = 16
  /// Where the data area begins.
  public static let dataOffset: UInt64 = 64
}
