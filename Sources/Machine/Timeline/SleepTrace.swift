import CLinuxKVM

/// When one I/O thread slept. It belongs to that thread until it has ended.
final class SleepTrace: @unchecked Sendable {
  // SAFETY of Sendable: `begin`, `end` and what they write are the thread's; everybody else reads when it has been joined.

  /// Sleeps that there is room for.
  static let capacity = 1 << 16

  private let log: UnsafeMutablePointer<pv_sleep_log>
  /// When the thread began and ended, in TSC ticks; 0 where it has not.
  private(set) var began: UInt64 = 0
  private(set) var ended: UInt64 = 0

  init(capacity: Int = SleepTrace.capacity) {
    let pairs = UnsafeMutablePointer<UInt64>.allocate(capacity: 2 * capacity)
    pairs.initialize(repeating: 0, count: 2 * capacity)
    log = .allocate(capacity: 1)
    log.initialize(to: pv_sleep_log(pairs: pairs, capacity: UInt64(capacity), count: 0))
  }

  deinit {
    log.pointee.pairs.deallocate()
    log.deallocate()
  }

  /// The calling thread is the one.
  func begin() {
    began = pv_rdtsc()
    pv_note_sleeps(log)
  }

  /// It has nothing more to do.
  func end() {
    pv_note_sleeps(nil)
    ended = pv_rdtsc()
  }

  /// Sleeps in order: falling asleep, waking up.
  var sleeps: [(from: UInt64, to: UInt64)] {
    // SAFETY: the log has written as many pairs as fit, below its capacity.
    let count = Int(min(log.pointee.count, log.pointee.capacity))
    return (0..<count).map { (log.pointee.pairs[2 * $0], log.pointee.pairs[2 * $0 + 1]) }
  }

  /// Sleeps without room.
  var dropped: UInt64 { log.pointee.count - min(log.pointee.count, log.pointee.capacity) }
}
