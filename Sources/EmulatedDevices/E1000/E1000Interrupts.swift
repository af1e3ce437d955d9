import DeviceModel

/// Causes, mask, throttling and the interrupt pin (317453, 3.2.8.1 and 13.4.17 to 13.4.21).
///
/// The pin is the level of "a cause is set that the mask lets through". Reading ICR clears all causes, so that the pin drops,
/// and the next cause makes it rise again: to a driver that reads ICR before it looks for work, an input that is triggered
/// by edges loses nothing. The moderation by ITR delays a rise until its interval since the last one has passed.
struct E1000Interrupts {
  private(set) var cause: UInt32 = 0
  private(set) var mask: UInt32 = 0
  /// Command bit 10 of the configuration space.
  var isPinDisabled = false
  /// When the moderation lets the pin rise; nil where nothing waits for it.
  private(set) var deadline: UInt64?
  private var nextRise: UInt64 = 0
  private var isAsserted = false
  private let line: any InterruptLine
  private let clock: @Sendable () -> UInt64

  /// No cause, nothing let through. `clock` counts nanoseconds from any origin.
  init(line: any InterruptLine, clock: @escaping @Sendable () -> UInt64) {
    self.line = line
    self.clock = clock
  }

  /// True where the device asks for an interrupt, whatever becomes of it on the way to the pin.
  var isPending: Bool { cause & mask != 0 }

  mutating func raise(_ causes: UInt32) { cause |= causes & E1000Cause.all }
  mutating func acknowledge(_ causes: UInt32) { cause &= ~causes }
  mutating func enable(_ causes: UInt32) { mask |= causes & E1000Cause.all }
  mutating func disable(_ causes: UInt32) { mask &= ~causes }

  /// Reading ICR: what was set, and everything cleared.
  mutating func takeCause() -> UInt32 {
    defer { cause = 0 }
    return cause
  }

  mutating func reset() {
    cause = 0
    mask = 0
    nextRise = 0
  }

  /// Drives the pin, where `interval` is ITR. True where the moderation has just begun to hold it back: `deadline` then says
  /// until when, and someone has to call again.
  mutating func update(interval: UInt32) -> Bool {
    let wanted = isPending && !isPinDisabled
    guard wanted != isAsserted else {
      deadline = nil
      return false
    }
    if wanted, interval > 0 {
      let now = clock()
      guard now >= nextRise else {
        let isNew = deadline == nil
        deadline = nextRise
        return isNew
      }
      nextRise = now + 256 * UInt64(interval & 0xFFFF)
    }
    deadline = nil
    isAsserted = wanted
    line.set(wanted)
    return false
  }
}
