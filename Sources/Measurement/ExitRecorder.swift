import Glibc
import PVWire

/// What the exit loop of one vCPU hands every return of KVM_RUN to. Recording neither allocates, locks, logs nor makes a
/// system call: all memory is mapped at once and is zero pages, so that a counter that never moves costs no RSS.
///
/// It belongs to one thread at a time. `reset()` opens the measured window, `counts()` reads it.
public struct ExitRecorder: ~Copyable {
  /// Places told apart; exits at further ones are counted together as `other`.
  public static let capacity = 1024

  /// Every exit since the recorder was made, interruptions included; `reset()` does not clear it.
  public private(set) var lifetimeTotal: UInt64 = 0
  /// Exits in the window whose place did not fit in the table.
  public var overflowed: UInt64 { entries[Self.slots].tally.exits }

  private let tscHertz: UInt64
  private let nanosecondsPerTick: TickScale
  private let entries: UnsafeMutablePointer<Entry>
  private let usedSlots: UnsafeMutablePointer<Int32>
  private let timings: UnsafeMutablePointer<ReasonTimings>
  private let counters: UnsafeMutablePointer<UInt32>
  private var usedCount = 0

  /// Twice the capacity, so that probing stays short.
  private static let slots = 2 * capacity
  private static let reasons = Int(ExitReason.memoryFault.rawValue) + 1
  private static let histograms = 2 * reasons

  /// An empty recorder for a TSC of `tscHertz` (more than zero) ticks a second. Without memory for it the process ends,
  /// as it does wherever Swift cannot allocate.
  public init(tscHertz: UInt64) {
    self.tscHertz = tscHertz
    nanosecondsPerTick = TickScale(hertz: tscHertz)
    entries = mapZeroPages(count: Self.slots + 1)
    usedSlots = mapZeroPages(count: Self.capacity)
    timings = mapZeroPages(count: Self.reasons)
    counters = mapZeroPages(count: Self.histograms * HistogramLayout.count)
  }

  deinit {
    unmapPages(entries, count: Self.slots + 1)
    unmapPages(usedSlots, count: Self.capacity)
    unmapPages(timings, count: Self.reasons)
    unmapPages(counters, count: Self.histograms * HistogramLayout.count)
  }

  /// Counts one return of KVM_RUN.
  ///
  /// - Parameters:
  ///   - key: reason, place and direction.
  ///   - elements: 1 for an ordinary exit, the repeat count of a string instruction.
  ///   - bytes: bytes moved.
  ///   - handlerTicks: TSC ticks from this return to the next call.
  ///   - roundTripTicks: TSC ticks from the return before to this one; 0 where there is none.
  public mutating func record(
    _ key: ExitKey, elements: UInt64, bytes: UInt64, handlerTicks: UInt64, roundTripTicks: UInt64
  ) {
    let reason = add(key, elements: elements, bytes: bytes, handlerTicks: handlerTicks)
    let handler = nanosecondsPerTick.nanoseconds(ticks: handlerTicks)
    timings[reason].handler.add(handler, to: counters + 2 * reason * HistogramLayout.count)
    guard roundTripTicks > 0 else { return }
    let roundTrip = nanosecondsPerTick.nanoseconds(ticks: roundTripTicks)
    timings[reason].roundTrip.add(roundTrip, to: counters + (2 * reason + 1) * HistogramLayout.count)
  }

  /// Counts one return of KVM_RUN, and of its times only the sum, 0 where nobody took them.
  public mutating func count(_ key: ExitKey, elements: UInt64, bytes: UInt64, handlerTicks: UInt64) {
    _ = add(key, elements: elements, bytes: bytes, handlerTicks: handlerTicks)
  }

  /// The index of the reason's timings.
  @inline(__always)
  private mutating func add(_ key: ExitKey, elements: UInt64, bytes: UInt64, handlerTicks: UInt64) -> Int {
    lifetimeTotal &+= 1
    let slot = slot(for: key)
    // SAFETY: `slot` is at most `slots`, and `entries` has one more than that.
    entries[slot].tally.add(elements: elements, bytes: bytes, ticks: handlerTicks)
    let reason = Int(key.reason.rawValue)
    // SAFETY: no reason is above `memoryFault`, for which `timings` has room.
    timings[reason].exits &+= 1
    return reason
  }

  /// Opens a window: everything but `lifetimeTotal` is zero again. Only what was used is cleared.
  public mutating func reset() {
    // SAFETY: only slots that `slot(for:)` handed out are in the list; the loops stay below the mapped counts.
    for index in 0..<usedCount { entries[Int(usedSlots[index])] = Entry() }
    entries[Self.slots] = Entry()
    usedCount = 0
    for reason in 0..<Self.reasons where timings[reason].exits > 0 {
      timings[reason].handler.clear(counters + 2 * reason * HistogramLayout.count)
      timings[reason].roundTrip.clear(counters + (2 * reason + 1) * HistogramLayout.count)
      timings[reason].exits = 0
    }
  }

  /// The window's exits as results have them.
  public func counts() -> ExitCounts { window().counts }

  /// The window's exits, to be merged with those of other vCPUs.
  public func window() -> ExitWindow {
    var window = ExitWindow(tscHertz: tscHertz)
    for reason in ExitReason.allCases {
      // SAFETY: as in `record`.
      let timing = timings[Int(reason.rawValue)]
      guard timing.exits > 0 else { continue }
      window.add(
        reason, exits: timing.exits, handlers: handlerTimes(of: reason), handlerSum: timing.handler.nanoseconds,
        roundTrips: roundTripTimes(of: reason), roundTripSum: timing.roundTrip.nanoseconds)
    }
    for index in 0..<usedCount {
      // SAFETY: as in `reset`.
      let entry = entries[Int(usedSlots[index])]
      window.add(entry.tally, at: entry.key.detail)
    }
    if overflowed > 0 { window.add(entries[Self.slots].tally, at: "other") }
    return window
  }

  /// Time in the handler of the window's exits with this reason, in nanoseconds.
  public func handlerTimes(of reason: ExitReason) -> Histogram {
    timings[Int(reason.rawValue)].handler.histogram(counters + 2 * Int(reason.rawValue) * HistogramLayout.count)
  }

  /// Return-to-return time of the window's exits with this reason, in nanoseconds.
  public func roundTripTimes(of reason: ExitReason) -> Histogram {
    timings[Int(reason.rawValue)].roundTrip.histogram(
      counters + (2 * Int(reason.rawValue) + 1) * HistogramLayout.count)
  }

  /// The slot that counts `key`, a new one where it is seen for the first time, the last one where the table is full.
  private mutating func slot(for key: ExitKey) -> Int {
    let tag = Entry.tag(of: key)
    // Fibonacci hashing (Knuth, "The Art of Computer Programming", volume 3, section 6.4).
    let hash = (key.address ^ (tag << 48)) &* 0x9E37_79B9_7F4A_7C15
    var slot = Int(truncatingIfNeeded: hash >> 32) & (Self.slots - 1)
    // SAFETY: `slot` is masked; half of the slots stay free, so the search ends.
    while entries[slot].tag != 0 {
      if entries[slot].tag == tag, entries[slot].address == key.address { return slot }
      slot = (slot + 1) & (Self.slots - 1)
    }
    guard usedCount < Self.capacity else { return Self.slots }
    entries[slot] = Entry(key)
    usedSlots[usedCount] = Int32(slot)
    usedCount += 1
    return slot
  }
}

// SAFETY: the struct is the only owner of its memory and is not copyable: to send it to another thread is to move it.
extension ExitRecorder: @unchecked Sendable {}

/// One place in the table. All bytes zero is an empty one.
private struct Entry {
  var address: UInt64 = 0
  var tag: UInt64 = 0
  var tally = TickTally()

  init() {}

  init(_ key: ExitKey) {
    address = key.address
    tag = Self.tag(of: key)
  }

  /// Reason and direction in one word that is never zero.
  static func tag(of key: ExitKey) -> UInt64 { UInt64(key.reason.rawValue) << 2 | (key.isInput ? 2 : 0) | 1 }

  var key: ExitKey {
    ExitKey(reason: ExitReason(kvmNumber: UInt32(tag >> 2)), isInput: tag & 2 != 0, address: address)
  }
}

/// The times of one exit reason. All bytes zero is an empty one.
private struct ReasonTimings {
  var exits: UInt64 = 0
  var handler = Timing()
  var roundTrip = Timing()
}

/// Sum and histogram of one kind of time; the counters lie outside. Each page of 1,024 counters has a bit that says
/// whether it was ever written, so that neither reading nor clearing touches the others.
private struct Timing {
  var nanoseconds: UInt64 = 0
  var pages: UInt64 = 0

  private static let pageShift = 10

  mutating func add(_ value: UInt64, to counters: UnsafeMutablePointer<UInt32>) {
    nanoseconds &+= value
    let bucket = HistogramLayout.bucket(of: value)
    pages |= 1 << UInt64(bucket >> Self.pageShift)
    // SAFETY: `counters` has `HistogramLayout.count` elements, above every bucket.
    if counters[bucket] < .max { counters[bucket] += 1 }
  }

  mutating func clear(_ counters: UnsafeMutablePointer<UInt32>) {
    for page in 0..<UInt64.bitWidth where pages >> UInt64(page) & 1 != 0 {
      // SAFETY: a page's bit is set only by `add`, which wrote to it.
      (counters + (page << Self.pageShift)).update(repeating: 0, count: 1 << Self.pageShift)
    }
    self = Timing()
  }

  func histogram(_ counters: UnsafeMutablePointer<UInt32>) -> Histogram {
    var histogram = Histogram()
    for page in 0..<UInt64.bitWidth where pages >> UInt64(page) & 1 != 0 {
      for bucket in (page << Self.pageShift)..<((page + 1) << Self.pageShift) {
        // SAFETY: as in `clear`. The bucket exists and 32-bit counts cannot overflow, so nothing is refused.
        _ = histogram.add(bucket: bucket, count: UInt64(counters[bucket]))
      }
    }
    return histogram
  }
}

/// Ticks to nanoseconds by one multiplication: 32.32 fixed point, precise to 1 in 10^8 for any TSC up to 40 GHz.
private struct TickScale {
  let multiplier: UInt64

  init(hertz: UInt64) {
    precondition(hertz > 0, "the TSC's frequency is unknown")
    multiplier = (1_000_000_000 << 32) / hertz
  }

  func nanoseconds(ticks: UInt64) -> UInt64 {
    let product = ticks.multipliedFullWidth(by: multiplier)
    return product.high >> 32 == 0 ? product.high << 32 | product.low >> 32 : .max
  }
}

/// Maps room for `count` values whose all-zero bytes are valid.
private func mapZeroPages<Value: BitwiseCopyable>(count: Int) -> UnsafeMutablePointer<Value> {
  let size = count * MemoryLayout<Value>.stride
  let memory = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
  guard let memory, memory != MAP_FAILED else { fatalError("no memory for the exit recorder: mmap of \(size) bytes") }
  // SAFETY: fresh, page-aligned, zeroed and ours; `Value` is trivial and its zero bytes are valid.
  return memory.bindMemory(to: Value.self, capacity: count)
}

private func unmapPages<Value>(_ pages: UnsafeMutablePointer<Value>, count: Int) {
  // SAFETY: mapped by `mapZeroPages` with the same size; the only owner is going away.
  munmap(pages, count * MemoryLayout<Value>.stride)
}
