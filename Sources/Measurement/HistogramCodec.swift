import PVWire

/// Why a text is not a histogram that this program wrote. Result files may come from anywhere, so all of it is checked.
public enum HistogramCodecError: Error, Equatable, CustomStringConvertible {
  /// Not base64 (RFC 4648, section 4).
  case invalidBase64
  /// The bytes end inside the field named.
  case truncated(String)
  /// Bytes follow where the part named should have ended.
  case trailingBytes(String)
  /// A cookie other than HdrHistogram V2's.
  case badCookie(UInt32)
  /// Not a zlib stream (RFC 1950), or one with a preset dictionary.
  case badZlibHeader
  /// A deflate block other than a stored one: this program writes only those and reads only what it writes.
  case compressedBlock
  /// A stored block whose length and its complement disagree.
  case badBlockLength
  /// The Adler-32 of the data does not match.
  case badChecksum
  /// Another range, precision, offset or ratio than `HistogramLayout`'s.
  case foreignLayout
  /// A count longer than it needs to be, or beyond 64 bits.
  case badVarint
  /// Counts beyond the last bucket.
  case tooManyBuckets
  /// The sum of all counts does not fit.
  case tooManyValues

  /// What is wrong, in words.
  public var description: String {
    switch self {
    case .invalidBase64: "histogram: not base64"
    case .truncated(let part): "histogram: ends inside its \(part)"
    case .trailingBytes(let part): "histogram: bytes after its \(part)"
    case .badCookie(let cookie): "histogram: cookie 0x\(String(cookie, radix: 16)) is not HdrHistogram V2"
    case .badZlibHeader: "histogram: not a zlib stream"
    case .compressedBlock: "histogram: compressed deflate block (only stored blocks can be read; re-encode it)"
    case .badBlockLength: "histogram: stored block's length does not match its complement"
    case .badChecksum: "histogram: Adler-32 does not match"
    case .foreignLayout: "histogram: not 3 significant digits from 1 to \(HistogramLayout.highest)"
    case .badVarint: "histogram: malformed count"
    case .tooManyBuckets: "histogram: counts beyond the last bucket"
    case .tooManyValues: "histogram: the counts' sum does not fit"
    }
  }
}

/// The HdrHistogram V2 format (HdrHistogram `AbstractHistogram.encodeIntoCompressedByteBuffer`; big-endian):
/// a cookie and a length around a zlib stream, in it a 40-byte header and the counts as ZigZag LEB128, where a negative
/// number stands for that many zeros. The stream is made of stored blocks: counts are already short, and so the slim runner
/// needs no zlib. Every HdrHistogram implementation reads it.
extension Histogram {
  private static let cookie: UInt32 = 0x1c84_9303 | 0x10
  private static let compressedCookie: UInt32 = 0x1c84_9304 | 0x10

  /// The histogram as base64 text of the V2 compressed form.
  public func encoded() -> String {
    var counts = VarintWriter()
    var next = 0
    for (bucket, count) in nonZero {
      let zeros = bucket - next
      if zeros > 0 { counts.put(zeros == 1 ? 0 : Int64(-zeros)) }
      counts.put(Int64(count))
      next = bucket + 1
    }
    var payload: [UInt8] = []
    payload.append(bigEndian: Self.cookie)
    payload.append(bigEndian: UInt32(counts.bytes.count))
    payload.append(bigEndian: UInt32(0))  // normalizing index offset
    payload.append(bigEndian: UInt32(HistogramLayout.significantDigits))
    payload.append(bigEndian: UInt64(1))  // lowest discernible value
    payload.append(bigEndian: HistogramLayout.highest)
    payload.append(bigEndian: Double(1).bitPattern)  // integer to double conversion ratio
    payload += counts.bytes

    let stream = Zlib.stored(payload)
    var bytes: [UInt8] = []
    bytes.append(bigEndian: Self.compressedCookie)
    bytes.append(bigEndian: UInt32(stream.count))
    return Base64.encode(bytes + stream)
  }

  /// Reads what `encoded()` wrote, or what another implementation wrote in the same layout with stored blocks.
  public init(encoded text: String) throws(HistogramCodecError) {
    guard let bytes = Base64.decode(text) else { throw .invalidBase64 }
    var outer = BigEndianReader(bytes)
    let outerCookie = try outer.take(UInt32.self, of: "header")
    guard outerCookie == Self.compressedCookie else { throw .badCookie(outerCookie) }
    let length = Int(try outer.take(UInt32.self, of: "header"))
    let stream = try outer.take(count: length, of: "compressed data")
    guard outer.remaining == 0 else { throw .trailingBytes("compressed data") }

    var reader = BigEndianReader(try Zlib.unstored(stream))
    let cookie = try reader.take(UInt32.self, of: "header")
    guard cookie == Self.cookie else { throw .badCookie(cookie) }
    let countsLength = Int(try reader.take(UInt32.self, of: "header"))
    guard
      try reader.take(UInt32.self, of: "header") == 0,
      try reader.take(UInt32.self, of: "header") == UInt32(HistogramLayout.significantDigits),
      try reader.take(UInt64.self, of: "header") == 1,
      try reader.take(UInt64.self, of: "header") == HistogramLayout.highest,
      try reader.take(UInt64.self, of: "header") == Double(1).bitPattern
    else { throw .foreignLayout }
    var counts = VarintReader(try reader.take(count: countsLength, of: "counts"))
    guard reader.remaining == 0 else { throw .trailingBytes("counts") }

    self.init()
    var bucket = 0
    while let value = try counts.next() {
      // `magnitude`, for the negation of the least Int64 would trap.
      let step = value < 0 ? value.magnitude : 1
      guard step <= UInt64(HistogramLayout.count - bucket) else { throw .tooManyBuckets }
      if value > 0, !add(bucket: bucket, count: UInt64(value)) { throw .tooManyValues }
      bucket += Int(step)
    }
  }
}

/// ZigZag LEB128 as HdrHistogram has it: groups of seven bits, lowest first; a ninth byte holds eight.
private struct VarintWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ value: Int64) {
    var rest = UInt64(bitPattern: (value << 1) ^ (value >> 63))
    for _ in 0..<8 {
      guard rest > 0x7F else { break }
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }
}

private struct VarintReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// The next number; nil at the end.
  mutating func next() throws(HistogramCodecError) -> Int64? {
    guard position < bytes.count else { return nil }
    var raw: UInt64 = 0
    for index in 0..<9 {
      guard position < bytes.count else { throw .truncated("counts") }
      let byte = bytes[position]
      position += 1
      let isLast = index == 8 || byte < 0x80
      raw |= UInt64(index == 8 ? byte : byte & 0x7F) << UInt64(7 * index)
      guard isLast else { continue }
      guard index == 0 || byte > 0 else { throw .badVarint }
      break
    }
    return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
  }
}

private struct BigEndianReader {
  private let bytes: [UInt8]
  private var position = 0

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  mutating func take<Value: FixedWidthInteger>(
    _ type: Value.Type, of part: String
  ) throws(HistogramCodecError) -> Value {
    try take(count: Value.bitWidth / 8, of: part).reduce(0) { $0 << 8 | Value($1) }
  }

  mutating func take(count: Int, of part: String) throws(HistogramCodecError) -> [UInt8] {
    guard remaining >= count else { throw .truncated(part) }
    defer { position += count }
    return Array(bytes[position..<(position + count)])
  }
}
