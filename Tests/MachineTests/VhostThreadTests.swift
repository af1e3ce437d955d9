import Synchronization
import Testing

@testable import Machine

struct VhostThreadTests {
  @Test func threadOfThisProcessIsFoundAndNotCountedTwice() throws {
    // No thread of a host has such a number: they end at 2^22.
    let owner: Int32 = 5_000_001
    let seconds = Mutex<Double?>(nil)
    let thread = try PosixThread(name: "vhost-\(owner)", cpu: nil) {
      let found = VhostThread(owner: owner)?.cpuSeconds
      seconds.withLock { $0 = found }
    }
    thread.join()
    #expect(seconds.withLock { $0 } == 0)
  }

  @Test func threadThatIsNotThereIsNil() {
    #expect(VhostThread(owner: 5_000_002).map { $0.cpuSeconds } == nil)
  }
}
