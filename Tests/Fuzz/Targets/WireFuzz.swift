import PVWire

/// What host and guest tell each other: orders, frames and records. What was understood is written as it was read.
struct WireFuzz: FuzzTarget {
  static let name = "wire"

  private static let orders = Orders(
    kernel: Array("disk.randread".utf8),
    parameters: [
      (Array("depth".utf8), .number(32)), (Array("path".utf8), .word(Array("ide".utf8))),
      (Array("span".utf8), .number(1 << 20)),
    ], seed: 1, tscHertz: 2_000_000_000, warmupNanoseconds: 1, windowNanoseconds: 2, ring: 0x1_0000, ringSize: 0x4_0000,
    heartbeat: 0xF000
  ).encoded()

  /// Orders in which some bytes are others, and of which some are missing or too many.
  private func patchedOrders(_ input: FuzzInput) -> [UInt8] {
    var bytes = Self.orders
    for _ in 0..<input.below(8) {
      let place = Int(input.value(UInt16.self)) % bytes.count
      bytes[place] = input.byte()
    }
    if input.byte() & 7 == 0 { bytes.removeLast(Int(input.value(UInt16.self)) % bytes.count) }
    return bytes + input.rest()
  }

  /// Frames with right checksums, then whatever is left.
  private func frames(_ input: FuzzInput) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<input.below(4) {
      let payload = input.array(input.below(100))
      var writer = ByteWriter()
      writer.put(RecordFrame.magic)
      writer.put(UInt16(input.below(10)))
      writer.put(UInt32(payload.count))
      writer.put(crc32(payload))
      writer.put(payload)
      bytes += writer.bytes
    }
    return bytes + input.rest()
  }

  func run(_ input: FuzzInput) throws {
    switch input.below(3) {
    case 0:
      let orders = try Orders(decoding: patchedOrders(input))
      mustHold(try Orders(decoding: orders.encoded()) == orders, "orders change when they are written again")
    case 1:
      var stream = frames(input)
      for record in try RecordFrame.decode(&stream) {
        var again = RecordFrame.encode(record)
        mustHold(try RecordFrame.decode(&again) == [record], "a record changes when it is written again")
      }
    default:
      let type = UInt16(input.below(10))
      let record = try GuestRecord(type: type, payload: input.rest())
      mustHold(try GuestRecord(type: type, payload: record.payload) == record, "a record is not its payload")
    }
  }
}
