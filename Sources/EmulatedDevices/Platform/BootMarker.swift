import DeviceModel

/// A port by which a guest says that it has come to the place that its user wants to time: Firecracker's boot timer as it was
/// on a port (0x3F0, magic value 123).
public final class BootMarker: Device {
  /// The value that means something.
  public static let magic: UInt8 = 123
  private let system: any SystemControl

  /// A marker of the machine behind `system`.
  public init(system: any SystemControl) { self.system = system }

  /// Nothing is there to be read.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 { .max >> UInt64(64 - 8 * width.rawValue) }

  /// Passes the magic value on, and ignores all others.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    if width == .byte, value == UInt64(Self.magic) { system.request(.marker) }
  }
}
