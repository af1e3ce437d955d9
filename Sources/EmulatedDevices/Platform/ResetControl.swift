import DeviceModel

/// The PIIX3's reset control register (82371SB, 2.5.4) at port 0xCF9, which lies among the ports of PCI's configuration
/// mechanism: a byte written there is its own, everything else goes on to the bridge.
public final class ResetControl: Device {
  /// Where the register is, from the first configuration port on.
  private static let register = 1
  /// RCPU: a change from 0 to 1 resets; SRST, bit 1, says only how thoroughly.
  private static let resetProcessor: UInt8 = 1 << 2
  private static let writable: UInt8 = 0b110

  private let system: any SystemControl
  private let bridge: any Device
  private var value: UInt8 = 0

  /// A register in front of the configuration ports of `bridge`.
  public init(system: any SystemControl, bridge: any Device) {
    self.system = system
    self.bridge = bridge
  }

  /// Reads the register, or whatever the bridge has there.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    guard offset == Self.register, width == .byte else { return bridge.read(at: offset, width: width) }
    return UInt64(value)
  }

  /// Writes the register, or whatever the bridge has there.
  public func write(_ new: UInt64, at offset: Int, width: AccessWidth) {
    guard offset == Self.register, width == .byte else { return bridge.write(new, at: offset, width: width) }
    let before = value
    value = UInt8(truncatingIfNeeded: new) & Self.writable
    if before & Self.resetProcessor == 0, value & Self.resetProcessor != 0 { system.request(.reset) }
  }
}
