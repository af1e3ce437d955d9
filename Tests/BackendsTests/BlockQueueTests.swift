import Backends
import DeviceModel
import Glibc
import GuestMemory
import Testing

/// What every queue must do, over io_uring with and without the page cache and over memory.
struct BlockQueueTests {
  /// A queue with what it needs, and a wait that gives everything that ends.
  final class Rig {
    let medium: StorageTests.Medium
    let queue: any BlockQueue
    var events = BlockEvents(capacity: 16)
    let eventFDs: [EventFD]

    init(_ kind: StorageTests.Kind, isReadOnly: Bool = false) throws {
      medium = try kind.make(isReadOnly: isReadOnly)
      queue = try makeBlockQueue(for: medium.storage, capacity: 16, segments: 8)
      eventFDs = try [EventFD(), EventFD()]
      try queue.attach()
      queue.watch(eventFDs)
    }

    func enqueue(_ request: BlockRequest, _ buffers: [UnsafeMutableRawBufferPointer] = [], token: Int) throws {
      let ranges = try buffers.map { HostRange(start: try #require($0.baseAddress), count: $0.count) }
      queue.enqueue(request, data: ranges.span, token: token)
    }

    /// Waits until nothing is in flight; the error of every token that ended.
    func finish() throws -> [Int: Int32] {
      var ended: [Int: Int32] = [:]
      while queue.inFlight > 0 {
        try queue.wait(into: &events)
        for completion in events.completions { ended[completion.token] = completion.errno }
      }
      return ended
    }
  }

  @Test(arguments: StorageTests.Kind.allCases, [0, 1])
  func durablyWrittenBytesAreReadBack(kind: StorageTests.Kind, misalignment: Int) throws {
    let rig = try Rig(kind)
    let source = Buffer(count: 4096, offset: misalignment)
    source.fillWithPattern(seed: 2)
    try rig.enqueue(BlockRequest(.durableWrite, offset: 512, count: 4096), [source.bytes], token: 1)
    #expect(try rig.finish() == [1: 0])
    let target = Buffer(count: 4096)
    try rig.medium.storage.read(at: 512, into: target.bytes)
    #expect(target.array == source.array)
  }

  @Test(arguments: StorageTests.Kind.allCases)
  func writtenBytesAreReadBackThroughSeveralBuffers(kind: StorageTests.Kind) throws {
    let rig = try Rig(kind)
    let source = Buffer(count: 12 << 10)
    source.fillWithPattern(seed: 1)
    try rig.enqueue(BlockRequest(.write, offset: 8192, count: 12 << 10), [source.bytes], token: 3)
    #expect(try rig.finish() == [3: 0])
    let parts = [Buffer(count: 4096, fill: 1), Buffer(count: 512, fill: 2), Buffer(count: 7680, fill: 3)]
    try rig.enqueue(BlockRequest(.read, offset: 8192, count: 12 << 10), parts.map(\.bytes), token: 5)
    #expect(try rig.finish() == [5: 0])
    #expect(parts.flatMap(\.array) == source.array)
  }

  @Test(arguments: StorageTests.Kind.allCases)
  func sectorsSplitAtOddPlacesAreCarriedThrough(kind: StorageTests.Kind) throws {
    let rig = try Rig(kind)
    let source = [Buffer(count: 100, offset: 3), Buffer(count: 100_000, offset: 1), Buffer(count: 2300, offset: 7)]
    for (seed, buffer) in source.enumerated() { buffer.fillWithPattern(seed: seed) }
    try rig.enqueue(BlockRequest(.write, offset: 512, count: 102_400), source.map(\.bytes), token: 0)
    #expect(try rig.finish() == [0: 0])
    let target = [Buffer(count: 99_999, offset: 5), Buffer(count: 2401, offset: 9)]
    try rig.enqueue(BlockRequest(.read, offset: 512, count: 102_400), target.map(\.bytes), token: 1)
    #expect(try rig.finish() == [1: 0])
    #expect(target.flatMap(\.array) == source.flatMap(\.array))
  }

  @Test(arguments: StorageTests.Kind.allCases)
  func allTokensCanBeInFlightAtOnce(kind: StorageTests.Kind) throws {
    let rig = try Rig(kind)
    let buffers = (0..<16).map { Buffer(count: 4096, fill: UInt8($0 + 1)) }
    for (token, buffer) in buffers.enumerated() {
      try rig.enqueue(BlockRequest(.write, offset: UInt64(token) * 4096, count: 4096), [buffer.bytes], token: token)
    }
    #expect(rig.queue.inFlight == 16)
    #expect(try rig.finish() == Dictionary(uniqueKeysWithValues: (0..<16).map { ($0, 0) }))
    let whole = Buffer(count: 16 * 4096)
    try rig.medium.storage.read(at: 0, into: whole.bytes)
    #expect(whole.array == buffers.flatMap(\.array))
  }

  @Test(arguments: StorageTests.Kind.allCases)
  func flushAndDiscardComplete(kind: StorageTests.Kind) throws {
    let rig = try Rig(kind)
    let source = Buffer(count: 8192, fill: 0xCD)
    try rig.medium.storage.write(source.readable, at: 0)
    try rig.enqueue(BlockRequest(.discard, offset: 0, count: 4096), token: 1)
    try rig.enqueue(BlockRequest(.flush), token: 2)
    #expect(try rig.finish() == [1: 0, 2: 0])
    let target = Buffer(count: 8192, fill: 0xEE)
    try rig.medium.storage.read(at: 0, into: target.bytes)
    #expect(target.array == [UInt8](repeating: 0, count: 4096) + [UInt8](repeating: 0xCD, count: 4096))
  }

  @Test(arguments: [StorageTests.Kind.direct, .buffered])
  func failedWriteReportsTheHostsReason(kind: StorageTests.Kind) throws {
    let rig = try Rig(kind, isReadOnly: true)
    try rig.enqueue(BlockRequest(.write, offset: 0, count: 4096), [Buffer(count: 4096).bytes], token: 4)
    #expect(try rig.finish() == [4: EBADF])
  }

  @Test(arguments: [StorageTests.Kind.direct, .buffered])
  func shrunkenFileGivesAnErrorAfterTheBytesThatAreLeft(kind: StorageTests.Kind) throws {
    let rig = try Rig(kind)
    let image = try #require(rig.medium.image)
    try #require(truncate(image.path, 4096) == 0)
    let buffer = Buffer(count: 8192)
    try rig.enqueue(BlockRequest(.read, offset: 0, count: 8192), [buffer.bytes], token: 0)
    #expect(try rig.finish() == [0: EIO])
  }

  @Test(arguments: [StorageTests.Kind.buffered, .memory])
  func mediumThatAnswersAtOnceHasAnsweredWhenItIsPolled(kind: StorageTests.Kind) throws {
    let rig = try Rig(kind)
    #expect(rig.queue.answersAtOnce)
    let source = Buffer(count: 4096, fill: 7)
    try rig.medium.storage.write(source.readable, at: 4096)
    let target = Buffer(count: 4096)
    try rig.enqueue(BlockRequest(.read, offset: 4096, count: 4096), [target.bytes], token: 2)
    try rig.queue.poll(into: &rig.events)
    #expect(rig.events.completions.map(\.token) == [2])
    #expect(rig.events.completions.map(\.errno) == [0])
    #expect(rig.queue.inFlight == 0)
    #expect(target.array == source.array)
  }

  @Test(arguments: StorageTests.Kind.allCases, [1, 2, 3])
  func readsAreRightAloneAndInCompany(kind: StorageTests.Kind, company: Int) throws {
    let rig = try Rig(kind)
    let source = Buffer(count: 16 << 10)
    source.fillWithPattern(seed: 3)
    try rig.medium.storage.write(source.readable, at: 0)
    let targets = (0..<company).map { _ in Buffer(count: 4096) }
    for (token, target) in targets.enumerated() {
      try rig.enqueue(BlockRequest(.read, offset: UInt64(token) * 4096, count: 4096), [target.bytes], token: token)
    }
    #expect(try rig.finish() == Dictionary(uniqueKeysWithValues: (0..<company).map { ($0, 0) }))
    #expect(targets.flatMap(\.array) == Array(source.array.prefix(company * 4096)))
  }

  @Test func readThatThePageCacheDoesNotHoldIsFetched() throws {
    let rig = try Rig(.buffered)
    let image = try #require(rig.medium.image)
    let source = Buffer(count: 4096)
    source.fillWithPattern(seed: 4)
    try rig.medium.storage.write(source.readable, at: 8192)
    let descriptor = open(image.path, O_RDWR)
    defer { close(descriptor) }
    try #require(fsync(descriptor) == 0)
    try #require(posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
    let target = Buffer(count: 4096)
    try rig.enqueue(BlockRequest(.read, offset: 8192, count: 4096), [target.bytes], token: 6)
    #expect(try rig.finish() == [6: 0])
    #expect(target.array == source.array)
  }

  @Test func diskBehindThePageCacheMayTakeItsTime() throws {
    #expect(try !Rig(.direct).queue.answersAtOnce)
  }

  @Test(arguments: StorageTests.Kind.allCases)
  func signalEndsTheWaitAndIsConsumed(kind: StorageTests.Kind) throws {
    let rig = try Rig(kind)
    for round in 1...3 {
      for _ in 0..<round { rig.eventFDs[1].signal() }
      try rig.queue.wait(into: &rig.events)
      #expect(rig.events.signals(of: 0) == 0)
      #expect(rig.events.signals(of: 1) == UInt64(round))
      #expect(rig.eventFDs[1].consume() == 0)
    }
  }

  @Test(arguments: StorageTests.Kind.allCases)
  func signalsAndCompletionsArriveTogetherOrOneAfterTheOther(kind: StorageTests.Kind) throws {
    let rig = try Rig(kind)
    var signals: UInt64 = 0
    var completions = 0
    for token in 0..<16 {
      try rig.enqueue(BlockRequest(.flush), token: token)
      rig.eventFDs[0].signal()
    }
    while signals < 16 || completions < 16 {
      try rig.queue.wait(into: &rig.events)
      signals += rig.events.signals(of: 0)
      completions += rig.events.completions.count
    }
    #expect(signals == 16 && completions == 16)
    #expect(rig.queue.inFlight == 0)
  }
}
