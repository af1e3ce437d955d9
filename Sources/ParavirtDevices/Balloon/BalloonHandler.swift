import GuestMemory
import Synchronization

/// Does what a balloon's driver asks for. Everything but `answer`, `takeKept` and `forget` may be used from any thread.
final class BalloonHandler: ChainHandler {
  let wantsStatistics = Atomic(false)
  let statistics = Mutex<[BalloonStatistic: UInt64]>([:])
  private let inflated = Atomic<UInt64>(0)
  private let deflated = Atomic<UInt64>(0)
  private let reported = Atomic<UInt64>(0)
  /// The chain of the last statistics, which the driver gets back when it shall send new ones.
  private var keptHead: UInt16?

  /// Pages of one request that are looked at; a driver sends 256 at a time, and what follows the most stays where it is.
  static let mostPages = 1024
  /// Bytes of one report that are looked at, for the same reason.
  static let mostReportedBytes = 64 << 20
  /// Statistics of one buffer that are looked at.
  private static let mostStatistics = 64

  /// What a queue is for.
  private enum Role {
    case inflate
    case deflate
    case statistics
    case reports
    case nothing
  }

  var counters: VirtioBalloonCounters {
    VirtioBalloonCounters(
      inflated: inflated.load(ordering: .relaxed), deflated: deflated.load(ordering: .relaxed),
      reported: reported.load(ordering: .relaxed))
  }

  /// By the numbers of 5.5.2, and by those that drivers give which count only the queues that were agreed on: as there are no
  /// hints here, one number never means two things.
  private static func role(of queue: Int, _ features: VirtioFeatures) -> Role {
    switch queue {
    case 0: .inflate
    case 1: .deflate
    case 2 where features.contains(.balloonStatistics): .statistics
    default: features.contains(.balloonPageReporting) ? .reports : .nothing
    }
  }

  func answer(_ chain: inout DescriptorChain, queue: Int, of served: ServedQueue) throws(VirtqueueError) -> UInt32? {
    switch Self.role(of: queue, served.features) {
    case .inflate: try inflate(&chain, served.memory)
    case .deflate: try deflate(chain)
    case .statistics: return try keep(&chain, served.memory)
    case .reports: try discardReported(chain, served.memory)
    case .nothing: break
    }
    return 0
  }

  func takeKept(queue: Int) -> UInt16? {
    guard queue == 2, let head = keptHead, wantsStatistics.exchange(false, ordering: .acquiringAndReleasing) else {
      return nil
    }
    keptHead = nil
    return head
  }

  func forget(queue: Int) { if queue == 2 { keptHead = nil } }
}

// MARK: - Pages

extension BalloonHandler {
  /// Gives the pages whose numbers the chain holds, 32 bits each (5.5.6), back to the host: neighbours in one go.
  private func inflate(_ chain: inout DescriptorChain, _ memory: QueueMemory) throws(VirtqueueError) {
    guard chain.writable.isEmpty else { throw .wrongDirection }
    var first: UInt64 = 0
    var count: UInt64 = 0
    var rest = Self.mostPages
    while rest > 0, let number = try take(UInt32(0), from: &chain, memory) {
      rest -= 1
      if UInt64(number) != first + count {
        try release(first, count, memory)
        (first, count) = (UInt64(number), 0)
      }
      count += 1
    }
    try release(first, count, memory)
  }

  /// Gives `count` pages from number `first` on back to the host.
  private func release(_ first: UInt64, _ count: UInt64, _ memory: QueueMemory) throws(VirtqueueError) {
    guard count > 0 else { return }
    let page = UInt64(GuestMemory.pageByteCount)
    try memory.discard(at: GuestAddress(first * page), count: Int(count * page))
    inflated.wrappingAdd(count, ordering: .relaxed)
  }

  /// The driver uses its pages again: nothing is to be done, as they come back when they are touched.
  private func deflate(_ chain: DescriptorChain) throws(VirtqueueError) {
    guard chain.writable.isEmpty else { throw .wrongDirection }
    deflated.wrappingAdd(min(chain.readableBytes / 4, UInt64(Self.mostPages)), ordering: .relaxed)
  }

  /// Gives the whole pages in the chain's buffers back to the host (5.5.6.7).
  private func discardReported(_ chain: DescriptorChain, _ memory: QueueMemory) throws(VirtqueueError) {
    guard chain.readable.isEmpty else { throw .wrongDirection }
    let page = UInt64(GuestMemory.pageByteCount)
    var rest = UInt64(Self.mostReportedBytes)
    for index in chain.writable where rest >= page {
      let address = chain.addresses[index].value
      let first = (address + page - 1) & ~(page - 1)
      let end = (address + UInt64(chain.ranges[index].count)) & ~(page - 1)
      guard end > first else { continue }
      let count = min(end - first, rest)
      try memory.discard(at: GuestAddress(first), count: Int(count))
      reported.wrappingAdd(count / page, ordering: .relaxed)
      rest -= count
    }
  }
}

// MARK: - Statistics

extension BalloonHandler {
  /// Reads statistics of ten bytes each, a tag and a value (5.5.6.3), and keeps the chain. A driver that sends more than one
  /// gets the further ones back at once.
  private func keep(_ chain: inout DescriptorChain, _ memory: QueueMemory) throws(VirtqueueError) -> UInt32? {
    guard chain.writable.isEmpty else { throw .wrongDirection }
    var rest = Self.mostStatistics
    while rest > 0, let tag = try take(UInt16(0), from: &chain, memory),
      let value = try take(UInt64(0), from: &chain, memory)
    {
      rest -= 1
      // A tag that is not known is passed over (5.5.6.3.1).
      if let statistic = BalloonStatistic(rawValue: tag) { statistics.withLock { $0[statistic] = value } }
    }
    // Whoever wanted statistics before these has them.
    wantsStatistics.store(false, ordering: .releasing)
    guard keptHead == nil else { return 0 }
    keptHead = chain.head
    return nil
  }

  private func take<Value: BitwiseCopyable>(
    _ empty: Value, from chain: inout DescriptorChain, _ memory: QueueMemory
  ) throws(VirtqueueError) -> Value? {
    var value = empty
    let isThere = try withUnsafeMutableBytes(of: &value) { (bytes) throws(VirtqueueError) in
      // SAFETY: any bytes make a valid value of a bitwise copyable type of integers.
      try chain.takeReadable(into: bytes, from: memory)
    }
    return isThere ? value : nil
  }
}
