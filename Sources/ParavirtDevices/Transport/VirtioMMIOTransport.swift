import DeviceModel
import GuestMemory

/// A virtio device behind MMIO registers, version 2 (virtio 1.2, 4.2). It keeps the driver to the order of 3.1.1: what comes
/// at the wrong time is ignored. A reset returns when no thread of the device touches guest memory any more.
public final class VirtioMMIOTransport: Device {
  /// Status and interrupt.
  public let state: VirtioState
  private let device: any VirtioDevice
  private let memory: GuestMemory
  private var deviceFeaturesSelect: UInt32 = 0
  private var driverFeaturesSelect: UInt32 = 0
  private var driverFeatures: UInt64 = 0
  private var queueSelect = 0
  private var queues: [QueueRegisters]

  /// What the driver wrote about one queue.
  private struct QueueRegisters {
    var size: UInt32 = 0
    var descriptors: UInt64 = 0
    var driver: UInt64 = 0
    var device: UInt64 = 0
    /// Set while the queue is ready.
    var layout: VirtqueueLayout?
  }

  /// Puts `device` behind registers; its buffers are in `memory`, and it interrupts through `interrupt`.
  public init(device: any VirtioDevice, memory: GuestMemory, interrupt: any InterruptEdge) {
    self.device = device
    self.memory = memory
    state = VirtioState(edge: interrupt)
    queues = device.queueSizes.map { _ in QueueRegisters() }
  }

  /// Registers are read whole, the configuration space in any width. Everything else is zero.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    if offset >= VirtioMMIORegister.configurationSpace {
      return device.configuration.read(at: offset - VirtioMMIORegister.configurationSpace, width: width)
    }
    guard width == .long, let register = VirtioMMIORegister(rawValue: offset) else { return 0 }
    return UInt64(read(register))
  }

  /// Registers are written whole. Everything else, the configuration space included, is ignored.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    guard width == .long, let register = VirtioMMIORegister(rawValue: offset) else { return }
    write(UInt32(truncatingIfNeeded: value), to: register)
  }

  private func read(_ register: VirtioMMIORegister) -> UInt32 {
    switch register {
    case .magicValue: 0x7472_6976  // "virt"
    case .version: 2
    case .deviceID: device.deviceID
    case .vendorID: 0x4856_5650  // "PVVH"
    case .deviceFeatures: Self.half(device.features.rawValue, select: deviceFeaturesSelect)
    case .queueSizeMaximum: queues.indices.contains(queueSelect) ? UInt32(device.queueSizes[queueSelect]) : 0
    case .queueReady: queues.indices.contains(queueSelect) && queues[queueSelect].layout != nil ? 1 : 0
    case .interruptStatus: state.interruptStatus
    case .status: state.status.rawValue
    // A region that does not exist has the length -1 (4.2.2).
    case .sharedMemoryLengthLow, .sharedMemoryLengthHigh, .sharedMemoryBaseLow, .sharedMemoryBaseHigh: .max
    default: 0
    }
  }

  private func write(_ value: UInt32, to register: VirtioMMIORegister) {
    switch register {
    case .deviceFeaturesSelect: deviceFeaturesSelect = value
    case .driverFeaturesSelect: driverFeaturesSelect = value
    case .driverFeatures: writeDriverFeatures(value)
    case .queueSelect: queueSelect = Int(value)
    case .queueSize: configureQueue { $0.size = value }
    case .queueDescriptorsLow: configureQueue { Self.setLow(value, of: &$0.descriptors) }
    case .queueDescriptorsHigh: configureQueue { Self.setHigh(value, of: &$0.descriptors) }
    case .queueDriverLow: configureQueue { Self.setLow(value, of: &$0.driver) }
    case .queueDriverHigh: configureQueue { Self.setHigh(value, of: &$0.driver) }
    case .queueDeviceLow: configureQueue { Self.setLow(value, of: &$0.device) }
    case .queueDeviceHigh: configureQueue { Self.setHigh(value, of: &$0.device) }
    case .queueReady: value == 0 ? stopQueue() : readyQueue()
    case .queueNotify: if queues.indices.contains(Int(value)) { device.notify(queue: Int(value)) }
    case .interruptAcknowledge: state.acknowledgeInterrupts(value)
    case .status: value == 0 ? reset() : advance(to: VirtioStatus(rawValue: value))
    default: break
    }
  }
}

// MARK: - Features and status

extension VirtioMMIOTransport {
  private func writeDriverFeatures(_ value: UInt32) {
    guard state.status.contains(.driver), !state.status.contains(.featuresOK) else { return }
    switch driverFeaturesSelect {
    case 0: Self.setLow(value, of: &driverFeatures)
    case 1: Self.setHigh(value, of: &driverFeatures)
    default: break
    }
  }

  /// A modern driver that asks for nothing that was not offered.
  private var areFeaturesAcceptable: Bool {
    let wanted = VirtioFeatures(rawValue: driverFeatures)
    return wanted.contains(.version1) && wanted.isSubset(of: device.features)
  }

  private static let steps: [VirtioStatus] = [.acknowledge, .driver, .featuresOK, .driverOK]

  /// Sets the bits that are due, in the order of 3.1.1, and stops at the first that is not: FEATURES_OK stays clear where the
  /// features are refused, and no bit is ever cleared but by a reset.
  private func advance(to wanted: VirtioStatus) {
    let current = state.status
    guard !current.contains(.failed), wanted.isSuperset(of: current.subtracting(.needsReset)) else { return }
    if wanted.contains(.failed) { return state.insert(.failed) }
    for step in Self.steps {
      guard wanted.contains(step) else { return }
      if current.contains(step) { continue }
      if step == .featuresOK && !areFeaturesAcceptable { return }
      if step == .driverOK && current.contains(.needsReset) { return }
      state.insert(step)
      if step == .driverOK { activate() }
    }
  }

  private func activate() {
    device.activate(
      VirtioActivation(
        memory: memory, features: VirtioFeatures(rawValue: driverFeatures), queues: queues.map(\.layout), state: state))
  }

  private func reset() {
    for index in queues.indices { device.stop(queue: index) }
    state.clear()
    deviceFeaturesSelect = 0
    driverFeaturesSelect = 0
    driverFeatures = 0
    queueSelect = 0
    for index in queues.indices { queues[index] = QueueRegisters() }
  }
}

// MARK: - Queues

extension VirtioMMIOTransport {
  /// Changes the selected queue, between FEATURES_OK and DRIVER_OK and as long as it is not ready.
  private func configureQueue(_ change: (inout QueueRegisters) -> Void) {
    let status = state.status
    guard status.contains(.featuresOK), status.isDisjoint(with: [.driverOK, .failed]),
      queues.indices.contains(queueSelect), queues[queueSelect].layout == nil
    else { return }
    change(&queues[queueSelect])
  }

  /// Makes the selected queue ready. Where it cannot be, QueueReady stays 0 and the device asks for a reset.
  private func readyQueue() {
    configureQueue { queue in
      do throws(VirtqueueError) {
        queue.layout = try VirtqueueLayout(
          size: queue.size, maximumSize: device.queueSizes[queueSelect],
          descriptors: GuestAddress(queue.descriptors), driver: GuestAddress(queue.driver),
          device: GuestAddress(queue.device), memory: memory)
      } catch {
        state.requireReset()
      }
    }
  }

  private func stopQueue() {
    guard queues.indices.contains(queueSelect) else { return }
    device.stop(queue: queueSelect)
    queues[queueSelect].layout = nil
  }

  private static func half(_ value: UInt64, select: UInt32) -> UInt32 {
    switch select {
    case 0: UInt32(truncatingIfNeeded: value)
    case 1: UInt32(truncatingIfNeeded: value >> 32)
    default: 0
    }
  }

  private static func setLow(_ low: UInt32, of value: inout UInt64) { value = (value & ~0xFFFF_FFFF) | UInt64(low) }

  private static func setHigh(_ high: UInt32, of value: inout UInt64) {
    value = UInt64(high) << 32 | UInt64(UInt32(truncatingIfNeeded: value))
  }
}
