/// A record on a serial line that carries lines of text too: a byte that no text holds, sequence number, type, payload length,
/// payload, and the CRC-32 of all between. The result ring needs none of this: nothing can be lost in memory.
public enum SerialFrame {
  /// Start of heading (ASCII): the guest's log has no control characters but line ends.
  public static let start: UInt8 = 0x01
  /// Bytes between `start` and the payload.
  static let headerSize = 10
  static let checksumSize = 4

  /// The bytes of `record` as number `sequence`, counted from 0.
  public static func encode(_ record: GuestRecord, sequence: UInt32) -> [UInt8] {
    let payload = record.payload
    var body = ByteWriter()
    body.put(sequence)
    body.put(record.type)
    body.put(UInt32(payload.count))
    body.put(payload)
    var frame = ByteWriter()
    frame.put(start)
    frame.put(body.bytes)
    frame.put(crc32(body.bytes))
    return frame.bytes
  }
}

/// What comes over a serial line, taken apart byte by byte. All of it is the guest's, and hostile.
public struct SerialDecoder {
  /// A piece of the line's content.
  public enum Item: Equatable {
    /// A line of the log, without its end; a longer one comes in pieces of `longestLine` bytes.
    case line([UInt8])
    case record(GuestRecord)
  }

  /// Longest line of text in bytes.
  public static let longestLine = 4096

  private var text: [UInt8] = []
  /// What has come of a frame since its start; nil between frames.
  private var frame: [UInt8]?
  private var sequence: UInt32 = 0

  /// A decoder of a line on which nothing has come yet.
  public init() {}

  /// True inside a frame: a line that ends here has lost the rest of it.
  public var isInsideFrame: Bool { frame != nil }

  /// Takes what has come and returns what is complete with it.
  ///
  /// - Throws: `WireError` for a damaged, lost or impossible record; the line is not to be believed from there on.
  public mutating func take(_ bytes: some Sequence<UInt8>) throws(WireError) -> [Item] {
    var items: [Item] = []
    for byte in bytes {
      if frame != nil {
        if let record = try takeInFrame(byte) { items.append(.record(record)) }
      } else if byte == SerialFrame.start {
        frame = []
      } else if byte == 10 {
        items.append(.line(text))
        text = []
      } else if byte != 13, byte != 0 {
        if text.count == Self.longestLine {
          items.append(.line(text))
          text = []
        }
        text.append(byte)
      }
    }
    return items
  }

  /// What is left of a line that has no end.
  public mutating func finish() -> [UInt8]? {
    defer { text = [] }
    return text.isEmpty ? nil : text
  }

  private mutating func takeInFrame(_ byte: UInt8) throws(WireError) -> GuestRecord? {
    var bytes = frame ?? []
    frame = nil
    bytes.append(byte)
    guard bytes.count >= SerialFrame.headerSize else {
      frame = bytes
      return nil
    }
    var reader = ByteReader(bytes)
    let number = try reader.take(UInt32.self)
    let type = try reader.take(UInt16.self)
    let length = Int(try reader.take(UInt32.self))
    guard length <= GuestRecord.maximumPayload else { throw .tooLong }
    let end = SerialFrame.headerSize + length
    guard bytes.count == end + SerialFrame.checksumSize else {
      frame = bytes
      return nil
    }
    let payload = try reader.take(count: length)
    guard try reader.take(UInt32.self) == crc32(Array(bytes[..<end])) else { throw .badChecksum }
    guard number == sequence else { throw .outOfSequence(expected: sequence, found: number) }
    sequence += 1
    return try GuestRecord(type: type, payload: payload)
  }
}
