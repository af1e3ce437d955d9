import DeviceModel
import Glibc
import GuestMemory
import Testing

@testable import ParavirtDevices

/// A device that a `ChainWorker` serves, with its transport, its queues in guest memory and its worker on a thread.
final class ChainRig<Device: VirtioDevice> {
  let memory: GuestMemory
  let device: Device
  let worker: ChainWorker
  let driver: GuestDriver
  let interrupt: EventFD
  private(set) var queues: [GuestQueue] = []
  private var thread: TestThread?

  typealias Descriptor = GuestQueue.Descriptor

  init(_ device: Device, worker: ChainWorker, isRunning: Bool = true) throws {
    memory = try GuestMemory(byteCount: 4 << 20)
    self.device = device
    self.worker = worker
    interrupt = try EventFD()
    driver = GuestDriver(transport: VirtioMMIOTransport(device: device, memory: memory, interrupt: interrupt))
    if isRunning { run() }
  }

  deinit { stop() }

  func run() {
    let worker = worker
    thread = TestThread { worker.run() }
  }

  /// Ends the worker, so that what it counted stands still.
  func stop() {
    worker.stop()
    thread?.join()
    thread = nil
  }

  /// From reset to DRIVER_OK with rings as new.
  func start(_ features: VirtioFeatures = [.version1, .eventIndex]) throws {
    driver.write(0, to: .status)
    let count = device.queueSizes.count
    try memory.write([UInt8](repeating: 0, count: 0xC000 * count), at: GuestAddress(0x1_0000))
    let memory = memory
    queues = (0..<count).map { GuestQueue(memory: memory, base: 0x1_0000 + 0xC000 * UInt64($0)) }
    try #require(driver.negotiate(features).contains(.featuresOK))
    for (index, queue) in queues.enumerated() { try #require(driver.setUp(queue, index: UInt32(index))) }
    driver.start()
  }

  /// Publishes `chain` as descriptors from 0 on, without waiting.
  func publish(_ chain: [Descriptor], queue: Int = 0) throws {
    try queues[queue].writeChain(chain)
    try queues[queue].publish(0)
    driver.write(UInt32(queue), to: .queueNotify)
  }

  /// Sends `chain` as descriptors from 0 on and waits until the device has used it; the length of the used element.
  func submit(_ chain: [Descriptor], queue: Int = 0) throws -> UInt32 {
    let index = queues[queue].available
    try publish(chain, queue: queue)
    try waitForUsed(index &+ 1, queue: queue)
    return try queues[queue].used(index).written
  }

  func waitForUsed(_ count: UInt16, queue: Int = 0) throws {
    try eventually { try self.queues[queue].usedIndex() == count }
  }

  func waitForNeedsReset() throws { try eventually { self.driver.status.contains(.needsReset) } }

  /// Waits until `condition` holds.
  func eventually(_ condition: () throws -> Bool) throws {
    var patience = 100_000
    while try !condition() && patience > 0 {
      usleep(100)
      patience -= 1
    }
    try #require(try condition())
  }

  /// Leads the driver to DRIVER_OK with rings full of random bytes.
  func startWithRandomRings(_ features: VirtioFeatures, _ generator: inout SeededGenerator) throws {
    try start(Bool.random(using: &generator) ? features : .version1)
    for (number, queue) in queues.enumerated() {
      for index in 0..<queue.size {
        let flags = UInt16.random(in: 0...7, using: &generator)
        let descriptor = Descriptor(
          address: UInt64.random(in: 0...0x41_0000, using: &generator) & ~(generator.next() & 1 == 0 ? 0 : 0xFFF),
          length: [1, 4, 16, 512, 4096, 1 << 20, .max].randomElement(using: &generator) ?? 16, flags: flags,
          next: UInt16.random(in: 0...queue.size, using: &generator))
        try queue.write(descriptor, at: index)
        try memory.write(
          UInt16.random(in: 0..<queue.size, using: &generator), at: queue.driver + (4 + 2 * UInt64(index)))
      }
      try queue.setAvailable(UInt16.random(in: 0...18, using: &generator))
      driver.write(UInt32(number), to: .queueNotify)
    }
  }

  /// Registers with values that have a fair chance to lead somewhere, and configuration bytes, in random order.
  func misbehave(rounds: Int, features: VirtioFeatures, seed: UInt64) throws {
    let registers: [VirtioMMIORegister] = [
      .status, .driverFeatures, .driverFeaturesSelect, .queueSelect, .queueSize, .queueReady, .queueNotify,
      .queueNotify, .interruptAcknowledge, .queueDescriptorsLow, .queueDriverLow, .queueDeviceLow, .queueDeviceHigh,
    ]
    let values: [UInt32] = [0, 1, 1, 2, 3, 3, 7, 11, 15, 16, 128, 0x1_0000, 0x1_4000, 0x1_8000, 0xF_FFF0, .max]
    let widths: [AccessWidth] = [.byte, .word, .long, .quad]
    var generator = SeededGenerator(seed: seed)
    for round in 0..<rounds {
      if round.isMultiple(of: 100) { try startWithRandomRings(features, &generator) }
      driver.write(
        values.randomElement(using: &generator) ?? 0, to: registers.randomElement(using: &generator) ?? .status)
      let width = widths.randomElement(using: &generator) ?? .long
      driver.transport.write(generator.next(), at: 0x100 + Int(generator.next() & 0x1F), width: width)
      _ = driver.transport.read(at: Int(generator.next() & 0x1FF), width: width)
    }
  }
}
