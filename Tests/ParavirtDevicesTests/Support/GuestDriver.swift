import DeviceModel
import GuestMemory
import ParavirtDevices
import Testing

/// The guest's side of one split virtqueue, laid out by hand in guest memory.
final class GuestQueue {
  let memory: GuestMemory
  let size: UInt16
  let descriptors: GuestAddress
  let driver: GuestAddress
  let device: GuestAddress
  private(set) var available: UInt16 = 0

  struct Descriptor {
    var address: UInt64
    var length: UInt32
    var flags: UInt16 = 0
    var next: UInt16 = 0

    static let hasNext: UInt16 = 1
    static let isWritable: UInt16 = 2
    static let isIndirect: UInt16 = 4
  }

  init(memory: GuestMemory, size: UInt16 = 16, base: UInt64 = 0x1_0000) {
    self.memory = memory
    self.size = size
    descriptors = GuestAddress(base)
    driver = GuestAddress(base + 0x4000)
    device = GuestAddress(base + 0x8000)
  }

  func layout() throws -> VirtqueueLayout {
    try VirtqueueLayout(
      size: UInt32(size), maximumSize: 128, descriptors: descriptors, driver: driver, device: device, memory: memory)
  }

  func write(_ descriptor: Descriptor, at index: UInt16) throws { try write(descriptor, at: index, of: descriptors) }

  func write(_ descriptor: Descriptor, at index: UInt16, of table: GuestAddress) throws {
    let place = table + 16 * UInt64(index)
    try memory.write(descriptor.address, at: place)
    try memory.write(descriptor.length, at: place + 8)
    try memory.write(descriptor.flags, at: place + 12)
    try memory.write(descriptor.next, at: place + 14)
  }

  /// Writes a chain from `first` on, linked in order.
  func writeChain(_ chain: [Descriptor], first: UInt16 = 0) throws {
    for (offset, descriptor) in chain.enumerated() {
      var linked = descriptor
      linked.next = first + UInt16(offset) + 1
      linked.flags |= offset + 1 < chain.count ? Descriptor.hasNext : 0
      try write(linked, at: first + UInt16(offset))
    }
  }

  /// Writes a chain into an indirect table at `table`, and descriptor `index` that refers to it.
  func writeIndirect(_ chain: [Descriptor], table: UInt64, at index: UInt16) throws {
    for (offset, descriptor) in chain.enumerated() {
      var linked = descriptor
      linked.next = UInt16(offset) + 1
      linked.flags |= offset + 1 < chain.count ? Descriptor.hasNext : 0
      try write(linked, at: UInt16(offset), of: GuestAddress(table))
    }
    try write(
      Descriptor(address: table, length: UInt32(16 * chain.count), flags: Descriptor.isIndirect), at: index)
  }

  /// Makes `head` available.
  func publish(_ head: UInt16) throws {
    try memory.write(head, at: driver + (4 + 2 * UInt64(available % size)))
    available &+= 1
    try memory.storeRelease16(available, at: driver + 2)
  }

  /// Sets the available index to any value.
  func setAvailable(_ index: UInt16) throws { try memory.storeRelease16(index, at: driver + 2) }

  func usedIndex() throws -> UInt16 { try memory.loadAcquire16(at: device + 2) }

  func used(_ index: UInt16) throws -> (head: UInt32, written: UInt32) {
    let element = device + (4 + 8 * UInt64(index % size))
    return (try memory.read(UInt32.self, at: element), try memory.read(UInt32.self, at: element + 4))
  }

  func setUsedEvent(_ index: UInt16) throws { try memory.write(index, at: driver + (4 + 2 * UInt64(size))) }
  func setDriverFlags(_ flags: UInt16) throws { try memory.write(flags, at: driver) }
  func deviceFlags() throws -> UInt16 { try memory.read(UInt16.self, at: device) }
  /// Whether the chain that was published last deserves a doorbell with EVENT_IDX (2.7.10).
  func wantsDoorbell() throws -> Bool { available &- (try availEvent()) &- 1 < 1 }
  func availEvent() throws -> UInt16 { try memory.read(UInt16.self, at: device + (4 + 8 * UInt64(size))) }
}

/// A driver that works the registers of a transport.
struct GuestDriver {
  let transport: VirtioMMIOTransport

  func read(_ register: VirtioMMIORegister) -> UInt32 {
    UInt32(truncatingIfNeeded: transport.read(at: register.rawValue, width: .long))
  }

  func write(_ value: UInt32, to register: VirtioMMIORegister) {
    transport.write(UInt64(value), at: register.rawValue, width: .long)
  }

  var status: VirtioStatus { VirtioStatus(rawValue: read(.status)) }

  func offeredFeatures() -> VirtioFeatures {
    write(0, to: .deviceFeaturesSelect)
    let low = UInt64(read(.deviceFeatures))
    write(1, to: .deviceFeaturesSelect)
    return VirtioFeatures(rawValue: low | UInt64(read(.deviceFeatures)) << 32)
  }

  /// Reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK; the status afterwards.
  @discardableResult func negotiate(_ features: VirtioFeatures) -> VirtioStatus {
    write(0, to: .status)
    write(1, to: .status)
    write(3, to: .status)
    write(0, to: .driverFeaturesSelect)
    write(UInt32(truncatingIfNeeded: features.rawValue), to: .driverFeatures)
    write(1, to: .driverFeaturesSelect)
    write(UInt32(truncatingIfNeeded: features.rawValue >> 32), to: .driverFeatures)
    write(11, to: .status)
    return status
  }

  /// Tells the device where `queue` is; true where it accepted.
  @discardableResult func setUp(_ queue: GuestQueue, index: UInt32 = 0, size: UInt32? = nil) -> Bool {
    setUp(
      index: index, size: size ?? UInt32(queue.size), descriptors: queue.descriptors.value, driver: queue.driver.value,
      device: queue.device.value)
  }

  @discardableResult func setUp(
    index: UInt32 = 0, size: UInt32, descriptors: UInt64, driver: UInt64, device: UInt64
  ) -> Bool {
    write(index, to: .queueSelect)
    write(size, to: .queueSize)
    write(UInt32(truncatingIfNeeded: descriptors), to: .queueDescriptorsLow)
    write(UInt32(truncatingIfNeeded: descriptors >> 32), to: .queueDescriptorsHigh)
    write(UInt32(truncatingIfNeeded: driver), to: .queueDriverLow)
    write(UInt32(truncatingIfNeeded: driver >> 32), to: .queueDriverHigh)
    write(UInt32(truncatingIfNeeded: device), to: .queueDeviceLow)
    write(UInt32(truncatingIfNeeded: device >> 32), to: .queueDeviceHigh)
    write(1, to: .queueReady)
    return read(.queueReady) == 1
  }

  func start() { write(15, to: .status) }
}
