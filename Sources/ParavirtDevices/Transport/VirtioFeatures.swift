/// Feature bits (virtio 1.2, chapter 6). Bits below 24 mean something else for every kind of device.
public struct VirtioFeatures: OptionSet, Sendable {
  /// The raw bits.
  public let rawValue: UInt64

  /// Wraps raw bits.
  public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// VIRTIO_F_INDIRECT_DESC: chains may lie in a table of their own.
  public static let indirectDescriptors = VirtioFeatures(rawValue: 1 << 28)
  /// VIRTIO_F_EVENT_IDX: both sides name the index at which they want to hear of each other.
  public static let eventIndex = VirtioFeatures(rawValue: 1 << 29)
  /// VIRTIO_F_VERSION_1: not a legacy driver. Required here.
  public static let version1 = VirtioFeatures(rawValue: 1 << 32)
}

/// Bits of the device status register (virtio 1.2, 2.1).
public struct VirtioStatus: OptionSet, Sendable {
  /// The raw bits.
  public let rawValue: UInt32

  /// Wraps raw bits.
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// The driver has seen the device.
  public static let acknowledge = VirtioStatus(rawValue: 1)
  /// It knows how to drive it.
  public static let driver = VirtioStatus(rawValue: 2)
  /// It is ready.
  public static let driverOK = VirtioStatus(rawValue: 4)
  /// Both agree on the features.
  public static let featuresOK = VirtioStatus(rawValue: 8)
  /// The device cannot go on without a reset.
  public static let needsReset = VirtioStatus(rawValue: 64)
  /// The driver has given up.
  public static let failed = VirtioStatus(rawValue: 128)
}
