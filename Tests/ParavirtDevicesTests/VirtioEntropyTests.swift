import Backends
import GuestMemory
import Testing

@testable import ParavirtDevices

/// A source whose bytes are known, and which may run dry.
private final class CountingSource: EntropySource {
  private var next: UInt8 = 0
  private let limit: Int

  init(limit: Int = .max) { self.limit = limit }

  func fill(_ range: HostRange) -> Int {
    let count = min(range.count, limit)
    for offset in 0..<count {
      next = next % 251 + 1
      range.start.storeBytes(of: next, toByteOffset: offset, as: UInt8.self)
    }
    return count
  }
}

struct VirtioEntropyTests {
  typealias Descriptor = GuestQueue.Descriptor
  private static let buffer: UInt64 = 0x10_0000

  private func rig(_ source: any EntropySource = HostEntropy()) throws -> ChainRig<VirtioEntropy> {
    let device = try VirtioEntropy(source: source)
    let rig = try ChainRig(device, worker: device.worker)
    try rig.start()
    return rig
  }

  private func writable(_ address: UInt64, _ length: UInt32) -> Descriptor {
    Descriptor(address: address, length: length, flags: Descriptor.isWritable)
  }

  @Test func deviceIsAnEntropySourceWithoutConfiguration() throws {
    let rig = try rig()
    #expect(rig.driver.read(.deviceID) == 4)
    #expect(rig.device.configuration.byteCount == 0)
    #expect(rig.driver.offeredFeatures() == [.version1, .indirectDescriptors, .eventIndex])
    #expect(rig.driver.transport.read(at: 0x100, width: .quad) == 0)
  }

  @Test func buffersAreFilledInOrderAndNothingBehindThem() throws {
    let rig = try rig(CountingSource())
    let written = try rig.submit([writable(Self.buffer, 3), writable(Self.buffer + 16, 2)])
    #expect(written == 5)
    #expect(try rig.memory.bytes(at: GuestAddress(Self.buffer), count: 4) == [1, 2, 3, 0])
    #expect(try rig.memory.bytes(at: GuestAddress(Self.buffer + 15), count: 4) == [0, 4, 5, 0])
  }

  @Test func hostGivesDifferentBytesEveryTime() throws {
    let rig = try rig()
    var blocks: Set<[UInt8]> = []
    for _ in 0..<20 {
      #expect(try rig.submit([writable(Self.buffer, 32)]) == 32)
      blocks.insert(try rig.memory.bytes(at: GuestAddress(Self.buffer), count: 32))
    }
    #expect(blocks.count == 20)
    #expect(blocks.allSatisfy { Set($0).count > 1 })
  }

  @Test func requestGetsNoMoreThanTheMost() throws {
    let rig = try rig(CountingSource())
    let most = UInt64(VirtioEntropy.mostBytes)
    #expect(try rig.submit([writable(Self.buffer, 0x1_0000 - 8), writable(0x20_0000, 0x10_0000)]) == UInt32(most))
    #expect(try rig.memory.read(UInt8.self, at: GuestAddress(0x20_0007)) != 0)
    #expect(try rig.memory.read(UInt8.self, at: GuestAddress(0x20_0008)) == 0)
  }

  @Test func sourceThatRunsDryEndsTheRequestAtItsGap() throws {
    let rig = try rig(CountingSource(limit: 10))
    #expect(try rig.submit([writable(Self.buffer, 16), writable(Self.buffer + 64, 4)]) == 10)
    #expect(try rig.memory.read(UInt8.self, at: GuestAddress(Self.buffer + 64)) == 0)
  }

  @Test func everyRequestInterruptsOnceWhereItIsWanted() throws {
    let rig = try rig()
    try rig.queues[0].setUsedEvent(0)
    _ = try rig.submit([writable(Self.buffer, 8)])
    rig.stop()
    #expect(rig.worker.counters == ChainWorkerCounters(requests: 1, interruptsRaised: 1, notificationsSeen: 1))
    #expect(rig.interrupt.consume() == 1)
    #expect(rig.driver.read(.interruptStatus) == 1)
  }

  static let brokenChains: [[Descriptor]] = [
    [Descriptor(address: buffer, length: 16)],
    [Descriptor(address: buffer, length: 16), Descriptor(address: buffer, length: 16, flags: Descriptor.isWritable)],
    [Descriptor(address: buffer, length: 0, flags: Descriptor.isWritable)],
    [Descriptor(address: 1 << 40, length: 16, flags: Descriptor.isWritable)],
    [Descriptor(address: (4 << 20) - 8, length: 16, flags: Descriptor.isWritable)],
    [Descriptor(address: .max - 3, length: .max, flags: Descriptor.isWritable)],
    [Descriptor(address: buffer, length: 16, flags: Descriptor.isIndirect)],
  ]

  @Test(arguments: brokenChains) func brokenChainNeedsReset(_ chain: [Descriptor]) throws {
    let rig = try rig()
    try rig.publish(chain)
    try rig.waitForNeedsReset()
    #expect(try rig.queues[0].usedIndex() == 0)
    try rig.start()
    #expect(try rig.submit([writable(Self.buffer, 8)]) == 8)
  }

  @Test func indexJumpNeedsReset() throws {
    let rig = try rig()
    try rig.queues[0].setAvailable(1000)
    rig.driver.write(0, to: .queueNotify)
    try rig.waitForNeedsReset()
    try rig.start()
    #expect(try rig.submit([writable(Self.buffer, 8)]) == 8)
  }

  @Test func resetWhileBusyEndsEveryWrite() throws {
    let rig = try rig()
    for _ in 0..<100 {
      try rig.start()
      try rig.queues[0].writeChain([writable(Self.buffer, 0x1_0000)])
      for _ in 0..<16 { try rig.queues[0].publish(0) }
      rig.driver.write(0, to: .queueNotify)
      rig.driver.write(0, to: .status)
      // Nothing may be written from here on: a pattern put over everything must stay.
      try rig.memory.write([UInt8](repeating: 0x77, count: 0x1_0000), at: GuestAddress(Self.buffer))
      let used = try rig.queues[0].usedIndex()
      rig.driver.write(0, to: .queueNotify)
      #expect(try rig.memory.bytes(at: GuestAddress(Self.buffer), count: 0x1_0000).allSatisfy { $0 == 0x77 })
      #expect(try rig.queues[0].usedIndex() == used)
    }
  }

  @Test func resetWithoutARunningWorkerReturns() throws {
    let rig = try rig()
    rig.stop()
    try rig.start()
    rig.driver.write(0, to: .status)
    #expect(rig.driver.status == [])
  }

  @Test(arguments: [UInt64(1), 0xDEAD_BEEF])
  func randomDriversDoNotTrap(seed: UInt64) throws {
    let rig = try rig()
    try rig.misbehave(rounds: 50_000, features: [.version1, .indirectDescriptors, .eventIndex], seed: seed)
    try rig.start()
    #expect(try rig.submit([writable(Self.buffer, 8)]) == 8)
  }
}
