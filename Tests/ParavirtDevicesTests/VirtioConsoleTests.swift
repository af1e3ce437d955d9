import DeviceModel
import GuestMemory
import ParavirtDevices
import Synchronization
import Testing

/// Remembers what was printed.
private final class Printed: ConsoleSink {
  private let bytes = Mutex<[UInt8]>([])
  func byte(_ value: UInt8) { bytes.withLock { $0.append(value) } }
  var all: [UInt8] { bytes.withLock { $0 } }
  var text: String { String(decoding: all, as: UTF8.self) }
}

/// Remembers the last byte only.
private final class LastByte: ConsoleSink {
  private let last = Atomic<UInt8>(0)
  func byte(_ value: UInt8) { last.store(value, ordering: .relaxed) }
  var value: UInt8 { last.load(ordering: .relaxed) }
}

struct VirtioConsoleTests {
  typealias Descriptor = GuestQueue.Descriptor
  private static let buffer: UInt64 = 0x10_0000
  private let printed = Printed()
  private let rig: ChainRig<VirtioConsole>

  init() throws {
    let device = try VirtioConsole(sink: printed)
    rig = try ChainRig(device, worker: device.worker)
    try rig.start()
  }

  /// Puts `text` into guest memory; a descriptor of it.
  private func line(_ text: String, at address: UInt64 = buffer) throws -> Descriptor {
    try rig.memory.write(Array(text.utf8), at: GuestAddress(address))
    return Descriptor(address: address, length: UInt32(text.utf8.count))
  }

  @Test func deviceIsAConsoleOfOnePort() {
    #expect(rig.driver.read(.deviceID) == 3)
    #expect(
      rig.driver.offeredFeatures() == [.version1, .indirectDescriptors, .eventIndex, .consoleEmergencyWrite])
    #expect(rig.device.queueSizes == [64, 64])
    #expect(rig.device.configuration.byteCount == 12)
  }

  @Test func whatIsTransmittedIsPrintedInOrder() throws {
    #expect(try rig.submit([try line("Hello, ")], queue: 1) == 0)
    #expect(try rig.submit([try line("wor"), try line("ld\n", at: Self.buffer + 64)], queue: 1) == 0)
    #expect(printed.text == "Hello, world\n")
  }

  @Test func longBufferIsPrintedUpToTheMost() throws {
    let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
    try rig.memory.write(bytes, at: GuestAddress(Self.buffer))
    #expect(try rig.submit([Descriptor(address: Self.buffer, length: 100_000)], queue: 1) == 0)
    #expect(printed.all == Array(bytes.prefix(VirtioConsole.mostBytes)))
  }

  @Test func receiveBuffersStayWithTheDevice() throws {
    try rig.publish([Descriptor(address: Self.buffer, length: 64, flags: Descriptor.isWritable)], queue: 0)
    _ = try rig.submit([try line("x")], queue: 1)
    #expect(try rig.queues[0].usedIndex() == 0)
    #expect(rig.driver.status.contains(.driverOK))
  }

  @Test func emergencyBytesNeedNoDriver() {
    rig.driver.write(0, to: .status)
    rig.driver.transport.write(0x41, at: 0x108, width: .long)
    rig.driver.transport.write(0x4142, at: 0x108, width: .word)
    rig.driver.transport.write(0x43, at: 0x108, width: .byte)
    #expect(printed.text == "ABC")
  }

  @Test func nothingElseOfTheConfigurationIsAnEmergency() {
    for offset in [0x100, 0x104, 0x107, 0x109, 0x10C, 0x1FF] {
      rig.driver.transport.write(0x41, at: offset, width: .byte)
    }
    #expect(printed.all == [])
    #expect((0..<4).allSatisfy { rig.driver.transport.read(at: 0x100 + 4 * $0, width: .long) == 0 })
  }

  static let brokenChains: [[Descriptor]] = [
    [Descriptor(address: buffer, length: 16, flags: Descriptor.isWritable)],
    [Descriptor(address: buffer, length: 16), Descriptor(address: buffer, length: 16, flags: Descriptor.isWritable)],
    [Descriptor(address: buffer, length: 0)], [Descriptor(address: 1 << 40, length: 16)],
    [Descriptor(address: buffer, length: 16), Descriptor(address: .max - 3, length: .max)],
    [Descriptor(address: buffer, length: 16, flags: Descriptor.isIndirect)],
  ]

  @Test(arguments: brokenChains) func brokenChainNeedsResetAndPrintsNothing(_ chain: [Descriptor]) throws {
    try rig.publish(chain, queue: 1)
    try rig.waitForNeedsReset()
    #expect(printed.all == [])
    #expect(try rig.queues[1].usedIndex() == 0)
    try rig.start()
    _ = try rig.submit([try line("again")], queue: 1)
    #expect(printed.text == "again")
  }

  @Test func indexJumpNeedsReset() throws {
    try rig.queues[1].setAvailable(1000)
    rig.driver.write(1, to: .queueNotify)
    try rig.waitForNeedsReset()
  }

  @Test func brokenReceiveQueueIsNeverLookedAt() throws {
    try rig.queues[0].setAvailable(1000)
    rig.driver.write(0, to: .queueNotify)
    _ = try rig.submit([try line("x")], queue: 1)
    #expect(!rig.driver.status.contains(.needsReset))
  }

  @Test func resetWhileBusyPrintsNothingMore() throws {
    for _ in 0..<50 {
      try rig.start()
      try rig.queues[1].writeChain([Descriptor(address: Self.buffer, length: 0x1000)])
      for _ in 0..<16 { try rig.queues[1].publish(0) }
      rig.driver.write(1, to: .queueNotify)
      rig.driver.write(0, to: .status)
      let count = printed.all.count
      rig.driver.write(1, to: .queueNotify)
      #expect(count.isMultiple(of: 0x1000))
      #expect(printed.all.count == count)
    }
  }

  @Test(arguments: [UInt64(1), 0xDEAD_BEEF])
  func randomDriversDoNotTrap(seed: UInt64) throws {
    let sink = LastByte()
    let device = try VirtioConsole(sink: sink)
    let rig = try ChainRig(device, worker: device.worker)
    try rig.misbehave(rounds: 20_000, features: [.version1, .indirectDescriptors, .eventIndex], seed: seed)
    try rig.start()
    try rig.memory.write(UInt8(0x5A), at: GuestAddress(Self.buffer))
    #expect(try rig.submit([Descriptor(address: Self.buffer, length: 1)], queue: 1) == 0)
    #expect(sink.value == 0x5A)
  }
}
