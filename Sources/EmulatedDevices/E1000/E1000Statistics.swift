/// The statistics registers (317453, 13.7): they stop at their largest value and are cleared by reading. Counters of 64 bits
/// are read low half first; reading the high half clears both.
struct E1000Statistics {
  /// Offsets of the counters that something increments; the others of the block always read 0.
  enum Counter: Int {
    case missedPackets = 0x4010
    case received64 = 0x405C
    case goodReceived = 0x4074
    case broadcastReceived = 0x4078
    case multicastReceived = 0x407C
    case goodTransmitted = 0x4080
    case goodOctetsReceived = 0x4088
    case goodOctetsTransmitted = 0x4090
    case noBuffers = 0x40A0
    case undersize = 0x40A4
    case oversize = 0x40AC
    case totalOctetsReceived = 0x40C0
    case totalOctetsTransmitted = 0x40C8
    case totalReceived = 0x40D0
    case totalTransmitted = 0x40D4
    case transmitted64 = 0x40D8
    case multicastTransmitted = 0x40F0
    case broadcastTransmitted = 0x40F4
    case segmentationContexts = 0x40F8
    case segmentationFailures = 0x40FC
  }

  static let block = 0x4000..<0x4100
  private static let wide: [Counter] = [
    .goodOctetsReceived, .goodOctetsTransmitted, .totalOctetsReceived, .totalOctetsTransmitted,
  ]
  private static let sizeClasses = [64, 127, 255, 511, 1023]

  private var words = [UInt32](repeating: 0, count: E1000Statistics.block.count / 4)

  mutating func reset() { for index in words.indices { words[index] = 0 } }

  /// Adds one to a counter of 32 bits.
  mutating func count(_ counter: Counter) { bump(counter.rawValue) }

  /// Adds to a counter of 64 bits.
  mutating func add(_ octets: Int, to counter: Counter) {
    let index = (counter.rawValue - Self.block.lowerBound) / 4
    let old = UInt64(words[index]) | UInt64(words[index + 1]) << 32
    let (sum, overflow) = old.addingReportingOverflow(UInt64(octets))
    let new = overflow ? .max : sum
    words[index] = UInt32(truncatingIfNeeded: new)
    words[index + 1] = UInt32(truncatingIfNeeded: new >> 32)
  }

  /// Counts a frame of `octets` bytes, FCS included, in the histogram that starts at `first`.
  mutating func countSize(_ octets: Int, from first: Counter) {
    let index = Self.sizeClasses.firstIndex { octets <= $0 } ?? Self.sizeClasses.count
    bump(first.rawValue + 4 * index)
  }

  /// Reads and clears the register at `offset` in the window.
  mutating func read(at offset: Int) -> UInt32 {
    let index = (offset - Self.block.lowerBound) / 4
    let value = words[index]
    if Self.wide.contains(where: { $0.rawValue == offset }) { return value }
    words[index] = 0
    if Self.wide.contains(where: { $0.rawValue + 4 == offset }) { words[index - 1] = 0 }
    return value
  }

  private mutating func bump(_ offset: Int) {
    let index = (offset - Self.block.lowerBound) / 4
    if words[index] < .max { words[index] += 1 }
  }
}
