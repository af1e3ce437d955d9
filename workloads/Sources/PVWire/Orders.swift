/// A workload parameter's value: a number in base units, or a short word.
public enum ParameterValue: Equatable, Sendable {
  case number(UInt64)
  /// At most `Orders.wordWidth` ASCII bytes.
  case word([UInt8])
}

/// What a guest is told to do: which kernel, its parameters, seed and durations, and where to put results. It travels as
/// the first module of the PVH start_info.
public struct Orders: Equatable, Sendable {
  /// "PVORDERS" read as a little-endian word.
  public static let magic: UInt64 = 0x5352_4544_524F_5650
  /// The version that this program speaks.
  public static let version: UInt32 = 1
  /// Longest kernel or parameter name in bytes.
  public static let nameWidth = 24
  /// Longest word value in bytes.
  public static let wordWidth = 16
  /// Most parameters.
  public static let maximumParameters = 32

  /// Name of the workload kernel (`disk`).
  public var kernel: [UInt8]
  /// Parameters by name, in the order of the suite's row.
  public var parameters: [(name: [UInt8], value: ParameterValue)]
  /// Seed of every pseudo-random sequence.
  public var seed: UInt64
  /// TSC ticks a second, from the VMM.
  public var tscHertz: UInt64
  /// Discarded before the window, nanoseconds.
  public var warmupNanoseconds: UInt64
  /// Length of the measured window, nanoseconds; at least one operation is always measured.
  public var windowNanoseconds: UInt64
  /// Guest-physical address of the result ring; 0 where records go over the UART instead.
  public var ring: UInt64
  /// Bytes of the ring with its header.
  public var ringSize: UInt64
  /// Guest-physical address of the heartbeat counter; 0 for none.
  public var heartbeat: UInt64

  /// Orders; see the properties.
  public init(
    kernel: [UInt8], parameters: [(name: [UInt8], value: ParameterValue)], seed: UInt64, tscHertz: UInt64,
    warmupNanoseconds: UInt64, windowNanoseconds: UInt64, ring: UInt64, ringSize: UInt64, heartbeat: UInt64
  ) {
    self.kernel = kernel
    self.parameters = parameters
    self.seed = seed
    self.tscHertz = tscHertz
    self.warmupNanoseconds = warmupNanoseconds
    self.windowNanoseconds = windowNanoseconds
    self.ring = ring
    self.ringSize = ringSize
    self.heartbeat = heartbeat
  }

  /// Same kernel, parameters and numbers.
  public static func == (a: Orders, b: Orders) -> Bool {
    guard a.parameters.count == b.parameters.count else { return false }
    for index in 0..<a.parameters.count {
      let (left, right) = (a.parameters[index], b.parameters[index])
      guard left.name == right.name, left.value == right.value else { return false }
    }
    return a.kernel == b.kernel && a.seed == b.seed && a.tscHertz == b.tscHertz
      && a.warmupNanoseconds == b.warmupNanoseconds && a.windowNanoseconds == b.windowNanoseconds
      && a.ring == b.ring && a.ringSize == b.ringSize && a.heartbeat == b.heartbeat
  }

  /// The bytes of the orders module: header, parameters, CRC-32 of everything before it.
  public func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.put(Self.magic)
    writer.put(Self.version)
    writer.put(UInt32(parameters.count))
    writer.put(kernel, width: Self.nameWidth)
    for number in [seed, tscHertz, warmupNanoseconds, windowNanoseconds, ring, ringSize, heartbeat] {
      writer.put(number)
    }
    for (name, value) in parameters {
      writer.put(name, width: Self.nameWidth)
      switch value {
      case .number(let number):
        writer.put(UInt64(0))
        writer.put(number)
        writer.put(UInt64(0))
      case .word(let word):
        writer.put(UInt64(1))
        writer.put(word, width: Self.wordWidth)
      }
    }
    writer.put(crc32(writer.bytes))
    return writer.bytes
  }

  /// Reads orders back; bytes beyond the checksum (a module is page-sized) are ignored.
  public init(decoding bytes: [UInt8]) throws(WireError) {
    var reader = ByteReader(bytes)
    guard try reader.take(UInt64.self) == Self.magic else { throw .badMagic }
    let version = try reader.take(UInt32.self)
    guard version == Self.version else { throw .unknownVersion(version) }
    let count = Int(try reader.take(UInt32.self))
    guard count <= Self.maximumParameters else { throw .tooLong }
    kernel = try reader.takeText(width: Self.nameWidth)
    seed = try reader.take(UInt64.self)
    tscHertz = try reader.take(UInt64.self)
    warmupNanoseconds = try reader.take(UInt64.self)
    windowNanoseconds = try reader.take(UInt64.self)
    ring = try reader.take(UInt64.self)
    ringSize = try reader.take(UInt64.self)
    heartbeat = try reader.take(UInt64.self)
    parameters = []
    for _ in 0..<count {
      let name = try reader.takeText(width: Self.nameWidth)
      switch try reader.take(UInt64.self) {
      case 0:
        parameters.append((name, .number(try reader.take(UInt64.self))))
        _ = try reader.take(UInt64.self)
      case 1: parameters.append((name, .word(try reader.takeText(width: Self.wordWidth))))
      default: throw .invalidValue
      }
    }
    let length = bytes.count - reader.remaining
    let expected = crc32(Array(bytes[0..<length]))
    guard try reader.take(UInt32.self) == expected else { throw .badChecksum }
    guard tscHertz > 0 else { throw .invalidValue }
  }
}
