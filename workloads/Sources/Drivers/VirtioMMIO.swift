import GuestKernel

/// A virtio device behind the MMIO transport, version 2 (virtio 1.2, 4.2).
public final class VirtioMMIO: VirtioTransport {
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

  let base: UInt
  /// I/O APIC input of its interrupt.
  let interruptInput: UInt32
  /// The one interrupt that all queues share, once it is switched on.
  private var interrupt: Interrupt?

  init(base: UInt, interruptInput: UInt32) {
    self.base = base
    self.interruptInput = interruptInput
  }

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

  var status: UInt32 {
    get { read(Register.status) }
    set { write(Register.status, newValue) }
  }

  func offeredFeatures(half: UInt32) -> UInt32 {
    write(Register.deviceFeaturesSelect, half)
    return read(Register.deviceFeatures)
  }

  func acceptFeatures(_ features: UInt32, half: UInt32) {
    write(Register.driverFeaturesSelect, half)
    write(Register.driverFeatures, features)
  }

  func configuration32(at offset: UInt) -> UInt32 { read(Register.configuration + offset) }

  func setConfiguration32(_ value: UInt32, at offset: UInt) { write(Register.configuration + offset, value) }

  /// One interrupt serves all queues: the first vector counts.
  func enable(queue index: UInt32, wantedSize: Int, vector: UInt8? = nil) -> SplitQueue? {
    write(Register.queueSelect, index)
    let size = min(Int(read(Register.queueSizeMaximum)), wantedSize)
    guard size > 0 else { return nil }
    let queue = SplitQueue(size: size, doorbell: .shared(base + Register.queueNotify, index: index))
    write(Register.queueSize, UInt32(size))
    for (register, address) in [
      (Register.queueDescriptors, queue.descriptors.address), (Register.queueDriver, queue.available.address),
      (Register.queueDevice, queue.used.address),
    ] {
      write(register, UInt32(truncatingIfNeeded: address))
      write(register + 4, UInt32(truncatingIfNeeded: UInt64(address) >> 32))
    }
    if let vector {
      interrupt = interrupt ?? IOAPIC.enable(input: interruptInput, vector: vector)
      queue.interrupt = interrupt
    }
    write(Register.queueReady, 1)
    return queue
  }

  /// Reads and acknowledges the interrupt's cause: two exits that this transport costs on every interrupt.
  func acknowledgeInterrupt() -> Bool {
    let cause = read(Register.interruptStatus)
    write(Register.interruptAcknowledge, cause)
    return cause & 2 == 0 || status & VirtioStatus.needsReset == 0
  }
}
