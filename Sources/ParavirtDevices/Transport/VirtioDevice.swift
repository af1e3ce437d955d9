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
  /// `VirtioState.eventDescriptor` may give another answer from now on.
  func interruptsChanged()
  /// The driver has written the low `width` bytes of `value` at `offset` of the configuration space, at any time.
  func writeConfiguration(_ value: UInt64, at offset: Int, width: AccessWidth)
}

extension VirtioDevice {
  /// A configuration that never changes by itself.
  public var configurationGeneration: UInt32 { 0 }
  /// Interrupts that are asked for one by one.
  public func interruptsChanged() {}
  /// A configuration that the driver can only read.
  public func writeConfiguration(_ value: UInt64, at offset: Int, width: AccessWidth) {}
}

/// What a configuration space holds: bytes, little-endian. It is made without allocating, for devices that make a new one at
/// every look.
public struct VirtioConfiguration: Equatable, Sendable {
  private static let capacity = 64
  private var bytes = InlineArray<64, UInt8>(repeating: 0)

  /// Length in bytes.
  public private(set) var byteCount = 0

  /// Takes the bytes from offset 0, up to 64 of them.
  public init(_ bytes: [UInt8]) {
    precondition(bytes.count <= Self.capacity, "at most 64 bytes")
    for (offset, byte) in bytes.enumerated() { self.bytes[offset] = byte }
    byteCount = bytes.count
  }

  /// Two fields of 32 bits.
  init(_ first: UInt32, _ second: UInt32) {
    for offset in 0..<4 {
      bytes[offset] = UInt8(truncatingIfNeeded: first >> UInt32(8 * offset))
      bytes[4 + offset] = UInt8(truncatingIfNeeded: second >> UInt32(8 * offset))
    }
    byteCount = 8
  }

  /// The same bytes.
  public static func == (a: VirtioConfiguration, b: VirtioConfiguration) -> Bool {
    a.byteCount == b.byteCount && a.bytes.indices.allSatisfy { a.bytes[$0] == b.bytes[$0] }
  }

  /// The value at `offset`; bytes beyond the end are zero.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    var value: UInt64 = 0
    for index in 0..<width.rawValue where (0..<byteCount).contains(offset + index) {
      value |= UInt64(bytes[offset + index]) << UInt64(8 * index)
    }
    return value
  }
}
