import GuestMemory
import PVWire
import Testing

@testable import Machine

/// A guest's end of the ring, honest or not.
private struct RingGuest {
  let memory: GuestMemory
  let base = GuestAddress(0x1000)
  let capacity: UInt64
  var head: UInt64 = 0

  init(capacity: UInt64) throws {
    self.capacity = capacity
    memory = try GuestMemory(byteCount: 0x1000 + 1 << 20)
  }

  var host: ResultRing { ResultRing(memory: memory, base: base, size: capacity + RingHeader.dataOffset) }

  var tail: UInt64 { get throws { try memory.read(UInt64.self, at: base + RingHeader.tailOffset) } }

  mutating func put(_ bytes: [UInt8]) throws {
    for byte in bytes {
      try memory.write(byte, at: base + (RingHeader.dataOffset + head % capacity))
      head += 1
    }
    try claim(head: head)
  }

  func claim(head: UInt64) throws { try memory.write(head, at: base + RingHeader.headOffset) }
}

@Suite("result ring")
struct ResultRingTests {
  @Test func anEmptyRingHasNoRecords() throws {
    let guest = try RingGuest(capacity: 256)
    var ring = guest.host
    try ring.drain()
    #expect(ring.records.isEmpty)
  }

  @Test func recordsComeInOrderAndTheTailFollows() throws {
    var guest = try RingGuest(capacity: 256)
    var ring = guest.host
    try guest.put(RecordFrame.encode(.slots([1])) + RecordFrame.encode(.skip([65])))
    try ring.drain()
    #expect(ring.records == [.slots([1]), .skip([65])])
    #expect(try guest.tail == guest.head)
    try ring.drain()
    #expect(ring.records.count == 2)
  }

  /// Capacities to which no frame is a divisor, so that frames wrap around at every byte sooner or later.
  @Test(arguments: [UInt64(64), 67, 101, 256])
  func recordsWrapAround(capacity: UInt64) throws {
    var guest = try RingGuest(capacity: capacity)
    var ring = guest.host
    let records = (0..<200).map { GuestRecord.value(name: [97], UInt64($0)) }
    for record in records {
      try guest.put(RecordFrame.encode(record))
      try ring.drain()
    }
    #expect(ring.records == records)
    #expect(try guest.tail == guest.head)
  }

  @Test func aRecordMayComeInPieces() throws {
    var guest = try RingGuest(capacity: 64)
    var ring = guest.host
    let record = GuestRecord.log((0..<200).map { UInt8($0) })
    for byte in RecordFrame.encode(record) {
      #expect(ring.records.isEmpty)
      try guest.put([byte])
      try ring.drain()
    }
    #expect(ring.records == [record])
  }

  @Test(arguments: [UInt64(257), 1 << 32, UInt64.max / 2, UInt64.max])
  func aHeadBeyondTheRingIsRefused(head: UInt64) throws {
    let guest = try RingGuest(capacity: 256)
    var ring = guest.host
    try guest.claim(head: head)
    #expect(throws: ResultRing.RingError.impossibleHead(head)) { try ring.drain() }
    #expect(ring.records.isEmpty)
  }

  @Test func aHeadThatGoesBackIsRefused() throws {
    var guest = try RingGuest(capacity: 256)
    var ring = guest.host
    try guest.put(RecordFrame.encode(.skip([])))
    try ring.drain()
    try guest.claim(head: 3)
    #expect(throws: ResultRing.RingError.impossibleHead(3)) { try ring.drain() }
  }

  @Test func aTailThatTheGuestMovedIsNotBelieved() throws {
    var guest = try RingGuest(capacity: 256)
    var ring = guest.host
    try guest.put(RecordFrame.encode(.skip([])))
    try guest.memory.write(UInt64.max, at: guest.base + RingHeader.tailOffset)
    try ring.drain()
    #expect(ring.records == [.skip([])])
    #expect(try guest.tail == guest.head)
  }

  @Test func garbageIsRefused() throws {
    var guest = try RingGuest(capacity: 256)
    var ring = guest.host
    try guest.put((0..<64).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) })
    #expect(throws: ResultRing.RingError.wire(.badMagic)) { try ring.drain() }
  }

  @Test func aDamagedRecordIsRefused() throws {
    var guest = try RingGuest(capacity: 256)
    var ring = guest.host
    var frame = RecordFrame.encode(.slots([1, 2]))
    frame[frame.count - 1] ^= 1
    try guest.put(frame)
    #expect(throws: ResultRing.RingError.wire(.badChecksum)) { try ring.drain() }
  }

  @Test func aGuestThatNeverEndsIsRefused() throws {
    var guest = try RingGuest(capacity: 1 << 19)
    var ring = guest.host
    let thousands = [[UInt8]](repeating: RecordFrame.encode(.skip([])), count: 20_000).flatMap { $0 }
    for _ in 0..<5 {
      try guest.put(thousands)
      try ring.drain()
    }
    #expect(ring.records.count == ResultRing.maximumRecords)
    try guest.put(RecordFrame.encode(.skip([])))
    #expect(throws: ResultRing.RingError.tooMuch) { try ring.drain() }
  }

  @Test func aGuestThatSendsWithoutMeasureIsRefused() throws {
    var guest = try RingGuest(capacity: 1 << 19)
    var ring = guest.host
    // Four kibibytes a frame go evenly into the ring: the same bytes are new records as often as the head passes them.
    let frame = RecordFrame.encode(.log([UInt8](repeating: 65, count: 4096 - RecordFrame.headerSize)))
    try guest.put([[UInt8]](repeating: frame, count: 128).flatMap { $0 })
    for head in stride(from: guest.capacity, through: ResultRing.maximumBytes, by: Int(guest.capacity)) {
      try guest.claim(head: head)
      try ring.drain()
    }
    try guest.claim(head: ResultRing.maximumBytes + 4096)
    #expect(throws: ResultRing.RingError.tooMuch) { try ring.drain() }
    #expect(ring.records.count < ResultRing.maximumRecords)
  }

  @Test func aRingOutsideMemoryIsRefused() throws {
    let memory = try GuestMemory(byteCount: 4096)
    var ring = ResultRing(memory: memory, base: GuestAddress(1 << 40), size: 4096)
    #expect(throws: ResultRing.RingError.memory(.outOfRange(GuestAddress(1 << 40 + 8), count: 8))) { try ring.drain() }
  }

  @Test func errorsSayThatTheGuestIsToBlame() {
    #expect("\(ResultRing.RingError.impossibleHead(9))".hasPrefix("the guest's result ring is nonsense: "))
    #expect("\(ResultRing.RingError.wire(.badMagic))".hasPrefix("the guest's result ring is nonsense: "))
  }
}
