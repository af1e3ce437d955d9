import DeviceModel
import Synchronization

/// How a transport tells its driver; from any thread.
protocol VirtioInterrupts: AnyObject, Sendable {
  /// Used buffers are waiting in `queue`.
  func usedBuffers(queue: Int)
  /// The configuration, or the need of a reset, has changed.
  func configurationChanged()
  /// An eventfd that does what `usedBuffers` does, as things are; nil where there is none.
  func eventDescriptor(queue: Int) -> Int32?
}

/// The part of a virtio device that vCPU and I/O threads share: its status and its interrupts.
public final class VirtioState: Sendable {
  private let statusBits = Atomic<UInt32>(0)
  private let interrupts: any VirtioInterrupts

  init(interrupts: any VirtioInterrupts) { self.interrupts = interrupts }

  /// The device status register.
  public var status: VirtioStatus { VirtioStatus(rawValue: statusBits.load(ordering: .acquiring)) }

  /// Used buffers of `queue` are waiting for the driver.
  public func notifyUsedBuffers(queue: Int) { interrupts.usedBuffers(queue: queue) }

  /// An eventfd that interrupts for used buffers of `queue` when it is signalled, for a kernel that serves the queue. Nil where
  /// an interrupt takes more than that; ask again when `VirtioDevice.interruptsChanged` is called.
  public func eventDescriptor(queue: Int) -> Int32? { interrupts.eventDescriptor(queue: queue) }

  /// The device cannot go on (2.1.2): sets DEVICE_NEEDS_RESET, and tells a driver that is at work.
  public func requireReset() {
    insert(.needsReset)
    if status.contains(.driverOK) { interrupts.configurationChanged() }
  }

  /// Something in the configuration has changed by itself: tells a driver that is at work.
  public func notifyConfigurationChange() {
    if status.contains(.driverOK) { interrupts.configurationChanged() }
  }

  func insert(_ bits: VirtioStatus) { statusBits.bitwiseOr(bits.rawValue, ordering: .acquiringAndReleasing) }

  func clear() { statusBits.store(0, ordering: .releasing) }
}

/// The interrupt status register, shared by the transports: bit 0 for used buffers, bit 1 for a change of the configuration.
final class VirtioInterruptStatus: Sendable {
  static let usedBuffers: UInt32 = 1
  static let configuration: UInt32 = 2

  private let bits = Atomic<UInt32>(0)

  var value: UInt32 { bits.load(ordering: .acquiring) }

  func insert(_ added: UInt32) { bits.bitwiseOr(added, ordering: .acquiringAndReleasing) }

  func remove(_ removed: UInt32) { bits.bitwiseAnd(~removed, ordering: .acquiringAndReleasing) }

  /// Reads and clears.
  func take() -> UInt32 { bits.exchange(0, ordering: .acquiringAndReleasing) }
}
