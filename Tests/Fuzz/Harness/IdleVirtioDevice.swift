import DeviceModel
import ParavirtDevices

/// A virtio device that only remembers how it was activated: for what transports do on their own.
final class IdleVirtioDevice: VirtioDevice {
  let deviceID: UInt32 = 2
  let features = VirtioFeatures(rawValue: 0x0000_0001_3000_00FF)
  let queueSizes: [UInt16] = [16, 64, 4]
  let configuration = VirtioConfiguration((0..<21).map { UInt8($0) })
  let doorbells: [EventFD] = []
  let threads: [any DeviceWorker] = []
  private(set) var activation: VirtioActivation?

  func activate(_ activation: VirtioActivation) { self.activation = activation }
  func notify(queue: Int) { mustHold(queueSizes.indices.contains(queue), "a doorbell of no queue") }
  func stop(queue: Int) { mustHold(queueSizes.indices.contains(queue), "a stop of no queue") }

  /// What the device's threads would do at any time.
  func act(_ input: FuzzInput) {
    guard let activation else { return }
    mustHold(activation.features.isSubset(of: features), "features that were not offered")
    switch input.below(3) {
    case 0: activation.state.notifyUsedBuffers(queue: input.below(queueSizes.count))
    case 1: activation.state.requireReset()
    default: take(from: activation, queue: input.below(queueSizes.count))
    }
  }

  private func take(from activation: VirtioActivation, queue index: Int) {
    guard let layout = activation.queues[index] else { return }
    mustHold(layout.size <= queueSizes[index], "a queue is longer than was offered")
    let queue = Virtqueue(layout, memory: activation.memory, features: activation.features)
    var chain = DescriptorChain(capacity: Int(layout.size))
    _ = try? queue.pop(into: &chain)
  }
}
