import PVWire
import Testing

@Suite("orders")
struct OrdersTests {
  private static let orders = Orders(
    kernel: Array("disk".utf8),
    parameters: [
      (Array("operation".utf8), .word(Array("write".utf8))), (Array("block".utf8), .number(4096)),
      (Array("largest".utf8), .number(UInt64.max)),
      (Array("sixteen-characters".utf8), .word(Array("0123456789abcdef".utf8))),
    ],
    seed: 7, tscHertz: 2_000_000_000, warmupNanoseconds: 1, windowNanoseconds: UInt64.max, ring: 0x10000,
    ringSize: 0x40000,
    heartbeat: 0xF000)

  private var withoutParameters: Orders {
    var orders = Self.orders
    orders.parameters = []
    return orders
  }

  @Test func ordersComeBack() throws {
    #expect(try Orders(decoding: Self.orders.encoded()) == Self.orders)
    #expect(try Orders(decoding: withoutParameters.encoded()) == withoutParameters)
    #expect(Self.orders != withoutParameters)
  }

  @Test func theRestOfThePageIsIgnored() throws {
    let page = Self.orders.encoded() + [UInt8](repeating: 0xAA, count: 512)
    #expect(try Orders(decoding: page) == Self.orders)
  }

  @Test func theMostParametersFit() throws {
    var orders = Self.orders
    orders.parameters = (0..<Orders.maximumParameters).map { (Array("p\($0)".utf8), .number(UInt64($0))) }
    #expect(try Orders(decoding: orders.encoded()) == orders)
    // The runner's map leaves the orders 0x7000 bytes, up to the heartbeat.
    #expect(orders.encoded().count <= Int(MemoryMap.heartbeat - MemoryMap.orders))
    orders.parameters.append((Array("one more".utf8), .number(0)))
    #expect(throws: WireError.tooLong) { try Orders(decoding: orders.encoded()) }
  }

  @Test func everyTruncationIsRefused() {
    let bytes = Self.orders.encoded()
    for count in bytes.indices {
      #expect(throws: WireError.truncated, "\(count) bytes") { try Orders(decoding: Array(bytes[..<count])) }
    }
  }

  @Test func everyFlippedBitIsRefused() {
    let bytes = Self.orders.encoded()
    for bit in 0..<(8 * bytes.count) {
      var damaged = bytes
      damaged[bit / 8] ^= 1 << (bit % 8)
      #expect(throws: WireError.self, "bit \(bit)") { try Orders(decoding: damaged) }
    }
  }

  @Test func anotherVersionIsNamed() {
    var bytes = Self.orders.encoded()
    bytes[8] = 9
    #expect(throws: WireError.unknownVersion(9)) { try Orders(decoding: bytes) }
  }

  @Test func otherModulesAreNotOrders() {
    #expect(throws: WireError.badMagic) { try Orders(decoding: [UInt8](repeating: 0x20, count: 4096)) }
  }

  @Test func anUnknownKindOfParameterIsRefusedThoughTheChecksumFits() {
    var body = Array(Self.orders.encoded().dropLast(4))
    body[16 + 24 + 7 * 8 + Orders.nameWidth] = 2
    #expect(throws: WireError.invalidValue) { try Orders(decoding: body + checksum(of: body)) }
  }

  @Test func aClockThatStandsIsRefused() {
    var orders = Self.orders
    orders.tscHertz = 0
    #expect(throws: WireError.invalidValue) { try Orders(decoding: orders.encoded()) }
  }

  private func checksum(of body: [UInt8]) -> [UInt8] {
    var writer = ByteWriter()
    writer.put(crc32(body))
    return writer.bytes
  }
}
