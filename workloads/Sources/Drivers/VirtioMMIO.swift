import GuestKernel

/// A virtio device behind the MMIO transport, version 2 (virtio 1.2, 4.2).
public struct VirtioMMIO {
  /// Register offsets (4.2.2).
  enum Register {
    static let magic: UInt = 0x000
    static let version: UInt = 0x004
    static let deviceID: UInt = 0x008
    static let deviceFeatures: UInt = 0x010
    static let deviceFeaturesSelect: UInt = 0x014
    static let driverFeatures: UInt = 0x020
    static let driverFeaturesSelect: UInt = 0x024
    static let queueSelect: UInt = 0x030
    static let queueSizeMaximum: UInt = 0x034
    static let queueSize: UInt = 0x038
    static let queueReady: UInt = 0x044
    static let queueNotify: UInt = 0x050
    static let interruptStatus: UInt = 0x060
    static let interruptAcknowledge: UInt = 0x064
    static let status: UInt = 0x070
    static let queueDescriptors: UInt = 0x080
    static let queueDriver: UInt = 0x090
    static let queueDevice: UInt = 0x0A0
    static let configuration: UInt = 0x100
  }
  /// Device status bits (2.1).
  enum Status {
    static let acknowledge: UInt32 = 1
    static let driver: UInt32 = 2
    static let driverOK: UInt32 = 4
    static let featuresOK: UInt32 = 8
  }

  let base: UInt
  /// I/O APIC input of its interrupt.
  let interruptInput: UInt32

  /// Looks through the transport's slots for the first device of type `deviceID`. `interruptInput` tells a slot's I/O APIC
  /// input from its number and address.
  static func find(deviceID: UInt32, firstSlot: UInt, stride: UInt, slots: Int, interruptInput: (Int, UInt) -> UInt32)
    -> VirtioMMIO?
  {
    for slot in 0..<slots {
      let base = firstSlot + UInt(slot) * stride
      guard pv_read32(base + Register.magic) == 0x7472_6976, pv_read32(base + Register.version) == 2,
        pv_read32(base + Register.deviceID) == deviceID
      else { continue }
      return VirtioMMIO(base: base, interruptInput: interruptInput(slot, base))
    }
    return nil
  }

  func read(_ register: UInt) -> UInt32 { pv_read32(base + register) }
  func write(_ register: UInt, _ value: UInt32) { pv_write32(base + register, value) }

  func configuration64(at offset: UInt) -> UInt64 {
    UInt64(read(Register.configuration + offset)) | UInt64(read(Register.configuration + offset + 4)) << 32
  }

  /// Resets the device and agrees on features (3.1.1); returns those that both sides have, nil where the device refuses.
  func negotiate(_ wanted: UInt64) -> UInt64? {
    write(Register.status, 0)
    while read(Register.status) != 0 { pv_pause() }
    write(Register.status, Status.acknowledge | Status.driver)
    write(Register.deviceFeaturesSelect, 0)
    var offered = UInt64(read(Register.deviceFeatures))
    write(Register.deviceFeaturesSelect, 1)
    offered |= UInt64(read(Register.deviceFeatures)) << 32
    let agreed = offered & wanted
    write(Register.driverFeaturesSelect, 0)
    write(Register.driverFeatures, UInt32(truncatingIfNeeded: agreed))
    write(Register.driverFeaturesSelect, 1)
    write(Register.driverFeatures, UInt32(truncatingIfNeeded: agreed >> 32))
    let status = Status.acknowledge | Status.driver | Status.featuresOK
    write(Register.status, status)
    return read(Register.status) == status ? agreed : nil
  }

  /// Announces a queue's rings and switches it on; nil where the device has no such queue.
  func enable(queue index: UInt32, wantedSize: Int) -> SplitQueue? {
    write(Register.queueSelect, index)
    let size = min(Int(read(Register.queueSizeMaximum)), wantedSize)
    guard size > 0 else { return nil }
    let queue = SplitQueue(size: size)
    write(Register.queueSize, UInt32(size))
    for (register, address) in [
      (Register.queueDescriptors, queue.descriptors.address), (Register.queueDriver, queue.available.address),
      (Register.queueDevice, queue.used.address),
    ] {
      write(register, UInt32(truncatingIfNeeded: address))
      write(register + 4, UInt32(truncatingIfNeeded: UInt64(address) >> 32))
    }
    write(Register.queueReady, 1)
    return queue
  }

  /// Tells the device that the driver is ready.
  func start() { write(Register.status, read(Register.status) | Status.driverOK) }
}

/// A split virtqueue as its driver sees it, with EVENT_IDX (virtio 1.2, 2.7).
public final class SplitQueue {
  let size: Int
  let descriptors: DMAMemory
  let available: DMAMemory
  let used: DMAMemory
  private var availableIndex: UInt16 = 0
  private var announcedIndex: UInt16 = 0
  private var usedIndex: UInt16 = 0

  init(size: Int) {
    self.size = size
    descriptors = DMAMemory(count: 16 * size)
    available = DMAMemory(count: 6 + 2 * size)
    used = DMAMemory(count: 6 + 8 * size)
  }

  /// Writes a descriptor that points at an indirect table of `count` entries.
  func setIndirect(_ index: Int, table: UInt, count: Int) {
    descriptors.store(UInt64(table), at: 16 * index)
    descriptors.store(UInt32(16 * count), at: 16 * index + 8)
    descriptors.store(UInt16(4), at: 16 * index + 12)  // VIRTQ_DESC_F_INDIRECT
    descriptors.store(UInt16(0), at: 16 * index + 14)
  }

  /// Writes a descriptor of one buffer.
  func setBuffer(_ index: Int, address: UInt, count: Int, isWritable: Bool) {
    descriptors.store(UInt64(address), at: 16 * index)
    descriptors.store(UInt32(count), at: 16 * index + 8)
    descriptors.store(UInt16(isWritable ? 2 : 0), at: 16 * index + 12)  // VIRTQ_DESC_F_WRITE
    descriptors.store(UInt16(0), at: 16 * index + 14)
  }

  /// Makes descriptor `head` available; true where the device wants a notification (2.7.10).
  func publish(head: Int) -> Bool {
    append(head: head)
    return wantsNotification()
  }

  /// Makes descriptor `head` available, and says nothing of it yet.
  func append(head: Int) {
    available.store(UInt16(truncatingIfNeeded: head), at: 4 + 2 * (Int(availableIndex) % size))
    availableIndex &+= 1
    pv_store16(available.address + 2, availableIndex)
  }

  /// True where the device wants a notification of what was made available since this was last asked.
  func wantsNotification() -> Bool {
    guard announcedIndex != availableIndex else { return false }
    pv_full_fence()
    let event = pv_load16(used.address + UInt(4 + 8 * size))
    defer { announcedIndex = availableIndex }
    return availableIndex &- event &- 1 < availableIndex &- announcedIndex
  }

  /// The head of a chain that the device has used since the last call.
  func takeUsed() -> Int? { takeUsedElement()?.head }

  /// The head of a chain that the device has used since the last call, and the bytes that it wrote.
  func takeUsedElement() -> (head: Int, count: Int)? {
    guard pv_load16(used.address + 2) != usedIndex else { return nil }
    let element = 4 + 8 * (Int(usedIndex) % size)
    usedIndex &+= 1
    return (Int(used.load(UInt32.self, at: element)), Int(used.load(UInt32.self, at: element + 4)))
  }

  /// Asks for an interrupt at the next used chain, or when `more` are used after it; false where they already are.
  func armInterrupt(after more: UInt16 = 0) -> Bool {
    pv_store16(available.address + UInt(4 + 2 * size), usedIndex &+ more)
    pv_full_fence()
    return pv_load16(used.address + 2) &- usedIndex <= more
  }

  /// Asks for no interrupt for a long time to come.
  func disarmInterrupt() { pv_store16(available.address + UInt(4 + 2 * size), usedIndex &+ 0x8000) }
}
