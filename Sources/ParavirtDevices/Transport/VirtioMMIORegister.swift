/// The register layout of virtio over MMIO, version 2 (virtio 1.2, 4.2.2). All are 32 bits wide; the configuration space
/// follows at 0x100.
public enum VirtioMMIORegister: Int, Sendable {
  case magicValue = 0x000
  case version = 0x004
  case deviceID = 0x008
  case vendorID = 0x00C
  case deviceFeatures = 0x010
  case deviceFeaturesSelect = 0x014
  case driverFeatures = 0x020
  case driverFeaturesSelect = 0x024
  case queueSelect = 0x030
  case queueSizeMaximum = 0x034
  case queueSize = 0x038
  case queueReady = 0x044
  case queueNotify = 0x050
  case interruptStatus = 0x060
  case interruptAcknowledge = 0x064
  case status = 0x070
  case queueDescriptorsLow = 0x080
  case queueDescriptorsHigh = 0x084
  case queueDriverLow = 0x090
  case queueDriverHigh = 0x094
  case queueDeviceLow = 0x0A0
  case queueDeviceHigh = 0x0A4
  case sharedMemoryLengthLow = 0x0B0
  case sharedMemoryLengthHigh = 0x0B4
  case sharedMemoryBaseLow = 0x0B8
  case sharedMemoryBaseHigh = 0x0BC
  case configurationGeneration = 0x0FC

  /// Offset of the device's configuration space in bytes.
  public static let configurationSpace = 0x100
  /// Length of the whole window in bytes.
  public static let windowByteCount = 0x200
}
