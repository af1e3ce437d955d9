import Backends
import DeviceModel
import GuestMemory
import ParavirtDevices
import Testing

struct MultiqueueTests {
  @Test func everyQueueIsServedByItsOwnWorker() throws {
    let rig = try BlockRig(storage: NullStorage(byteCount: 1 << 20), queueCount: 3)
    let queues = (0..<3).map { GuestQueue(memory: rig.memory, base: 0x1_0000 + UInt64($0) * 0x1_0000) }
    rig.driver.negotiate([.version1, .blockMultiqueue])
    let areReady = queues.enumerated().map { rig.driver.setUp($1, index: UInt32($0)) }
    rig.driver.start()
    for (index, queue) in queues.enumerated() {
      try queue.writeChain(try rig.request(type: 4, slot: UInt64(index)))
      try queue.publish(0)
      rig.driver.write(UInt32(index), to: .queueNotify)
      try rig.waitForInterrupt()
    }
    #expect(areReady == [true, true, true])
    #expect(try queues.map { try $0.usedIndex() } == [1, 1, 1])
    #expect(rig.block.workers.map(\.counters.requests) == [1, 1, 1])
  }

  @Test func queueThatTheDriverLeavesOutStaysIdle() throws {
    let rig = try BlockRig(storage: NullStorage(byteCount: 1 << 20), queueCount: 2)
    try rig.start([.version1, .eventIndex])
    rig.driver.write(1, to: .queueNotify)
    #expect(try rig.submit(try rig.request(type: 4)).status == 0)
    #expect(rig.block.workers[1].counters.requests == 0)
  }
}
