import Backends
import DeviceModel
import Glibc
import GuestMemory
import ParavirtDevices
import Testing

/// A network card with its transport, its queues in guest memory and its worker on a thread.
final class NetRig {
  let memory: GuestMemory
  let card: VirtioNet
  let driver: GuestDriver
  let interrupt: EventFD
  /// Receive, transmit (of every pair in turn), control.
  private(set) var queues: [GuestQueue]
  private var thread: TestThread?

  static let features: VirtioFeatures = [
    .version1, .indirectDescriptors, .eventIndex, .netAddress, .netMergeableBuffers, .netControlQueue,
    .netControlReceive, .netControlAddress,
  ]
  static let header: UInt64 = 0x5_0000
  static let frame: UInt64 = 0x5_1000
  static let buffers: UInt64 = 0x8_0000
  static let answer: UInt64 = 0x5_0800

  typealias Descriptor = GuestQueue.Descriptor

  init(port: any NetworkPort, queuePairs: Int = 1, features: VirtioFeatures = features) throws {
    memory = try GuestMemory(byteCount: 1 << 20)
    card = try VirtioNet(port: port, queuePairs: queuePairs)
    interrupt = try EventFD()
    driver = GuestDriver(transport: VirtioMMIOTransport(device: card, memory: memory, interrupt: interrupt))
    let memory = memory
    queues = (0...(2 * queuePairs)).map { GuestQueue(memory: memory, base: 0x1_0000 + 0xC000 * UInt64($0)) }
    let worker = card.worker
    thread = TestThread { worker.run() }
    try start(features)
  }

  deinit { stop() }

  /// From reset to DRIVER_OK.
  func start(_ features: VirtioFeatures = features) throws {
    try #require(driver.negotiate(features).contains(.featuresOK))
    for (index, queue) in queues.enumerated() { try #require(driver.setUp(queue, index: UInt32(index))) }
    driver.start()
  }

  /// From reset to DRIVER_OK with rings as new.
  func restart() throws {
    try memory.write([UInt8](repeating: 0, count: 0x4_0000), at: GuestAddress(0x1_0000))
    let memory = memory
    queues = queues.indices.map { GuestQueue(memory: memory, base: 0x1_0000 + 0xC000 * UInt64($0)) }
    try start()
  }

  /// Ends the worker, so that what was counted stands still.
  func stop() {
    card.worker.stop()
    thread?.join()
    thread = nil
  }

  func ring(_ queue: Int) { driver.write(UInt32(queue), to: .queueNotify) }

  /// Waits until the device has given `count` chains back, or more.
  func waitForUsed(_ count: UInt16, of queue: Int) throws {
    var patience = 100_000
    while try queues[queue].usedIndex() < count && patience > 0 {
      usleep(100)
      patience -= 1
    }
    try #require(try queues[queue].usedIndex() >= count)
  }

  func waitForNeedsReset() throws {
    var patience = 100_000
    while !driver.status.contains(.needsReset) && patience > 0 {
      usleep(100)
      patience -= 1
    }
    try #require(driver.status.contains(.needsReset))
  }

  /// Gives `count` receive buffers of `size` bytes to a pair, as descriptors from 0 on.
  func giveBuffers(_ count: UInt16, size: UInt32, pair: Int = 0) throws {
    for index in 0..<count {
      let descriptor = Descriptor(
        address: Self.buffers + 0x1000 * UInt64(index), length: size, flags: Descriptor.isWritable)
      try queues[2 * pair].write(descriptor, at: index)
      try queues[2 * pair].publish(index)
    }
    ring(2 * pair)
  }

  /// Sends `frame` behind `header`, split where `parts` says, and waits until the device has taken it.
  func transmit(_ frame: [UInt8], header: FrameOffload = FrameOffload(), parts: [Int] = [], pair: Int = 0) throws {
    let queue = queues[2 * pair + 1]
    try memory.write(header, at: GuestAddress(Self.header))
    try memory.write(UInt16(0), at: GuestAddress(Self.header + 10))
    try memory.write(frame, at: GuestAddress(Self.frame))
    var chain = [Descriptor(address: Self.header, length: 12)]
    var offset = 0
    for count in parts + [frame.count - parts.reduce(0, +)] {
      chain.append(Descriptor(address: Self.frame + UInt64(offset), length: UInt32(count)))
      offset += count
    }
    let index = queue.available
    try queue.writeChain(chain)
    try queue.publish(0)
    ring(2 * pair + 1)
    try waitForUsed(index &+ 1, of: 2 * pair + 1)
  }

  /// Carries out a control command; its acknowledgement.
  func control(_ bytes: [UInt8]) throws -> UInt8 {
    let index = UInt32(queues.count - 1)
    let queue = queues[Int(index)]
    try memory.write(bytes, at: GuestAddress(Self.frame))
    try memory.write(UInt8(0xEE), at: GuestAddress(Self.answer))
    let used = queue.available
    try queue.writeChain([
      Descriptor(address: Self.frame, length: UInt32(bytes.count)),
      Descriptor(address: Self.answer, length: 1, flags: Descriptor.isWritable),
    ])
    try queue.publish(0)
    ring(Int(index))
    try waitForUsed(used &+ 1, of: Int(index))
    return try memory.read(UInt8.self, at: GuestAddress(Self.answer))
  }

  static func frame(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0) } }
  /// What an echo makes of `frame(count)`.
  static func echoed(_ count: Int) -> [UInt8] { [UInt8](6..<12) + [UInt8](0..<6) + frame(count).dropFirst(12) }
}
