import DeviceModel
import GuestMemory

/// A virtio device behind MMIO registers, version 2 (virtio 1.2, 4.2).
public final class VirtioMMIOTransport: Device {
  private let interrupt: VirtioMMIOInterrupt
  private var control: VirtioControl

  /// Puts `device` behind registers; its buffers are in `memory`, and it interrupts through `interrupt`.
  public init(device: any VirtioDevice, memory: GuestMemory, interrupt: any InterruptEdge) {
    self.interrupt = VirtioMMIOInterrupt(edge: interrupt)
    control = VirtioControl(
      device: device, memory: memory, state: VirtioState(interrupts: self.interrupt), hasInitialSizes: false)
  }

  /// Registers are read whole, the configuration space in any width. Everything else is zero.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    if offset >= VirtioMMIORegister.configurationSpace {
      return control.device.configuration.read(at: offset - VirtioMMIORegister.configurationSpace, width: width)
    }
    guard width == .long, let register = VirtioMMIORegister(rawValue: offset) else { return 0 }
    return UInt64(read(register))
  }

  /// Registers are written whole, the configuration space in any width. Everything else is ignored.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    if offset >= VirtioMMIORegister.configurationSpace {
      return control.device.writeConfiguration(
        value, at: offset - VirtioMMIORegister.configurationSpace, width: width)
    }
    guard width == .long, let register = VirtioMMIORegister(rawValue: offset) else { return }
    write(UInt32(truncatingIfNeeded: value), to: register)
  }

  private func read(_ register: VirtioMMIORegister) -> UInt32 {
    switch register {
    case .magicValue: 0x7472_6976  // "virt"
    case .version: 2
    case .deviceID: control.device.deviceID
    case .vendorID: 0x4856_5650  // "PVVH"
    case .deviceFeatures: control.deviceFeatures
    case .queueSizeMaximum: control.maximumQueueSize
    case .queueReady: control.selectedQueue?.layout != nil ? 1 : 0
    case .interruptStatus: interrupt.status.value
    case .status: control.state.status.rawValue
    case .configurationGeneration: control.device.configurationGeneration
    // A region that does not exist has the length -1 (4.2.2).
    case .sharedMemoryLengthLow, .sharedMemoryLengthHigh, .sharedMemoryBaseLow, .sharedMemoryBaseHigh: .max
    default: 0
    }
  }

  private func write(_ value: UInt32, to register: VirtioMMIORegister) {
    switch register {
    case .deviceFeaturesSelect: control.deviceFeaturesSelect = value
    case .driverFeaturesSelect: control.driverFeaturesSelect = value
    case .driverFeatures: control.writeDriverFeatures(value)
    case .queueSelect: control.queueSelect = Int(value)
    case .queueSize: control.configureQueue { $0.size = value }
    case .queueDescriptorsLow: control.configureQueue { $0.descriptors.setLow(value) }
    case .queueDescriptorsHigh: control.configureQueue { $0.descriptors.setHigh(value) }
    case .queueDriverLow: control.configureQueue { $0.driver.setLow(value) }
    case .queueDriverHigh: control.configureQueue { $0.driver.setHigh(value) }
    case .queueDeviceLow: control.configureQueue { $0.device.setLow(value) }
    case .queueDeviceHigh: control.configureQueue { $0.device.setHigh(value) }
    case .queueReady: value == 0 ? control.stopQueue() : control.readyQueue()
    case .queueNotify: control.notify(queue: Int(value))
    case .interruptAcknowledge: interrupt.status.remove(value)
    case .status:
      control.writeStatus(value)
      if value == 0 { _ = interrupt.status.take() }
    default: break
    }
  }
}

/// One edge for everything, and a register that tells why (4.2.2).
private final class VirtioMMIOInterrupt: VirtioInterrupts {
  let status = VirtioInterruptStatus()
  private let edge: any InterruptEdge

  init(edge: any InterruptEdge) { self.edge = edge }

  func usedBuffers(queue: Int) { interrupt(VirtioInterruptStatus.usedBuffers) }
  func configurationChanged() { interrupt(VirtioInterruptStatus.configuration) }

  /// None: the register comes before the edge.
  func eventDescriptor(queue: Int) -> Int32? { nil }

  private func interrupt(_ cause: UInt32) {
    status.insert(cause)
    edge.pulse()
  }
}
