import CLinuxKVM
import Testing

@testable import KVM

/// A ring of 256 bytes, filled by hand.
@Suite("records in a ring of perf events")
struct PerfRecordsTests {
  private enum Seen: Equatable {
    case sample([UInt8])
    case lost(UInt64)
    case damaged
  }

  private struct Ring {
    var bytes = [UInt8](repeating: 0xEE, count: 256)
    var head: UInt64

    mutating func put(_ record: [UInt8]) {
      for byte in record {
        bytes[Int(head % 256)] = byte
        head &+= 1
      }
    }

    func seen(from tail: UInt64, to end: UInt64? = nil) -> [Seen] {
      var seen: [Seen] = []
      bytes.withUnsafeBytes { data in
        var records = PerfRecords(data: data)
        records.read(from: tail, to: end ?? head) { record in
          switch record {
          case .sample(let bytes): seen.append(.sample(Array(bytes)))
          case .lost(let count): seen.append(.lost(count))
          case .damaged: seen.append(.damaged)
          }
        }
      }
      return seen
    }
  }

  private static func bytes<Value: BitwiseCopyable>(_ value: Value) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
  }

  private static func header(_ type: UInt32, size: Int) -> [UInt8] {
    bytes(type) + bytes(UInt16(0)) + bytes(UInt16(size))
  }

  private static func sample(_ body: [UInt8], claiming count: Int? = nil) -> [UInt8] {
    header(9, size: 12 + body.count) + bytes(UInt32(count ?? body.count)) + body
  }

  private static func lost(_ count: UInt64) -> [UInt8] { header(2, size: 24) + bytes(UInt64(77)) + bytes(count) }

  @Test func anEmptyRingHasNothing() { #expect(Ring(head: 40).seen(from: 40) == []) }

  @Test func recordsComeInTheirOrder() {
    var ring = Ring(head: 0)
    ring.put(Self.sample([1, 2, 3, 4]))
    ring.put(Self.lost(5))
    ring.put(Self.header(4, size: 16) + [UInt8](repeating: 0, count: 8))  // an exit of the thread: nobody asked for it
    ring.put(Self.sample([6, 7, 8, 9]))
    #expect(ring.seen(from: 0) == [.sample([1, 2, 3, 4]), .lost(5), .sample([6, 7, 8, 9])])
  }

  private static let starts: [UInt64] = [232, 236, 240, 244, 248, 252, 256, (1 << 40) - 8, UInt64.max - 19]

  @Test(arguments: starts)
  func aRecordOverTheEndIsWhole(start: UInt64) {
    let body = (0..<28).map { UInt8($0) }
    var ring = Ring(head: start)
    ring.put(Self.sample(body))
    ring.put(Self.lost(3))
    #expect(ring.seen(from: start) == [.sample(body), .lost(3)])
  }

  @Test(arguments: [0, 1, 7])
  func aSizeBelowTheHeadersEndsTheReading(size: Int) {
    var ring = Ring(head: 0)
    ring.put(Self.sample([1, 2, 3, 4]))
    ring.put(Self.header(9, size: size) + [UInt8](repeating: 0, count: 24))
    #expect(ring.seen(from: 0) == [.sample([1, 2, 3, 4]), .damaged])
  }

  @Test func aRecordBeyondTheHeadIsNotRead() {
    var ring = Ring(head: 0)
    ring.put(Self.header(9, size: 65_535) + [UInt8](repeating: 0, count: 24))
    #expect(ring.seen(from: 0) == [.damaged])
  }

  @Test func aCutOffHeaderIsNotRead() {
    var ring = Ring(head: 0)
    ring.put(Self.sample([1, 2, 3, 4]))
    #expect(ring.seen(from: 0, to: 20) == [.sample([1, 2, 3, 4]), .damaged])
  }

  @Test func indicesFurtherApartThanTheRingAreNotBelieved() {
    #expect(Ring(head: 0).seen(from: 0, to: 257) == [.damaged])
    #expect(Ring(head: 0).seen(from: 10, to: 9) == [.damaged])
  }

  @Test func aSampleThatClaimsMoreThanItsRecordIsDamaged() {
    var ring = Ring(head: 0)
    ring.put(Self.sample([1, 2, 3, 4], claiming: 5))
    ring.put(Self.sample([1, 2, 3, 4], claiming: Int(UInt32.max)))
    ring.put(Self.header(9, size: 8))
    ring.put(Self.header(2, size: 16) + [UInt8](repeating: 0, count: 8))
    #expect(ring.seen(from: 0) == [.damaged, .damaged, .damaged, .damaged])
  }

  @Test func paddingBehindASampleIsNoPartOfIt() {
    var ring = Ring(head: 0)
    ring.put(Self.sample([1, 2, 0, 0], claiming: 2))
    #expect(ring.seen(from: 0) == [.sample([1, 2])])
  }
}
