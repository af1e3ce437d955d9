import Glibc

/// How long an I/O thread that has nothing to do stays awake for the next request before it sleeps. Awake it needs no doorbell,
/// which spares the guest an exit, and no wake-up; asleep it costs the host nothing. So it stays awake only where the last
/// sleeps were so short that they were not worth while, as KVM's halt polling decides (Linux, virt/kvm/halt-polling.rst), and
/// not where others want the processor.
///
/// Times are nanoseconds of one clock that never goes back.
struct PollingWindow {
  /// Awake and idle no longer than this.
  static let longest: UInt64 = 50_000
  /// A thread that slept no longer than this would rather have stayed awake: its sleep includes the way down, and a wake-up.
  static let worthwhile: UInt64 = 100_000
  /// Between two looks at an idle queue there is nothing to do: a thread that finds this much time gone did not run.
  static let stolen: UInt64 = 500_000
  /// Short sleeps in a row after which a thread whose processor was wanted tries again.
  static let reluctance = 64

  private var idleSince: UInt64 = 0
  private var lastLook: UInt64 = 0
  private var sleepsToCome = 1

  /// There was something to do until now.
  mutating func worked(at now: UInt64) {
    idleSince = now
    lastLook = now
  }

  /// True while it is right to stay awake; asked at every look.
  mutating func isOpen(at now: UInt64) -> Bool {
    if sleepsToCome == 0, now &- lastLook > Self.stolen { sleepsToCome = Self.reluctance }
    lastLook = now
    return sleepsToCome == 0 && now &- idleSince < Self.longest
  }

  /// The thread slept and was woken.
  mutating func woke(at now: UInt64) {
    let wasShort = now &- idleSince < Self.worthwhile
    sleepsToCome = wasShort ? max(sleepsToCome - 1, 0) : max(sleepsToCome, 1)
    worked(at: now)
  }

  /// CLOCK_MONOTONIC, which costs no system call.
  static func now() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
  }
}
