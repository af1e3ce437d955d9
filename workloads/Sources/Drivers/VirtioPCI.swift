import GuestKernel

/// A virtio device on the PCI bus, modern, with MSI-X (virtio 1.2, 4.1).
final class VirtioPCI: VirtioTransport {
  /// Offsets in the common configuration structure (4.1.4.3).
  private enum Common {
    static let deviceFeatureSelect: UInt = 0x00
    static let deviceFeature: UInt = 0x04
    static let driverFeatureSelect: UInt = 0x08
    static let driverFeature: UInt = 0x0C
    static let configurationVector: UInt = 0x10
    static let deviceStatus: UInt = 0x14
    static let queueSelect: UInt = 0x16
    static let queueSize: UInt = 0x18
    static let queueVector: UInt = 0x1A
    static let queueEnable: UInt = 0x1C
    static let queueNotifyOffset: UInt = 0x1E
    static let queueDescriptors: UInt = 0x20
    static let queueDriver: UInt = 0x28
    static let queueDevice: UInt = 0x30
  }
  /// Types of vendor capabilities (4.1.4).
  private enum Structure {
    static let common: UInt32 = 1
    static let notify: UInt32 = 2
    static let device: UInt32 = 4
  }
  /// The vector on which the device says that its configuration has changed.
  private static let configurationInterrupt: UInt8 = 0x4F

  private let common: UInt
  private let notify: UInt
  private let notifyMultiplier: UInt
  /// Nil where this kind of device has no configuration.
  private let device: UInt?
  private let messages: MessageTable
  private var usedMessages = 1
  private var configuration: Interrupt?
  private var seen: UInt64 = 0

  /// The first function of this kind on the bus; nil where there is none or it lacks a part that this driver needs.
  static func find(deviceID: UInt32) -> VirtioPCI? {
    PCIDevice.find(vendor: 0x1AF4, device: 0x1040 + UInt16(deviceID)).flatMap(VirtioPCI.init)
  }

  private init?(_ function: PCIDevice) {
    var common: UInt?
    var notify: UInt?
    var multiplier: UInt = 0
    var device: UInt?
    for offset in function.capabilities(id: 0x09) {
      let type = function.read(offset) >> 24
      guard type == Structure.common || type == Structure.notify || type == Structure.device,
        let window = function.memory(baseAddress: function.read(offset + 4) & 0xFF)
      else { continue }
      let address = window + UInt(function.read(offset + 8))
      switch type {
      case Structure.common: common = common ?? address
      case Structure.device: device = device ?? address
      default:
        if notify == nil { multiplier = UInt(function.read(offset + 16)) }
        notify = notify ?? address
      }
    }
    guard let common, let notify else { return nil }
    function.enable(usesLine: false)
    guard let messages = MessageTable(function) else { return nil }
    self.common = common
    self.notify = notify
    self.device = device
    self.messages = messages
    notifyMultiplier = multiplier
  }

  var status: UInt32 {
    get { UInt32(pv_read8(common + Common.deviceStatus)) }
    set { pv_write8(common + Common.deviceStatus, UInt8(truncatingIfNeeded: newValue)) }
  }

  func offeredFeatures(half: UInt32) -> UInt32 {
    pv_write32(common + Common.deviceFeatureSelect, half)
    return pv_read32(common + Common.deviceFeature)
  }

  func acceptFeatures(_ features: UInt32, half: UInt32) {
    pv_write32(common + Common.driverFeatureSelect, half)
    pv_write32(common + Common.driverFeature, features)
  }

  func configuration32(at offset: UInt) -> UInt32 { device.map { pv_read32($0 + offset) } ?? 0 }

  func setConfiguration32(_ value: UInt32, at offset: UInt) {
    if let device { pv_write32(device + offset, value) }
  }

  /// Each queue has a vector and a doorbell address of its own.
  func enable(queue index: UInt32, wantedSize: Int, vector: UInt8?) -> SplitQueue? {
    pv_write16(common + Common.queueSelect, UInt16(truncatingIfNeeded: index))
    let size = min(Int(pv_read16(common + Common.queueSize)), wantedSize)
    guard size > 0 else { return nil }
    let address = notify + UInt(pv_read16(common + Common.queueNotifyOffset)) * notifyMultiplier
    let queue = SplitQueue(size: size, doorbell: .own(address, index: UInt16(truncatingIfNeeded: index)))
    pv_write16(common + Common.queueSize, UInt16(size))
    for (register, address) in [
      (Common.queueDescriptors, queue.descriptors.address), (Common.queueDriver, queue.available.address),
      (Common.queueDevice, queue.used.address),
    ] {
      pv_write32(common + register, UInt32(truncatingIfNeeded: address))
      pv_write32(common + register + 4, UInt32(truncatingIfNeeded: UInt64(address) >> 32))
    }
    if let vector {
      guard let interrupt = interrupt(vector) else { return nil }
      queue.interrupt = interrupt
    }
    pv_write16(common + Common.queueEnable, 1)
    return queue
  }

  /// Maps the selected queue to the next message, and on first use the configuration to message 0; nil where the device has
  /// no message left.
  private func interrupt(_ vector: UInt8) -> Interrupt? {
    if configuration == nil {
      configuration = messages.enable(0, vector: Self.configurationInterrupt)
      pv_write16(common + Common.configurationVector, 0)
    }
    guard usedMessages < messages.count else { return nil }
    defer { usedMessages += 1 }
    pv_write16(common + Common.queueVector, UInt16(usedMessages))
    guard pv_read16(common + Common.queueVector) == UInt16(usedMessages) else { return nil }
    return messages.enable(usedMessages, vector: vector)
  }

  /// A message says everything: nothing is read but where the configuration's own message has come.
  func acknowledgeInterrupt() -> Bool {
    guard let configuration, configuration.count != seen else { return true }
    seen = configuration.count
    return status & VirtioStatus.needsReset == 0
  }
}
