import Drivers
import GuestKernel
import PVWire

/// monotonic: every processor reads the clock over and over, and shows the others what it has read. No read may give an earlier
/// time than one that had ended before, on whichever processor. That is promised by a flag of KVM's clock (PVCLOCK_TSC_STABLE_BIT)
/// and, as Linux takes it, by an invariant TSC; where it is not, there is nothing to hold a host to.
///
/// Parameters: clock (tsc, kvmclock), vcpus, reads (of all processors: the window does not close before). One operation is a batch
/// of reads of processor 0. Value, in the window: clock.reads. By the parameter `backstep` the first batch of the last processor
/// ends that many nanoseconds too late.
enum MonotonicWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let loop = try MonotonicLoop(session)
    try loop.begin()
    try session.measure(loop)
    session.send(.value(name: Text.bytes("clock.reads"), loop.reads))
  }
}

/// Nothing in it allocates.
private final class MonotonicLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let processors: Int
  private let wanted: UInt64
  private let backstep: UInt64
  private let counter: TSCClock
  /// KVM's page of each processor; none where the clock is the TSC.
  private let pages: [KVMClockPage]
  private let board = DMAMemory(count: 64 * (Processors.most + 1))
  private var isMeasured = false
  private var readsBefore: UInt64 = 0

  /// Offsets: the word that ends everything, then a cache line for each processor.
  private enum Place {
    static let end: UInt = 0
    static let stride: UInt = 64
    /// In a processor's line: the latest time that it has read, its reads, and a step backwards: its length and against whom,
    /// one more than the number of that processor.
    static let latest: UInt = 0
    static let reads: UInt = 8
    static let step: UInt = 16
    static let against: UInt = 24
  }
  private static let batch = 256

  init(_ session: Session) throws(WorkloadFailure) {
    self.session = session
    processors = try session.processors()
    wanted = try session.number("reads")
    backstep = session.hasParameter("backstep") ? try session.number("backstep") : 0
    counter = TSCClock(hertz: session.orders.tscHertz)
    if session.isWord("clock", "tsc") {
      pages = []
    } else if session.isWord("clock", "kvmclock") {
      pages = (0..<processors).compactMap { _ in KVMClockPage() }
      guard pages.count == processors else { throw .skipped(Text.bytes("CPUID shows no KVM that has a kvmclock")) }
    } else {
      throw .skipped(Text.bytes("this clock has one reader: clock=tsc and clock=kvmclock have several"))
    }
    LocalAPIC.enable(acceptsPIC: false)
  }

  /// Every processor has its page, and all but the first begin to read.
  func begin() throws(WorkloadFailure) {
    session.startOthers(of: processors) { self.enable($0) }
    enable(0)
    try session.awaitProcessors(processors, ticks: patience, "a vCPU has no clock")
    try checkPromise()
    session.startOthers(of: processors) { index in
      while pv_load64(self.board.address + Place.end) == 0, self.readBatch(index) {}
    }
  }

  private func checkPromise() throws(WorkloadFailure) {
    if pages.isEmpty {
      guard CPUID.hasInvariantTSC else {
        throw .skipped(Text.bytes("CPUID shows no invariant TSC: those of several vCPUs may differ"))
      }
    } else {
      guard pages.allSatisfy({ $0.agreesWithOthers }) else {
        throw .skipped(Text.bytes("KVM does not promise on this host that its clock never goes back"))
      }
    }
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
    isMeasured = true
    readsBefore = allReads
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      let start = pv_tsc()
      guard readBatch(0), (1..<processors).allSatisfy({ pv_load64(line($0) + Place.against) == 0 }) else {
        throw failure()
      }
      latency.record(session.nanoseconds(pv_tsc() &- start))
      operations += 1
      session.beat()
    } while pv_tsc() < deadline || isMeasured && reads < wanted
  }

  func settle() throws(WorkloadFailure) {
    pv_store64(board.address + Place.end, 1)
    try session.awaitProcessors(processors, ticks: patience, "a vCPU does not come to the end of its reads")
    guard (0..<processors).allSatisfy({ pv_load64(line($0) + Place.against) == 0 }) else { throw failure() }
  }

  /// Reads of all processors in the window.
  var reads: UInt64 { allReads - readsBefore }
  private var allReads: UInt64 { (0..<processors).reduce(0) { $0 + pv_load64(line($1) + Place.reads) } }
  private var patience: UInt64 { session.ticks(nanoseconds: 2_000_000_000) }

  private func enable(_ index: Int) { if !pages.isEmpty { pages[index].enable() } }

  @inline(__always) private func time(_ index: Int) -> UInt64 {
    pages.isEmpty ? counter.nanoseconds() : pages[index].nanoseconds()
  }

  /// Reads of processor `index`; false where one of them went backwards.
  private func readBatch(_ index: Int) -> Bool {
    let own = line(index)
    var latest = pv_load64(own + Place.latest)
    for _ in 0..<Self.batch {
      var newest = latest
      var against = index
      // Each of these reads had ended before the one that follows begins: the TSC is read behind a fence.
      for other in 0..<processors where other != index {
        let seen = pv_load64(line(other) + Place.latest)
        if seen > newest { (newest, against) = (seen, other) }
      }
      let time = time(index)
      guard time >= newest else {
        pv_store64(own + Place.step, newest - time)
        pv_store64(own + Place.against, UInt64(against) + 1)
        return false
      }
      latest = time
      pv_store64(own + Place.latest, time)
    }
    let count = pv_load64(own + Place.reads)
    pv_store64(own + Place.reads, count + UInt64(Self.batch))
    if index == processors - 1, count == 0 { pv_store64(own + Place.latest, latest &+ backstep) }
    return true
  }

  private func failure() -> WorkloadFailure {
    pv_store64(board.address + Place.end, 1)
    let index = (0..<processors).first { pv_load64(line($0) + Place.against) != 0 } ?? 0
    let step = pv_load64(line(index) + Place.step)
    let other = pv_load64(line(index) + Place.against) &- 1
    return .failed(
      Text.bytes("time went backwards by ") + Text.decimal(step) + Text.bytes(" ns on vCPU ")
        + Text.decimal(UInt64(index)) + Text.bytes(", against a read of vCPU ") + Text.decimal(other))
  }

  private func line(_ index: Int) -> UInt { board.address + Place.stride * UInt(index + 1) }
}
