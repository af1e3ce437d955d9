import Backends
import GuestMemory
import ParavirtDevices
import Testing

/// Who tells whom, and how often: flags and EVENT_IDX in both directions.
struct NotificationTests {
  typealias Descriptor = GuestQueue.Descriptor

  /// A device whose worker is not running yet, with eight flushes published one by one, each followed by the doorbell where
  /// the rule of 2.7.10 asks for it; and how often it rang.
  private func rigWithEightFlushes(_ features: VirtioFeatures) throws -> (rig: BlockRig, doorbells: Int) {
    let rig = try BlockRig(storage: NullStorage(byteCount: 1 << 20), isRunning: false)
    try rig.start(features)
    var doorbells = 0
    for slot in 0..<8 {
      try rig.queue.writeChain(try rig.request(type: 4, slot: UInt64(slot)), first: UInt16(2 * slot))
      try rig.queue.publish(UInt16(2 * slot))
      if try rig.queue.wantsDoorbell() {
        rig.driver.write(0, to: .queueNotify)
        doorbells += 1
      }
    }
    return (rig, doorbells)
  }

  @Test func eventIndexSparesAllDoorbellsButTheFirst() throws {
    let (rig, doorbells) = try rigWithEightFlushes([.version1, .eventIndex])
    try rig.queue.setUsedEvent(7)
    rig.run()
    try rig.waitForInterrupt()
    rig.stop()
    #expect(doorbells == 1)
    #expect(rig.block.workers[0].counters.notificationsSeen == 1)
    #expect(rig.block.workers[0].counters.requests == 8)
    #expect(try rig.queue.availEvent() == 8)
  }

  @Test func eventIndexGivesOneInterruptForTheBatch() throws {
    let (rig, _) = try rigWithEightFlushes([.version1, .eventIndex])
    try rig.queue.setUsedEvent(7)
    rig.run()
    try rig.waitForInterrupt()
    rig.stop()
    #expect(try rig.queue.usedIndex() == 8)
    #expect(rig.interrupts + rig.interrupt.consume() == 1)
    #expect(rig.block.workers[0].counters.interruptsRaised == 1)
  }

  @Test func eventIndexBeyondTheBatchGivesNoInterrupt() throws {
    let (rig, _) = try rigWithEightFlushes([.version1, .eventIndex])
    try rig.queue.setUsedEvent(8)
    rig.run()
    try rig.waitForUsed(8)
    rig.stop()
    #expect(rig.interrupt.consume() == 0)
    #expect(rig.driver.read(.interruptStatus) == 0)
  }

  @Test func flagSuppressesInterruptsWithoutEventIndex() throws {
    let (rig, _) = try rigWithEightFlushes(.version1)
    try rig.queue.setDriverFlags(1)
    rig.run()
    try rig.waitForUsed(8)
    rig.stop()
    #expect(rig.interrupt.consume() == 0)
  }

  @Test func clearFlagGivesAnInterruptWithoutEventIndex() throws {
    let (rig, _) = try rigWithEightFlushes(.version1)
    rig.run()
    try rig.waitForUsed(8)
    rig.stop()
    #expect(rig.interrupt.consume() >= 1)
    #expect(rig.driver.read(.interruptStatus) == 1)
  }

  @Test func deviceAsksForDoorbellsWhileItSleepsAndNotWhileItWorks() throws {
    let memory = try GuestMemory(byteCount: 1 << 20)
    let guest = GuestQueue(memory: memory)
    let queue = Virtqueue(try guest.layout(), memory: memory, features: .version1)
    try queue.suppressNotifications()
    #expect(try guest.deviceFlags() == 1)
    let hasMore = try queue.requestNotification()
    #expect(!hasMore)
    #expect(try guest.deviceFlags() == 0)
  }

  @Test func requestThatArrivesBeforeSleepIsSeen() throws {
    let memory = try GuestMemory(byteCount: 1 << 20)
    let guest = GuestQueue(memory: memory)
    let queue = Virtqueue(try guest.layout(), memory: memory, features: [.version1, .eventIndex])
    try guest.publish(0)
    #expect(try queue.requestNotification())
  }

  /// used_event, chains pushed since 0, interrupt: before, at and behind the event.
  private static let events: [(UInt16, UInt16, Bool)] = [
    (0, 1, true), (1, 1, false), (0, 3, true), (2, 3, true), (3, 3, false), (0xFFFF, 3, false),
  ]

  @Test(arguments: events)
  func interruptIsWantedWhenTheEventWasPassed(event: UInt16, pushed: UInt16, isWanted: Bool) throws {
    let memory = try GuestMemory(byteCount: 1 << 20)
    let guest = GuestQueue(memory: memory)
    let queue = Virtqueue(try guest.layout(), memory: memory, features: [.version1, .eventIndex])
    try guest.setUsedEvent(event)
    for _ in 0..<pushed { try queue.push(head: 0, written: 0) }
    #expect(try queue.takeInterruptWish() == isWanted)
    #expect(try !queue.takeInterruptWish())
  }
}
