import Glibc

/// Notices that this process stood still: somebody stopped it (SIGSTOP), froze its group, or paused the machine that it is on.
/// Whoever waits looks up every so often; one that comes back much too late, and not because other work had all CPUs, was not
/// let run.
struct StandstillWatch {
  /// Longest wait at a time, in nanoseconds.
  static let slice: UInt64 = 200_000_000
  /// Lateness that is a standstill, in seconds; what is less is the host's business as usual.
  static let least = 0.1

  /// How long it stood still, in seconds.
  private(set) var seconds = 0.0
  /// The thread's wait for a CPU so far. It is read only after a standstill: what is read in the window stays in memory.
  private var runDelay = ProcessUsage.runDelaySeconds(of: ProcessUsage.thread) ?? 0

  /// Has `wait` wait, for so many nanoseconds at most, and looks at how long that took.
  mutating func during<Value>(_ nanoseconds: UInt64, _ wait: (UInt64) -> Value) -> Value {
    let slice = min(nanoseconds, Self.slice)
    let began = HostClock.sinceBoot()
    let value = wait(slice)
    let late = Double(HostClock.sinceBoot() - began) / 1e9 - Double(slice) / 1e9
    if late > Self.least { note(late: late, runDelay: ProcessUsage.runDelaySeconds(of: ProcessUsage.thread)) }
    return value
  }

  /// It was so late, in seconds, when the thread had waited for a CPU for `runDelay` altogether.
  mutating func note(late: Double, runDelay now: Double?) {
    let waited = max(0, (now ?? runDelay) - runDelay)
    runDelay += waited
    if late - waited > Self.least { seconds += late - waited }
  }
}
