import DeviceModel
import Synchronization

/// The part of a virtio device that vCPU and I/O threads share: its status, its interrupt status and its interrupt.
public final class VirtioState: Sendable {
  private let statusBits = Atomic<UInt32>(0)
  private let interruptBits = Atomic<UInt32>(0)
  private let edge: any InterruptEdge

  /// A device that interrupts through `edge`.
  public init(edge: any InterruptEdge) { self.edge = edge }

  /// The device status register.
  public var status: VirtioStatus { VirtioStatus(rawValue: statusBits.load(ordering: .acquiring)) }

  /// The interrupt status register: bit 0 for used buffers, bit 1 for a change of the configuration (4.2.2).
  public var interruptStatus: UInt32 { interruptBits.load(ordering: .acquiring) }

  /// Used buffers are waiting for the driver.
  public func notifyUsedBuffers() { interrupt(1) }

  /// The device cannot go on (2.1.2): sets DEVICE_NEEDS_RESET, and tells a driver that is at work.
  public func requireReset() {
    insert(.needsReset)
    if status.contains(.driverOK) { interrupt(2) }
  }

  func insert(_ bits: VirtioStatus) { statusBits.bitwiseOr(bits.rawValue, ordering: .acquiringAndReleasing) }

  func acknowledgeInterrupts(_ bits: UInt32) { interruptBits.bitwiseAnd(~bits, ordering: .acquiringAndReleasing) }

  func clear() {
    statusBits.store(0, ordering: .releasing)
    interruptBits.store(0, ordering: .releasing)
  }

  private func interrupt(_ bit: UInt32) {
    interruptBits.bitwiseOr(bit, ordering: .acquiringAndReleasing)
    edge.pulse()
  }
}
