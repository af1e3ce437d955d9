import DeviceModel
import GuestMemory
import Synchronization

extension VirtioFeatures {
  /// VIRTIO_BALLOON_F_STATS_VQ: there is a queue of statistics.
  public static let balloonStatistics = VirtioFeatures(rawValue: 1 << 1)
  /// VIRTIO_BALLOON_F_DEFLATE_ON_OOM: a driver that runs out of memory may take pages back.
  public static let balloonDeflateOnOOM = VirtioFeatures(rawValue: 1 << 2)
  /// VIRTIO_BALLOON_F_PAGE_REPORTING: there is a queue of pages that are free.
  public static let balloonPageReporting = VirtioFeatures(rawValue: 1 << 5)
}

/// A virtio balloon (virtio 1.2, 5.5): pages that the driver puts into it, or reports as free, go back to the host. One worker,
/// which needs a thread, serves all queues.
///
/// A page that was given back is there again, zeroed, as soon as it is touched: a driver need not wait for a deflation.
public final class VirtioBalloon: VirtioDevice {
  /// 5: a balloon.
  public let deviceID: UInt32 = 5
  /// The transport's, statistics, deflation when memory runs out, and free-page reporting.
  public let features: VirtioFeatures = [
    .version1, .indirectDescriptors, .eventIndex, .balloonStatistics, .balloonDeflateOnOOM, .balloonPageReporting,
  ]
  /// Inflate, deflate, statistics, free-page hints, free-page reports (5.5.2).
  public let queueSizes: [UInt16]
  /// The worker, which needs a thread.
  public let worker: ChainWorker
  private let handler: BalloonHandler
  private let wanted = Atomic<UInt32>(0)
  private let held = Atomic<UInt32>(0)
  private let generation = Atomic<UInt32>(0)
  private let state = Mutex<VirtioState?>(nil)

  private static let queueCount = 5
  private static let actualOffset = 4

  /// A balloon with queues of up to `queueSize` descriptors (a power of two from 4 to 1024).
  public init(queueSize: Int = 128) throws(EventFD.CreationError) {
    precondition((4...1024).contains(queueSize) && queueSize.nonzeroBitCount == 1, "a power of two from 4 to 1024")
    queueSizes = [UInt16](repeating: UInt16(queueSize), count: Self.queueCount)
    handler = BalloonHandler()
    worker = try ChainWorker(queues: 0..<Self.queueCount, queueSize: queueSize, handler: handler)
  }

  /// The worker's for every queue: it looks at all of them.
  public var doorbells: [EventFD] { queueSizes.map { _ in worker.doorbell } }
  /// The worker.
  public var threads: [any DeviceWorker] { [worker] }

  /// Pages that the driver should put into the balloon, and pages that it says are in it (5.5.4).
  public var configuration: VirtioConfiguration {
    VirtioConfiguration(wanted.load(ordering: .acquiring), held.load(ordering: .relaxed))
  }
  /// Changes with the number of pages that are wanted.
  public var configurationGeneration: UInt32 { generation.load(ordering: .acquiring) }

  /// The driver says how many pages the balloon holds; nothing else can be written.
  public func writeConfiguration(_ value: UInt64, at offset: Int, width: AccessWidth) {
    if offset == Self.actualOffset, width == .long {
      held.store(UInt32(truncatingIfNeeded: value), ordering: .relaxed)
    }
  }

  /// Hands every queue to the worker, without waiting for it.
  public func activate(_ activation: VirtioActivation) {
    held.store(0, ordering: .relaxed)
    state.withLock { $0 = activation.state }
    worker.give(activation)
  }

  /// Rings the worker's doorbell.
  public func notify(queue: Int) { worker.doorbell.signal() }

  /// Takes the queue back from the worker.
  public func stop(queue: Int) { worker.takeBack(queue: queue) }
}

// MARK: - The host's side

extension VirtioBalloon {
  /// Pages of 4 KiB that the driver says are in the balloon.
  public var actualPages: UInt32 { held.load(ordering: .relaxed) }

  /// Asks the driver to bring the balloon to this many pages of 4 KiB; from any thread.
  public func setTarget(pages: UInt32) {
    wanted.store(pages, ordering: .releasing)
    generation.wrappingAdd(1, ordering: .releasing)
    state.withLock { $0 }?.notifyConfigurationChange()
  }

  /// Asks the driver for new statistics by giving it back the buffer of the last ones; from any thread.
  public func requestStatistics() {
    handler.wantsStatistics.store(true, ordering: .releasing)
    worker.doorbell.signal()
  }

  /// What the driver said last, by tag (5.5.6.3); from any thread.
  public var statistics: [BalloonStatistic: UInt64] { handler.statistics.withLock { $0 } }

  /// What became of the guest's memory so far; from any thread.
  public var counters: VirtioBalloonCounters { handler.counters }
}

/// What a balloon has done so far.
public struct VirtioBalloonCounters: Equatable, Sendable {
  /// Pages put into the balloon.
  public var inflated: UInt64
  /// Pages taken out of it.
  public var deflated: UInt64
  /// Pages reported as free.
  public var reported: UInt64

  /// Bytes that the host was given back, each as often as it was.
  public var reclaimedBytes: UInt64 { (inflated + reported) * UInt64(GuestMemory.pageByteCount) }
}

/// A statistic of a guest's memory (5.5.6.3.3): bytes, or occurrences.
public enum BalloonStatistic: UInt16, CaseIterable, Sendable {
  case swappedIn = 0
  case swappedOut = 1
  case majorFaults = 2
  case minorFaults = 3
  case free = 4
  case total = 5
  case available = 6
  case diskCaches = 7
  case hugePageAllocations = 8
  case hugePageFailures = 9
}
