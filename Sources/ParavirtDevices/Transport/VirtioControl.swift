import DeviceModel
import GuestMemory

/// What every transport's registers do: features, status and queues. It keeps the driver to the order of virtio 1.2, 3.1.1:
/// what comes at the wrong time is ignored. A reset returns when no thread of the device touches guest memory any more.
struct VirtioControl {
  let device: any VirtioDevice
  let state: VirtioState
  var deviceFeaturesSelect: UInt32 = 0
  var driverFeaturesSelect: UInt32 = 0
  var queueSelect = 0
  private let memory: GuestMemory
  private let hasInitialSizes: Bool
  private var agreedFeatures: UInt64 = 0
  private var queues: [Queue]

  /// What the driver wrote about one queue.
  struct Queue {
    var size: UInt32 = 0
    var descriptors: UInt64 = 0
    var driver: UInt64 = 0
    var device: UInt64 = 0
    /// Set while the queue is ready.
    var layout: VirtqueueLayout?
  }

  /// Controls `device`, whose buffers are in `memory`. Queues have their longest size to begin with where `hasInitialSizes`.
  init(device: any VirtioDevice, memory: GuestMemory, state: VirtioState, hasInitialSizes: Bool) {
    self.device = device
    self.memory = memory
    self.state = state
    self.hasInitialSizes = hasInitialSizes
    queues = []
    forgetQueues()
  }

  private mutating func forgetQueues() {
    queues = device.queueSizes.map { Queue(size: hasInitialSizes ? UInt32($0) : 0) }
  }
}

// MARK: - Features and status

extension VirtioControl {
  /// The selected half of what the device offers.
  var deviceFeatures: UInt32 { Self.half(device.features.rawValue, select: deviceFeaturesSelect) }

  /// The selected half of what the driver wants.
  var driverFeatures: UInt32 { Self.half(agreedFeatures, select: driverFeaturesSelect) }

  mutating func writeDriverFeatures(_ value: UInt32) {
    guard state.status.contains(.driver), !state.status.contains(.featuresOK) else { return }
    switch driverFeaturesSelect {
    case 0: agreedFeatures.setLow(value)
    case 1: agreedFeatures.setHigh(value)
    default: break
    }
  }

  /// Zero resets; everything else adds bits.
  mutating func writeStatus(_ value: UInt32) { value == 0 ? reset() : advance(to: VirtioStatus(rawValue: value)) }

  /// A modern driver that asks for nothing that was not offered.
  private var areFeaturesAcceptable: Bool {
    let wanted = VirtioFeatures(rawValue: agreedFeatures)
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
        memory: memory, features: VirtioFeatures(rawValue: agreedFeatures), queues: queues.map(\.layout), state: state))
  }

  private mutating func reset() {
    for index in queues.indices { device.stop(queue: index) }
    state.clear()
    deviceFeaturesSelect = 0
    driverFeaturesSelect = 0
    agreedFeatures = 0
    queueSelect = 0
    forgetQueues()
  }

  private static func half(_ value: UInt64, select: UInt32) -> UInt32 {
    switch select {
    case 0: UInt32(truncatingIfNeeded: value)
    case 1: UInt32(truncatingIfNeeded: value >> 32)
    default: 0
    }
  }
}

// MARK: - Queues

extension VirtioControl {
  /// How many queues the device has.
  var queueCount: Int { queues.count }

  /// What the driver wrote about the selected queue; nil where there is none.
  var selectedQueue: Queue? { queues.indices.contains(queueSelect) ? queues[queueSelect] : nil }

  /// The longest size of the selected queue, 0 where there is none.
  var maximumQueueSize: UInt32 { queues.indices.contains(queueSelect) ? UInt32(device.queueSizes[queueSelect]) : 0 }

  /// Changes the selected queue, between FEATURES_OK and DRIVER_OK and as long as it is not ready.
  mutating func configureQueue(_ change: (inout Queue) -> Void) {
    let status = state.status
    guard status.contains(.featuresOK), status.isDisjoint(with: [.driverOK, .failed]),
      queues.indices.contains(queueSelect), queues[queueSelect].layout == nil
    else { return }
    change(&queues[queueSelect])
  }

  /// Makes the selected queue ready. Where it cannot be, it stays as it was and the device asks for a reset.
  mutating func readyQueue() {
    let maximumSize = UInt16(truncatingIfNeeded: maximumQueueSize)
    let (memory, state) = (memory, state)
    configureQueue { queue in
      do throws(VirtqueueError) {
        queue.layout = try VirtqueueLayout(
          size: queue.size, maximumSize: maximumSize, descriptors: GuestAddress(queue.descriptors),
          driver: GuestAddress(queue.driver), device: GuestAddress(queue.device), memory: memory)
      } catch {
        state.requireReset()
      }
    }
  }

  /// Takes the selected queue out of use.
  mutating func stopQueue() {
    guard queues.indices.contains(queueSelect) else { return }
    device.stop(queue: queueSelect)
    queues[queueSelect].layout = nil
  }

  /// The driver has rung the doorbell of `queue`.
  func notify(queue: Int) { if queues.indices.contains(queue) { device.notify(queue: queue) } }
}

extension UInt64 {
  mutating func setLow(_ low: UInt32) { self = (self & ~0xFFFF_FFFF) | UInt64(low) }

  mutating func setHigh(_ high: UInt32) { self = UInt64(high) << 32 | UInt64(UInt32(truncatingIfNeeded: self)) }
}
