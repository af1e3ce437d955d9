import Measurement
import PVWire

/// Every exit of one vCPU from its first instruction on, in order, for a time line. The memory is there before the guest runs; what
/// does not fit is counted and left out. It belongs to the vCPU's thread until its loop has ended.
final class ExitTrace {
  /// Exits that there is room for: some five seconds of the busiest guest.
  static let capacity = 1 << 18

  /// One exit, in TSC ticks of the host.
  struct Event {
    let key: ExitKey
    /// KVM_RUN returned.
    let entered: UInt64
    /// The guest runs again.
    var left: UInt64
  }

  /// A doorbell of the guest, by which its phases are told apart.
  struct Bell {
    let bell: Doorbell
    let entered: UInt64
    let left: UInt64
  }

  private(set) var events: ContiguousArray<Event> = []
  private(set) var bells: [Bell] = []
  /// Exits without room.
  private(set) var dropped: UInt64 = 0
  private let capacity: Int

  init(capacity: Int = ExitTrace.capacity) {
    self.capacity = capacity
    events.reserveCapacity(capacity)
    // A guest rings six times, or more often where it empties its ring.
    bells.reserveCapacity(64)
  }

  /// An exit has been answered.
  func add(_ key: ExitKey, entered: UInt64, left: UInt64) {
    guard events.count < capacity else { return dropped += 1 }
    events.append(Event(key: key, entered: entered, left: left))
  }

  /// The last exit was the doorbell `bell`, which took until `left`.
  func answered(_ bell: Doorbell, entered: UInt64, left: UInt64) {
    bells.append(Bell(bell: bell, entered: entered, left: left))
    if dropped == 0, !events.isEmpty { events[events.count - 1].left = left }
  }
}
