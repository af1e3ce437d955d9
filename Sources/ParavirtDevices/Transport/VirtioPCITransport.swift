import DeviceModel
import GuestMemory

/// A virtio device as a PCI function (virtio 1.2, 4.1), modern only: vendor capabilities, one memory window for the
/// structures that they name, one for MSI-X.
public final class VirtioPCITransport: PCIFunction {
  /// Base address register of the MSI-X window.
  public static let messageBaseAddressIndex = 1

  /// Its configuration space.
  public let configuration: PCIConfiguration
  private let baseAddresses: [PCIBaseAddress]
  private let messages: MSIXTable
  private let registers: VirtioPCIRegisters
  private let accessCapability: VirtioPCIAccess

  /// Puts `device` on the bus; its buffers are in `memory`. `structures` and `messageWindow` are where the machine has its two
  /// windows; it interrupts by `messages`, one more than it has queues, or by `line`, which firmware would call `lineNumber`.
  public init(
    device: any VirtioDevice, memory: GuestMemory, structures: UInt32, messageWindow: UInt32,
    messages: any MessageInterrupts, line: any InterruptLine, lineNumber: UInt8
  ) {
    baseAddresses = [
      .memory(
        index: VirtioPCIStructure.baseAddressIndex, byteCount: VirtioPCIStructure.windowByteCount, address: structures),
      .memory(
        index: Self.messageBaseAddressIndex, byteCount: MSIXTable.windowByteCount, address: messageWindow),
    ]
    let queueCount = device.queueSizes.count
    configuration = PCIConfiguration(
      Self.identity(device.deviceID), baseAddresses: baseAddresses, interruptLine: lineNumber)
    Self.addCapabilities(to: configuration, queueCount: queueCount, device: device)
    accessCapability = VirtioPCIAccess(configuration)
    self.messages = MSIXTable(
      vectorCount: queueCount + 1, messages: messages, configuration: configuration,
      baseAddress: Self.messageBaseAddressIndex)
    let interrupt = VirtioPCIInterrupt(
      table: self.messages, line: line, configuration: configuration, queueCount: queueCount)
    registers = VirtioPCIRegisters(device: device, memory: memory, interrupt: interrupt)
    self.messages.deliveryChanged = { [weak device] in device?.interruptsChanged() }
  }

  /// Structures and MSI-X.
  public var windows: [(baseAddress: PCIBaseAddress, device: any Device)] {
    [(baseAddresses[0], registers), (baseAddresses[1], messages)]
  }

  /// Fetches the data of the access capability.
  public func configurationWillBeRead(at offset: Int, width: AccessWidth) {
    guard accessCapability.touchesData(offset, width), let (window, place, width) = accessTarget else { return }
    accessCapability.data = window.read(at: place, width: width)
  }

  /// Follows MSI-X and interrupt masks, and carries out what the access capability asks for.
  public func configurationWritten(at offset: Int, width: AccessWidth) {
    messages.configurationWritten()
    registers.interrupt.driveLine()
    guard accessCapability.touchesData(offset, width), let (window, place, width) = accessTarget else { return }
    window.write(accessCapability.data, at: place, width: width)
  }

  private var accessTarget: (any Device, Int, AccessWidth)? {
    guard let (index, offset, width) = accessCapability.target, baseAddresses.indices.contains(index),
      offset <= Int(baseAddresses[index].byteCount) - width.rawValue
    else { return nil }
    return (windows[index].device, offset, width)
  }

  private static func identity(_ deviceID: UInt32) -> PCIIdentity {
    let kind = UInt16(truncatingIfNeeded: deviceID)
    return PCIIdentity(
      vendor: 0x1AF4, device: 0x1040 + kind, classCode: classCodes[deviceID] ?? 0xFF0000, revision: 1,
      subsystemVendor: 0x1AF4, subsystem: 0x1040 + kind, interruptPin: 1)
  }

  /// Network, mass storage, simple communication controllers, by kind of device.
  private static let classCodes: [UInt32: UInt32] = [1: 0x020000, 2: 0x018000, 3: 0x078000]

  private static func addCapabilities(
    to configuration: PCIConfiguration, queueCount: Int, device: any VirtioDevice
  ) {
    for structure in VirtioPCIStructure.allCases {
      // A kind of device without a configuration has no structure for it (4.1.4.6).
      if structure == .device, device.configuration.byteCount == 0 { continue }
      let length =
        switch structure {
        case .common: 0x38
        case .notify: VirtioPCIStructure.notifyMultiplier * queueCount
        case .interruptStatus: 1
        case .device: device.configuration.byteCount
        }
      var body: [UInt8] = [structure == .notify ? 20 : 16, structure.rawValue]
      body += [UInt8(VirtioPCIStructure.baseAddressIndex), 0, 0, 0]
      body += littleEndian(structure.offset) + littleEndian(length)
      if structure == .notify { body += littleEndian(VirtioPCIStructure.notifyMultiplier) }
      configuration.addCapability(id: 0x09, body)
    }
  }

  private static func littleEndian(_ value: Int) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}

/// The capability by which the windows can be reached through configuration space alone (virtio 1.2, 4.1.4.9).
private struct VirtioPCIAccess {
  private let configuration: PCIConfiguration
  private let offset: Int

  private static let type: UInt8 = 5
  private static let dataOffset = 16

  init(_ configuration: PCIConfiguration) {
    self.configuration = configuration
    let masks: [UInt8] = [0, 0, 0xFF, 0, 0, 0] + [UInt8](repeating: 0xFF, count: 12)
    offset = configuration.addCapability(
      id: 0x09, [20, Self.type] + [UInt8](repeating: 0, count: 16), writable: masks)
  }

  func touchesData(_ place: Int, _ width: AccessWidth) -> Bool {
    place < offset + Self.dataOffset + 4 && place + width.rawValue > offset + Self.dataOffset
  }

  /// The window, offset and width that the driver chose; nil where it may not (4.1.4.9.2).
  var target: (index: Int, offset: Int, width: AccessWidth)? {
    let length = Int(configuration.read(at: offset + 12, width: .long))
    let place = Int(configuration.read(at: offset + 8, width: .long))
    guard let width = AccessWidth(rawValue: length), width != .quad, place % length == 0 else { return nil }
    return (Int(configuration.read(at: offset + 4, width: .byte)), place, width)
  }

  var data: UInt64 {
    get { configuration.read(at: offset + Self.dataOffset, width: .long) }
    nonmutating set { configuration.set(UInt32(truncatingIfNeeded: newValue), at: offset + Self.dataOffset) }
  }
}

/// The window of the four structures.
private final class VirtioPCIRegisters: Device {
  let interrupt: VirtioPCIInterrupt
  private var control: VirtioControl

  init(device: any VirtioDevice, memory: GuestMemory, interrupt: VirtioPCIInterrupt) {
    self.interrupt = interrupt
    control = VirtioControl(
      device: device, memory: memory, state: VirtioState(interrupts: interrupt), hasInitialSizes: true)
  }

  /// Common fields are read in their own width, the device's in any; what is nowhere is zero.
  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    switch VirtioPCIStructure.at(offset) {
    case (.common, let place)?:
      guard let register = VirtioPCIRegister(rawValue: place), register.width == width else { return 0 }
      return UInt64(read(register))
    case (.interruptStatus, 0)?: return UInt64(interrupt.takeStatus())
    case (.device, let place)?: return control.device.configuration.read(at: place, width: width)
    default: return 0
    }
  }

  /// Common fields are written in their own width, notifications and the device's in any; everything else is ignored.
  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    switch VirtioPCIStructure.at(offset) {
    case (.common, let place)?:
      guard let register = VirtioPCIRegister(rawValue: place), register.width == width else { return }
      write(UInt32(truncatingIfNeeded: value), to: register)
    case (.notify, let place)?:
      guard place % VirtioPCIStructure.notifyMultiplier == 0 else { return }
      control.notify(queue: place / VirtioPCIStructure.notifyMultiplier)
    case (.device, let place)?: control.device.writeConfiguration(value, at: place, width: width)
    default: break
    }
  }

  private func read(_ register: VirtioPCIRegister) -> UInt32 {
    switch register {
    case .deviceFeatureSelect: control.deviceFeaturesSelect
    case .deviceFeature: control.deviceFeatures
    case .driverFeatureSelect: control.driverFeaturesSelect
    case .driverFeature: control.driverFeatures
    case .configurationVector: UInt32(interrupt.vector(queue: nil))
    case .queueCount: UInt32(control.queueCount)
    case .deviceStatus: control.state.status.rawValue
    case .configurationGeneration: control.device.configurationGeneration & 0xFF
    case .queueSelect: UInt32(control.queueSelect)
    case .queueSize: control.selectedQueue?.size ?? 0
    case .queueVector: UInt32(interrupt.vector(queue: control.queueSelect))
    case .queueEnable: control.selectedQueue?.layout != nil ? 1 : 0
    case .queueNotifyOffset: control.selectedQueue == nil ? 0 : UInt32(control.queueSelect)
    case .queueDescriptorsLow: half(\.descriptors, 0)
    case .queueDescriptorsHigh: half(\.descriptors, 32)
    case .queueDriverLow: half(\.driver, 0)
    case .queueDriverHigh: half(\.driver, 32)
    case .queueDeviceLow: half(\.device, 0)
    case .queueDeviceHigh: half(\.device, 32)
    }
  }

  private func half(_ address: (VirtioControl.Queue) -> UInt64, _ shift: UInt64) -> UInt32 {
    UInt32(truncatingIfNeeded: (control.selectedQueue.map(address) ?? 0) >> shift)
  }

  private func write(_ value: UInt32, to register: VirtioPCIRegister) {
    switch register {
    case .deviceFeatureSelect: control.deviceFeaturesSelect = value
    case .driverFeatureSelect: control.driverFeaturesSelect = value
    case .driverFeature: control.writeDriverFeatures(value)
    case .configurationVector: interrupt.setVector(UInt16(truncatingIfNeeded: value), queue: nil)
    case .deviceStatus:
      control.writeStatus(value)
      if value == 0 { interrupt.reset() }
    case .queueSelect: control.queueSelect = Int(value)
    case .queueSize: control.configureQueue { $0.size = value }
    case .queueVector:
      interrupt.setVector(UInt16(truncatingIfNeeded: value), queue: control.queueSelect)
      control.device.interruptsChanged()
    // A queue is switched off by a device reset only: queue_reset is not offered (4.1.4.3.2).
    case .queueEnable: if value == 1 { control.readyQueue() }
    case .queueDescriptorsLow: control.configureQueue { $0.descriptors.setLow(value) }
    case .queueDescriptorsHigh: control.configureQueue { $0.descriptors.setHigh(value) }
    case .queueDriverLow: control.configureQueue { $0.driver.setLow(value) }
    case .queueDriverHigh: control.configureQueue { $0.driver.setHigh(value) }
    case .queueDeviceLow: control.configureQueue { $0.device.setLow(value) }
    case .queueDeviceHigh: control.configureQueue { $0.device.setHigh(value) }
    case .deviceFeature, .queueCount, .configurationGeneration, .queueNotifyOffset: break
    }
  }
}
