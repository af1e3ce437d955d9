import PVWire
import Testing

@testable import Measurement

struct HistogramCodecTests {
  /// Decoded by hdrhistogram 0.10.8 (PyPI) to the same counts, mean and percentiles, and re-encoded by it to the same bytes
  /// inside the zlib stream.
  static let golden =
    "HISTFAAAAFp4AQFPALD/HISTEwAAACcAAAAAAAAAAwAAAAAAAAABAAAAAlQL5AA/8AAAAAAAAAICBAMCww8CqxACBPsPArM42ATvBIDIr6Al6RAE"
    + "rTAC8Z4BApc1AsAfEEY="

  static var goldenHistogram: Histogram {
    var histogram = Histogram()
    for value: UInt64 in [
      0, 1, 2, 2, 5, 1000, 2047, 2048, 2049, 4095, 123_456, 123_456, 1_000_000, 987_654_321, 10_000_000_000,
    ] {
      histogram.record(value)
    }
    _ = histogram.add(bucket: HistogramLayout.bucket(of: 50_000), count: 300)
    _ = histogram.add(bucket: HistogramLayout.bucket(of: 60_000), count: 5_000_000_000)
    return histogram
  }

  /// The text of a payload with these counts, all headers right but for what is given.
  static func text(
    counts: [UInt8], cookie: UInt32 = 0x1c84_9313, digits: UInt32 = 3, countsLength: Int? = nil, trailer: [UInt8] = []
  ) -> String {
    var payload: [UInt8] = []
    for field in [cookie, UInt32(countsLength ?? counts.count), 0, digits] { payload.append(bigEndian: field) }
    for field in [1, HistogramLayout.highest, Double(1).bitPattern] { payload.append(bigEndian: field) }
    return text(stream: Zlib.stored(payload + counts + trailer))
  }

  static func text(stream: [UInt8], cookie: UInt32 = 0x1c84_9314) -> String {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: cookie)
    bytes.append(bigEndian: UInt32(stream.count))
    return Base64.encode(bytes + stream)
  }

  @Test func encodingIsWhatTheReferenceReads() {
    #expect(Self.goldenHistogram.encoded() == Self.golden)
  }

  @Test func goldenTextDecodesToTheSameHistogram() throws {
    #expect(try Histogram(encoded: Self.golden) == Self.goldenHistogram)
  }

  @Test(arguments: [0, 1, 2, 3, 100, 24_744]) func roundTripKeepsEveryCount(buckets: Int) throws {
    var histogram = Histogram()
    for bucket in 0..<buckets {
      let draw = SectorPattern.mix(UInt64(bucket))
      _ = histogram.add(bucket: bucket, count: (draw % 7) * (draw >> (20 + draw % 40)))
    }
    #expect(try Histogram(encoded: histogram.encoded()) == histogram)
  }

  @Test func largestCountSurvives() throws {
    var histogram = Histogram()
    _ = histogram.add(bucket: HistogramLayout.count - 1, count: UInt64(Int64.max))
    #expect(try Histogram(encoded: histogram.encoded()) == histogram)
  }

  @Test(arguments: ["A", "AAA=A", "====", "HIS*", "AB==", "HISTFAAAAFp4AQFPALD/\n"])
  func textThatIsNotBase64IsRejected(text: String) {
    #expect(throws: HistogramCodecError.invalidBase64) { try Histogram(encoded: text) }
  }

  @Test func everyTruncationIsRejected() throws {
    let bytes = try #require(Base64.decode(Self.golden))
    for length in 0..<bytes.count {
      #expect(throws: HistogramCodecError.self) { try Histogram(encoded: Base64.encode(Array(bytes[..<length]))) }
    }
  }

  @Test func everyFlippedBitOfTheDataIsRejected() throws {
    let bytes = try #require(Base64.decode(Self.golden))
    for bit in (8 * 15)..<(8 * bytes.count) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: HistogramCodecError.badChecksum) { try Histogram(encoded: Base64.encode(damaged)) }
    }
  }

  @Test func foreignCookiesAreRejected() {
    let version1: UInt32 = 0x1c84_9302
    #expect(throws: HistogramCodecError.badCookie(version1)) {
      try Histogram(encoded: Self.text(stream: [], cookie: version1))
    }
    #expect(throws: HistogramCodecError.badCookie(version1)) {
      try Histogram(encoded: Self.text(counts: [], cookie: version1))
    }
  }

  @Test func anotherPrecisionIsRejected() {
    #expect(throws: HistogramCodecError.foreignLayout) { try Histogram(encoded: Self.text(counts: [2], digits: 2)) }
  }

  // The same histogram of one 7 as hdrhistogram 0.10.8 writes it.
  @Test func compressedBlockIsNamed() {
    #expect(throws: HistogramCodecError.compressedBlock) {
      try Histogram(encoded: "HISTFAAAACJ4nJNpmSzMwMDAxAABzFCaESQWwv2Ewf4DRICXCQBPZAPQ")
    }
  }

  @Test func malformedStreamsAreRejected() {
    #expect(throws: HistogramCodecError.badZlibHeader) {
      try Histogram(encoded: Self.text(stream: [0x1F, 0x8B, 1, 0, 0]))
    }
    #expect(throws: HistogramCodecError.badBlockLength) {
      try Histogram(encoded: Self.text(stream: [0x78, 0x01, 1, 1, 0, 1, 0, 9]))
    }
    #expect(throws: HistogramCodecError.trailingBytes("checksum")) {
      try Histogram(encoded: Self.text(stream: Zlib.stored([]) + [0]))
    }
    #expect(throws: HistogramCodecError.trailingBytes("counts")) {
      try Histogram(encoded: Self.text(counts: [2], trailer: [2]))
    }
    #expect(throws: HistogramCodecError.truncated("counts")) {
      try Histogram(encoded: Self.text(counts: [2], countsLength: 2_000_000_000))
    }
  }

  @Test(
    arguments: [[0x82, 0x00], [0x80, 0x00], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]] as [[UInt8]])
  func overlongVarintIsRejected(counts: [UInt8]) {
    #expect(throws: HistogramCodecError.badVarint) { try Histogram(encoded: Self.text(counts: counts)) }
  }

  @Test func unfinishedVarintIsRejected() {
    #expect(throws: HistogramCodecError.truncated("counts")) { try Histogram(encoded: Self.text(counts: [0x82])) }
  }

  @Test func runsOfZerosBeyondTheLayoutAreRejected() throws {
    // 25,600 zeros (ZigZag 51,199) fill the layout; one more, or the least Int64 of them, do not fit.
    #expect(try Histogram(encoded: Self.text(counts: [0xFF, 0x8F, 0x03])) == Histogram())
    for counts: [UInt8] in [[0x81, 0x90, 0x03], [0xFF, 0x8F, 0x03, 0], [UInt8](repeating: 0xFF, count: 9)] {
      #expect(throws: HistogramCodecError.tooManyBuckets) { try Histogram(encoded: Self.text(counts: counts)) }
    }
  }

  @Test func countsWhoseSumOverflowsAreRejected() {
    let largest: [UInt8] = [0xFE] + [UInt8](repeating: 0xFF, count: 8)
    #expect(throws: HistogramCodecError.tooManyValues) { try Histogram(encoded: Self.text(counts: largest + largest)) }
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
  ])
  func base64AgreesWithRFC4648(plain: String, encoded: String) {
    #expect(Base64.encode(Array(plain.utf8)) == encoded)
    #expect(Base64.decode(encoded) == Array(plain.utf8))
  }
}
