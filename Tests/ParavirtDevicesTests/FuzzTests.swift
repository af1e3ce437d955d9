import Backends
import DeviceModel
import GuestMemory
import ParavirtDevices
import Testing

/// xorshift64*: the same sequence for the same seed, everywhere.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_F491_4F6C_DD1D
  }
}

/// Random drivers: whatever they write, the device survives and serves the next, decent one.
struct FuzzTests {
  /// Registers with values that have a fair chance to lead somewhere.
  private static let registers: [VirtioMMIORegister] = [
    .status, .status, .driverFeatures, .driverFeaturesSelect, .deviceFeaturesSelect, .queueSelect, .queueSize,
    .queueReady,
    .queueNotify, .queueNotify, .interruptAcknowledge, .queueDescriptorsLow, .queueDescriptorsHigh, .queueDriverLow,
    .queueDriverHigh, .queueDeviceLow, .queueDeviceHigh,
  ]
  private static let values: [UInt32] = [
    0, 0, 1, 1, 1, 2, 3, 3, 7, 11, 11, 15, 15, 15, 16, 64, 128, 0x1_0000, 0x1_4000, 0x1_8000, 0xF_FFF0, .max,
  ]

  /// Leads the driver to DRIVER_OK with rings full of random bytes.
  private func startWithRandomRings(_ rig: BlockRig, _ generator: inout SeededGenerator) throws {
    rig.driver.negotiate(Bool.random(using: &generator) ? BlockRig.allFeatures : .version1)
    rig.driver.setUp(rig.queue)
    for index in 0..<rig.queue.size {
      let flags = UInt16.random(in: 0...7, using: &generator)
      let descriptor = GuestQueue.Descriptor(
        address: UInt64.random(in: 0...0x11_0000, using: &generator) & ~(generator.next() & 1 == 0 ? 0 : 0xFFF),
        length: [1, 16, 512, 4096, .max].randomElement(using: &generator) ?? 16, flags: flags,
        next: UInt16.random(in: 0...rig.queue.size, using: &generator))
      try rig.queue.write(descriptor, at: index)
      try rig.memory.write(
        UInt16.random(in: 0..<rig.queue.size, using: &generator), at: rig.queue.driver + (4 + 2 * UInt64(index)))
    }
    try rig.queue.setAvailable(UInt16.random(in: 0...18, using: &generator))
    rig.driver.start()
    rig.driver.write(0, to: .queueNotify)
  }

  @Test(arguments: [UInt64(1), 0xDEAD_BEEF])
  func randomRegisterWritesAndRingsDoNotTrap(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    let rig = try BlockRig(storage: MemoryStorage(byteCount: 1 << 20), queueCount: 2)
    for round in 0..<100_000 {
      if round.isMultiple(of: 100) { try startWithRandomRings(rig, &generator) }
      let register = Self.registers.randomElement(using: &generator) ?? .status
      rig.driver.write(Self.values.randomElement(using: &generator) ?? 0, to: register)
      _ = rig.driver.transport.read(at: Int(generator.next() & 0x1FF), width: .long)
    }
    rig.driver.write(0, to: .status)
    try rig.memory.write([UInt8](repeating: 0, count: 0xC000), at: GuestAddress(0x1_0000))
    rig.interrupt.consume()
    try rig.start([.version1, .eventIndex])
    #expect(try rig.submit(try rig.request(type: 4)) == (0, 1))
    // How many of them its thread gets to see before the next write is up to the host; some must have come that far.
    #expect(rig.block.workers[0].counters.requests > 10)
  }
}
