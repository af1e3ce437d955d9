import DeviceModel

/// QEMU's `isa-debug-exit`: a test program writes its status and is done. QEMU itself would end with the exit code
/// `status << 1 | 1` (hw/misc/debugexit.c); kvm-unit-tests take a status of 0 for success.
public final class DebugExit: Device {
  /// Ports that it takes.
  public static let portCount: UInt64 = 4
  private let system: any SystemControl

  /// A register whose writes end the machine behind `system`.
  public init(system: any SystemControl) { self.system = system }

  /// Reads as zero, as QEMU's does.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 { 0 }

  /// The status is what was written, whatever its width and place.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    system.request(.exit(status: UInt32(truncatingIfNeeded: value)))
  }
}
