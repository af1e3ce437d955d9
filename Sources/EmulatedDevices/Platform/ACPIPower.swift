import DeviceModel

/// The PM1 event and control blocks (ACPI 6.5, 4.8.3.1 and 4.8.3.2): what a guest switches its machine off with. The machine is
/// in ACPI mode from the start, no event ever happens, and so the SCI is never raised.
public final class ACPIPower: Device {
  /// Ports that it takes: status and enable registers, two bytes each, then the control register.
  public static let portCount: UInt64 = 6
  /// What SLP_TYP holds for the state S5: `\_S5` says so to the guest.
  public static let sleepTypeS5: UInt16 = 5

  private enum Register {
    static let enable = 2
    static let control = 4
  }
  private enum Control {
    /// SCI_EN: legacy mode does not exist.
    static let sci: UInt16 = 1 << 0
    static let sleepTypeShift: UInt16 = 10
    static let sleepType: UInt16 = 0b111
    static let sleepEnable: UInt16 = 1 << 13
  }

  private let system: any SystemControl
  private var enable: UInt16 = 0
  private var control = Control.sci

  /// Registers whose owner is the machine behind `system`.
  public init(system: any SystemControl) { self.system = system }

  /// Reads as the guest does; status registers are always clear.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    ByteLanes.read(at: offset, width: width) { place in
      switch place {
      case Register.enable, Register.enable + 1: Self.byte(place - Register.enable, of: enable)
      case Register.control, Register.control + 1: Self.byte(place - Register.control, of: control)
      default: 0
      }
    }
  }

  /// Status bits are cleared by ones: none is ever set.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    ByteLanes.write(value, at: offset, width: width) { byte, place in
      switch place {
      case Register.enable, Register.enable + 1: Self.put(byte, place - Register.enable, into: &enable)
      case Register.control, Register.control + 1: Self.put(byte, place - Register.control, into: &control)
      default: break
      }
    }
    control |= Control.sci
    guard control & Control.sleepEnable != 0 else { return }
    // SLP_EN reads as zero; a sleep that the machine does not know is no sleep.
    control &= ~Control.sleepEnable
    if control >> Control.sleepTypeShift & Control.sleepType == Self.sleepTypeS5 { system.request(.powerOff) }
  }

  private static func byte(_ index: Int, of register: UInt16) -> UInt8 {
    UInt8(truncatingIfNeeded: register >> UInt16(8 * index))
  }

  private static func put(_ byte: UInt8, _ index: Int, into register: inout UInt16) {
    let shift = UInt16(8 * index)
    register = register & ~(0xFF << shift) | UInt16(byte) << shift
  }
}
