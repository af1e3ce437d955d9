import DeviceModel

/// The common configuration structure of virtio over PCI (virtio 1.2, 4.1.4.3), by offset in bytes.
public enum VirtioPCIRegister: Int, Sendable {
  case deviceFeatureSelect = 0x00
  case deviceFeature = 0x04
  case driverFeatureSelect = 0x08
  case driverFeature = 0x0C
  case configurationVector = 0x10
  case queueCount = 0x12
  case deviceStatus = 0x14
  case configurationGeneration = 0x15
  case queueSelect = 0x16
  case queueSize = 0x18
  case queueVector = 0x1A
  case queueEnable = 0x1C
  case queueNotifyOffset = 0x1E
  case queueDescriptorsLow = 0x20
  case queueDescriptorsHigh = 0x24
  case queueDriverLow = 0x28
  case queueDriverHigh = 0x2C
  case queueDeviceLow = 0x30
  case queueDeviceHigh = 0x34

  /// The only width in which the field is accessed (4.1.3.1); 64-bit fields are two halves.
  public var width: AccessWidth {
    switch self {
    case .deviceStatus, .configurationGeneration: .byte
    case .configurationVector, .queueCount, .queueSelect, .queueSize, .queueVector, .queueEnable, .queueNotifyOffset:
      .word
    default: .long
    }
  }
}

/// The structures of a virtio PCI function (4.1.4), all in one memory window.
public enum VirtioPCIStructure: UInt8, Sendable, CaseIterable {
  case common = 1
  case notify = 2
  case interruptStatus = 3
  case device = 4

  /// Which base address register holds them.
  public static let baseAddressIndex = 0
  /// Length of the window in bytes.
  public static let windowByteCount: UInt32 = 0x4000
  /// Bytes between the notification addresses of two queues: each has its own (4.1.4.4).
  public static let notifyMultiplier = 4

  /// Offset in the window.
  public var offset: Int {
    switch self {
    case .common: 0x0000
    case .interruptStatus: 0x1000
    case .device: 0x2000
    case .notify: 0x3000
    }
  }

  static let spacing = 0x1000

  /// The structure at `offset` of the window, and the offset within it.
  static func at(_ offset: Int) -> (VirtioPCIStructure, Int)? {
    allCases.first { $0.offset == offset & ~(spacing - 1) }.map { ($0, offset & (spacing - 1)) }
  }
}
