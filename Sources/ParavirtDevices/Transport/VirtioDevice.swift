import DeviceModel
import GuestMemory

/// What a device is given when its driver is ready.
public struct VirtioActivation: Sendable {
  /// The guest's RAM.
  public let memory: GuestMemory
  /// The features that both agreed on.
  public let features: VirtioFeatures
  /// Every queue's place; nil for queues that the driver does not use.
  public let queues: [VirtqueueLayout?]
  /// Status and interrupt, to be used from any thread.
  public let state: VirtioState
}

/// A kind of virtio device, without its transport. Calls come from vCPU threads, one at a time.
public protocol VirtioDevice: AnyObject {
  /// The kind: 2 is a block device (virtio 1.2, chapter 5).
  var deviceID: UInt32 { get }
  /// What is offered to the driver.
  var features: VirtioFeatures { get }
  /// The longest size of every queue, a power of two each.
  var queueSizes: [UInt16] { get }
  /// The configuration space as the driver sees it at this moment.
  var configuration: VirtioConfiguration { get }
  /// Differs from what it was where anything in the configuration may have changed by itself (2.5.1): 0 for devices in which
  /// nothing does.
  var configurationGeneration: UInt32 { get }
  /// Every queue's doorbell, for KVM_IOEVENTFD; queues may share one.
  var doorbells: [EventFD] { get }
  /// The threads that it needs.
  var threads: [any DeviceWorker] { get }

  /// The driver is ready: from now on the queues may be used.
  func activate(_ activation: VirtioActivation)
  /// Something may be waiting in the queue. May come at any time, active or not.
  func notify(queue: Int)
  /// Stops using the queue: returns when nothing of the device touches it any more.
  func stop(queue: Int)
  /// The driver has written the low `width` bytes of `value` at `offset` of the configuration space, at any time.
  func writeConfiguration(_ value: UInt64, at offset: Int, width: AccessWidth)
}

extension VirtioDevice {
  /// A configuration that never changes by itself.
  public var configurationGeneration: UInt32 { 0 }
  /// A configuration that the driver can only read.
  public func writeConfiguration(_ value: UInt64, at offset: Int, width: AccessWidth) {}
}

/// What a configuration space holds: bytes, little-endian.
public struct VirtioConfiguration: Equatable, Sendable {
  private let bytes: [UInt8]

  /// Wraps the bytes from offset 0.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Length in bytes.
  public var byteCount: Int { bytes.count }

  /// The value at `offset`; bytes beyond the end are zero.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<width.rawValue where bytes.indices.contains(offset + index) {
      value |= UInt64(bytes[offset + index]) << UInt64(8 * index)
    }
    return value
  }
}
