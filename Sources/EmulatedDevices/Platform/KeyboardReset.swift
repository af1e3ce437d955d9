import DeviceModel

/// As much of a keyboard controller (Intel 8042) as resets a PC: its command and status port, 0x64. No keyboard is there.
public final class KeyboardReset: Device {
  /// Commands 0xF0 to 0xFE pulse output lines; line 0, low in all even ones, is the processors' reset.
  private static let pulses: ClosedRange<UInt8> = 0xF0...0xFE
  private let system: any SystemControl

  /// A controller that resets the machine behind `system`.
  public init(system: any SystemControl) { self.system = system }

  /// Nothing to read, and ready for a command: drivers that wait for that do not wait long.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 { 0 }

  /// Takes a command; all but a pulse of the reset line have no effect.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    let command = UInt8(truncatingIfNeeded: value)
    if Self.pulses.contains(command), command & 1 == 0 { system.request(.reset) }
  }
}
