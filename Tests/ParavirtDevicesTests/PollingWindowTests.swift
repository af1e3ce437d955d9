import Testing

@testable import ParavirtDevices

/// When an I/O thread stays awake, by times that are made up.
struct PollingWindowTests {
  private let short = PollingWindow.worthwhile - 1

  /// Whether the window is open at the end of each of these times, one after the other.
  private func looks(_ window: inout PollingWindow, at times: [UInt64]) -> [Bool] {
    times.map { window.isOpen(at: $0) }
  }

  /// A window after one sleep of this length, and the time.
  private func window(afterSleepOf nanoseconds: UInt64) -> (PollingWindow, now: UInt64) {
    var window = PollingWindow()
    window.worked(at: 1_000_000)
    window.woke(at: 1_000_000 + nanoseconds)
    return (window, 1_000_000 + nanoseconds)
  }

  @Test func aThreadThatNeverSleptGoesToSleep() {
    var window = PollingWindow()
    window.worked(at: 5)
    #expect(looks(&window, at: [6]) == [false])
  }

  @Test func aShortSleepWasNotWorthWhile() {
    var (window, now) = window(afterSleepOf: short)
    #expect(looks(&window, at: [now + PollingWindow.longest - 1, now + PollingWindow.longest]) == [true, false])
  }

  @Test func aLongSleepWas() {
    var (window, now) = window(afterSleepOf: PollingWindow.worthwhile)
    #expect(looks(&window, at: [now + 1]) == [false])
  }

  @Test func workOpensTheWindowAnew() {
    var (window, now) = window(afterSleepOf: short)
    let later = now + PollingWindow.longest - 1
    #expect(looks(&window, at: [later]) == [true])
    window.worked(at: later)
    #expect(looks(&window, at: [later + PollingWindow.longest - 1]) == [true])
  }

  @Test func aLongSleepClosesWhatAShortOneHasOpened() {
    var (window, now) = window(afterSleepOf: short)
    window.woke(at: now + PollingWindow.worthwhile)
    #expect(looks(&window, at: [now + PollingWindow.worthwhile + 1]) == [false])
  }

  @Test func aThreadThatWasKeptFromRunningSleepsUntilManySleepsWereShort() {
    var (window, now) = window(afterSleepOf: short)
    now += PollingWindow.stolen + 1
    #expect(looks(&window, at: [now]) == [false])
    // The first sleep began when the processor was gone.
    for _ in 0..<PollingWindow.reluctance {
      now += short
      window.woke(at: now)
      #expect(looks(&window, at: [now + 1]) == [false])
    }
    now += short
    window.woke(at: now)
    #expect(looks(&window, at: [now + 1]) == [true])
  }
}
