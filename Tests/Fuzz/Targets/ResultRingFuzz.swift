import GuestMemory
import PVWire

@testable import Machine

/// The runner's end of the result ring: any head, any bytes, records of every kind.
struct ResultRingFuzz: FuzzTarget {
  static let name = "result-ring"

  private let memory: GuardedMemory
  private static let base: UInt64 = 0x1000
  private static let size: UInt64 = 0x1000
  private static let capacity = size - RingHeader.dataOffset

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) throws {
    memory.clear()
    var ring = ResultRing(memory: memory.guest, base: GuestAddress(Self.base), size: Self.size)
    var head: UInt64 = 0
    while !input.isEmpty {
      switch input.below(6) {
      case 0...2: put(frame(input), &head)
      case 3: head = input.flag() ? head &+ UInt64(input.byte()) : input.number()
      case 4: memory.write(input.array(input.below(16)), at: Self.base + UInt64(input.value(UInt16.self) & 0xFFF))
      default: break
      }
      memory.write(head, at: Self.base + RingHeader.headOffset)
      try ring.drain()
      let tail = memory.read(UInt64.self, at: Self.base + RingHeader.tailOffset)
      mustHold(tail == head, "a drained ring is not empty")
      mustHold(ring.records.count <= ResultRing.maximumRecords, "more records than a guest may send")
    }
  }

  private func put(_ bytes: [UInt8], _ head: inout UInt64) {
    for byte in bytes {
      memory.write(byte, at: Self.base + RingHeader.dataOffset + head % Self.capacity)
      head &+= 1
    }
  }

  /// A frame whose checksum is right, whatever it carries.
  private func frame(_ input: FuzzInput) -> [UInt8] {
    let payload = input.array(input.below(80))
    var writer = ByteWriter()
    writer.put(RecordFrame.magic)
    writer.put(UInt16(input.below(10)))
    writer.put(UInt32(payload.count))
    writer.put(crc32(payload))
    writer.put(payload)
    return writer.bytes
  }
}
