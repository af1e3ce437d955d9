import Backends
import DeviceModel
import Glibc
import GuestMemory
import ParavirtDevices
import Testing

/// Runs a closure on a thread of its own, to be joined.
final class TestThread {
  private var thread = pthread_t()

  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  init(_ run: @escaping @Sendable () -> Void) {
    pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(Body(run)).toOpaque())
  }

  func join() { pthread_join(thread, nil) }
}

/// A block device with its transport, one queue in guest memory and its worker on a thread.
final class BlockRig {
  let memory: GuestMemory
  let block: VirtioBlock
  let driver: GuestDriver
  let queue: GuestQueue
  let interrupt: EventFD
  var interrupts: UInt64 = 0
  private var threads: [TestThread] = []

  static let allFeatures: VirtioFeatures = [.version1, .indirectDescriptors, .eventIndex, .blockFlush, .blockDiscard]
  static let header: UInt64 = 0x4_0000
  static let data: UInt64 = 0x5_0000
  static let status: UInt64 = 0x8_0000

  init(storage: any BlockStorage, queueCount: Int = 1, isRunning: Bool = true) throws {
    memory = try GuestMemory(byteCount: 1 << 20)
    block = try VirtioBlock(storage: storage, queueCount: queueCount, identifier: "serial-0123456789abcdef")
    interrupt = try EventFD()
    driver = GuestDriver(transport: VirtioMMIOTransport(device: block, memory: memory, interrupt: interrupt))
    queue = GuestQueue(memory: memory)
    if isRunning { run() }
  }

  deinit { stop() }

  func run() {
    threads = block.workers.map { worker in TestThread { try? worker.run() } }
  }

  /// Ends the workers, so that what they counted stands still.
  func stop() {
    for worker in block.workers { worker.stop() }
    for thread in threads { thread.join() }
    threads = []
  }

  /// From reset to DRIVER_OK with one queue.
  func start(_ features: VirtioFeatures = allFeatures) throws {
    try #require(driver.negotiate(features).contains(.featuresOK))
    try #require(driver.setUp(queue))
    driver.start()
  }

  /// Waits until the device pulsed its interrupt, then acknowledges it.
  func waitForInterrupt() throws {
    var descriptor = pollfd(fd: interrupt.descriptor, events: Int16(POLLIN), revents: 0)
    try #require(poll(&descriptor, 1, 20_000) == 1, "the device never interrupted")
    interrupts += interrupt.consume()
    driver.write(driver.read(.interruptStatus), to: .interruptAcknowledge)
  }

  /// Waits until the device has given `count` chains back, with no help from interrupts.
  func waitForUsed(_ count: UInt16) throws {
    var patience = 200_000
    while try queue.usedIndex() != count && patience > 0 {
      usleep(100)
      patience -= 1
    }
    try #require(try queue.usedIndex() == count)
  }

  typealias Descriptor = GuestQueue.Descriptor

  /// The descriptors of one request: header, data buffers, status. The status is preset with a value that no device gives.
  func request(
    type: UInt32, sector: UInt64 = 0, data: [Descriptor] = [], slot: UInt64 = 0
  ) throws -> [Descriptor] {
    let header = GuestAddress(Self.header + 64 * slot)
    try memory.write(type, at: header)
    try memory.write(UInt32(0), at: header + 4)
    try memory.write(sector, at: header + 8)
    try memory.write(UInt8(0xEE), at: GuestAddress(Self.status + slot))
    return [Descriptor(address: header.value, length: 16)] + data
      + [Descriptor(address: Self.status + slot, length: 1, flags: Descriptor.isWritable)]
  }

  /// Sends `chain` as descriptors from 0 on, rings the doorbell through the register, waits; the status byte and the length
  /// of the used element.
  func submit(_ chain: [Descriptor]) throws -> (status: UInt8, written: UInt32) {
    let index = queue.available
    try queue.setUsedEvent(index)
    try queue.writeChain(chain)
    try queue.publish(0)
    driver.write(0, to: .queueNotify)
    try waitForInterrupt()
    try #require(try queue.usedIndex() == index &+ 1)
    return (try status(), try queue.used(index).written)
  }

  func status(slot: UInt64 = 0) throws -> UInt8 { try memory.read(UInt8.self, at: GuestAddress(Self.status + slot)) }

  /// Publishes the chain that starts at `head` and waits until the device gives up.
  func expectNeedsReset(head: UInt16 = 0) throws {
    try queue.publish(head)
    driver.write(0, to: .queueNotify)
    try waitForNeedsReset()
  }

  func waitForNeedsReset() throws {
    var descriptor = pollfd(fd: interrupt.descriptor, events: Int16(POLLIN), revents: 0)
    try #require(poll(&descriptor, 1, 20_000) == 1, "the device never gave up")
    #expect(driver.status.contains(.needsReset))
    #expect(driver.read(.interruptStatus) & 2 == 2)
    #expect(try queue.usedIndex() == 0)
  }
}
