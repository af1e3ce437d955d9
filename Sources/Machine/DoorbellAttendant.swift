import CLinuxKVM
import GuestMemory
import KVM
import PVWire

/// What the measured window cost the host, beside its exits.
struct WindowMeasurement {
  var cpuSeconds = 0.0
  /// How long the first vCPU's thread wanted to run and did not, by the host's scheduler; nil where it does not say.
  var runDelaySeconds: Double?
  /// How long that thread of the machine waited for its CPU which waited most; nil where nobody looked.
  var longestRunDelaySeconds: Double?
  /// Bytes that storage gave to this process; nil where the guest's disk is not read past the page cache.
  var storageReadBytes: UInt64?
  var kvmStats: [String: UInt64] = [:]
  /// How often the guest went where its way out leads inside KVM; nil where it takes none that leads there.
  var taken: UInt64?
}

/// KVM's counters of all vCPUs of a machine, summed.
final class VCPUStatistics {
  private final class Reader {
    var stats: KVMStats
    init(_ stats: consuming KVMStats) { self.stats = stats }
  }
  private var readers: [Reader] = []

  /// Adds a vCPU's; one that has none is left out.
  func add(_ vcpu: borrowing VCPU) { if let stats = try? vcpu.stats() { readers.append(Reader(stats)) } }

  /// Names, in the order of every snapshot.
  var names: [String] { readers.first?.stats.counters.map(\.name) ?? [] }

  /// The sums at this moment, the vCPUs may be running; empty where nothing can be read.
  func snapshot() -> [UInt64] {
    var sums = [UInt64](repeating: 0, count: names.count)
    for reader in readers {
      guard let values = try? reader.stats.snapshot(), values.count == sums.count else { return [] }
      for index in sums.indices { sums[index] &+= values[index] }
    }
    return sums
  }

  /// What moved between two snapshots, by name.
  func difference(from earlier: [UInt64], to later: [UInt64]) -> [String: UInt64] {
    readers.first?.stats.difference(from: earlier, to: later) ?? [:]
  }
}

/// What the host does at the guest's doorbells, on the first vCPU's thread: it keeps the result ring and the measured window.
final class DoorbellAttendant {
  var firstInstructionTSC: UInt64?
  private(set) var readyTSC: UInt64?
  private(set) var window: WindowMeasurement?
  private(set) var memoryUsage: (guest: UInt64, runner: UInt64)?
  /// Where RAM was when the window closed; nil where nobody chose a place, or the kernel does not say.
  private(set) var residence: PageResidence?
  private(set) var ring: ResultRing
  private(set) var ringError: ResultRing.RingError?
  private(set) var notes: [String] = []

  private let memory: GuestMemory
  private let isPlaced: Bool
  private let statistics: VCPUStatistics
  private let kernelThread: VhostThread?
  private let wayCounter: WayCounter?
  private var startStats: [UInt64] = []
  private var openStats: [UInt64] = []
  private var openCPUSeconds = 0.0
  private var openTaken: UInt64 = 0
  private let watchesSteal: Bool
  private var openRunDelay: Double?
  private let delays: RunDelayWatch?
  private let watchesStorage: Bool
  private var openStorageRead: UInt64?

  /// RAM is looked up page by page where it `isPlaced`; `kernelThread` is one that works for this guest beside the threads of
  /// the process, and `wayCounter` counts what the guest's way out leaves inside KVM; the host's scheduler
  /// is asked for stolen time only where it `watchesSteal`, for the other threads' waits where there are `delays`, and the kernel
  /// for what storage gave where one `watchesStorage`.
  init(
    memory: GuestMemory, isPlaced: Bool = false, statistics: VCPUStatistics, kernelThread: VhostThread? = nil,
    wayCounter: WayCounter? = nil, watchesSteal: Bool = false, delays: RunDelayWatch? = nil,
    watchesStorage: Bool = false
  ) {
    self.delays = delays
    self.watchesStorage = watchesStorage
    self.memory = memory
    self.isPlaced = isPlaced
    self.kernelThread = kernelThread
    self.wayCounter = wayCounter
    self.watchesSteal = watchesSteal
    self.statistics = statistics
    ring = ResultRing(memory: memory, base: GuestAddress(MemoryMap.ring), size: MemoryMap.ringSize)
  }

  /// Before the guest's first instruction.
  func begin() { startStats = statistics.snapshot() }

  /// The guest is ready; booting it took `exits`, by reason.
  func ready(at tsc: UInt64, exits: [String: UInt64]) {
    readyTSC = tsc
    noteStatsThatDoNotCount(exits)
  }

  func openWindow() {
    // Before start-up memory is given back: what these need would otherwise be counted as the runner's.
    delays?.open()
    openStorageRead = watchesStorage ? ProcessUsage.storageReadBytes() : nil
    // What the warm-up needed, the window needs.
    pv_forget_startup()
    openStats = statistics.snapshot()
    openCPUSeconds = cpuSeconds
    openTaken = wayCounter?.count() ?? 0
    // Last, as it is the first when the window closes: the guest's own account of the same is of no other time.
    openRunDelay = watchesSteal ? ProcessUsage.runDelaySeconds() : nil
  }

  func closeWindow() {
    var measured = WindowMeasurement()
    if let opened = openRunDelay, let closed = ProcessUsage.runDelaySeconds() {
      measured.runDelaySeconds = closed - opened
    }
    measured.cpuSeconds = cpuSeconds - openCPUSeconds
    measured.taken = wayCounter.map { $0.count() - openTaken }
    memoryUsage = ProcessUsage.memory(guest: memory.slot)
    measured.longestRunDelaySeconds = delays?.longest()
    if let opened = openStorageRead { measured.storageReadBytes = ProcessUsage.storageReadBytes().map { $0 - opened } }
    if isPlaced { residence = memory.residence() }
    let closing = statistics.snapshot()
    if openStats.count == closing.count {
      measured.kvmStats = statistics.difference(from: openStats, to: closing)
    }
    window = measured
  }

  private var cpuSeconds: Double { ProcessUsage.cpuSeconds() + (kernelThread?.cpuSeconds ?? 0) }

  /// Empties the result ring; false where it is nonsense.
  func drain() -> Bool {
    do { try ring.drain() } catch {
      ringError = error
      return false
    }
    return true
  }

  /// The guest says nothing more.
  func end() { _ = drain() }

  /// Booting made a known number of port exits: a counter of theirs that stayed where it was does not count here.
  private func noteStatsThatDoNotCount(_ seen: [String: UInt64]) {
    let now = statistics.snapshot()
    for (counter, reason) in [("exits", "io"), ("io_exits", "io"), ("mmio_exits", "mmio")] {
      guard let index = statistics.names.firstIndex(of: counter), now.count == startStats.count,
        seen[reason, default: 0] > 0, now[index] == startStats[index]
      else { continue }
      notes.append("KVM's counter \(counter) does not move on this host")
    }
  }
}
