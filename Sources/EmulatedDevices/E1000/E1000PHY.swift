/// The M88E1011 copper transceiver inside the 82540EM, reached through MDIC (317453, 13.4.12 and chapter 14): negotiation has
/// always just ended with 1000 Mb/s full duplex, and the link is up.
struct E1000PHY {
  private enum Register {
    static let control = 0
    static let status = 1
    static let advertisement = 4
    static let gigabitControl = 9
    static let specificControl = 16
    static let interruptEnable = 18
    static let extendedControl = 20
    static let pageSelect = 29
    static let pageData = 30
  }
  private enum Control {
    static let reset: UInt16 = 1 << 15
    static let restartNegotiation: UInt16 = 1 << 9
  }
  /// MDIC fields.
  private enum Access {
    static let write: UInt32 = 1
    static let read: UInt32 = 2
    static let ready: UInt32 = 1 << 28
    static let interrupt: UInt32 = 1 << 29
    static let error: UInt32 = 1 << 30
  }

  /// What an access through MDIC led to.
  struct Outcome: Equatable {
    /// MDIC as it then reads.
    var value: UInt32
    /// The driver wants an interrupt at the end.
    var wantsInterrupt = false
    /// The link was negotiated anew.
    var changedLink = false
  }

  private var registers = E1000PHY.resetValues

  private static let resetValues: [UInt16] = {
    var values = [UInt16](repeating: 0, count: 32)
    values[Register.control] = 0x1140
    values[Register.status] = 0x796D  // negotiation complete, link up
    values[2] = 0x0141  // identifiers of Marvell and of the model
    values[3] = 0x0C20
    values[Register.advertisement] = 0x0DE1
    values[5] = 0xCDE1  // the partner can do what we can, and has acknowledged
    values[6] = 0x000F
    values[Register.gigabitControl] = 0x0E00
    values[10] = 0x7C00  // the partner can do 1000BASE-T, both receivers are fine
    values[15] = 0x3000
    values[Register.specificControl] = 0x0360
    values[17] = 0xAC00  // 1000 Mb/s, full duplex, resolved, link up
    values[Register.extendedControl] = 0x0D60
    return values
  }()

  /// Everything as after power-on.
  mutating func reset() { registers = Self.resetValues }

  /// Carries out what was written to MDIC.
  mutating func access(_ value: UInt32) -> Outcome {
    let register = Int(value >> 16 & 0x1F)
    let operation = value >> 26 & 3
    let wantsInterrupt = value & Access.interrupt != 0
    let kept = value & 0x2FFF_FFFF
    guard value >> 21 & 0x1F == 1, operation == Access.read || operation == Access.write else {
      return Outcome(value: kept | Access.ready | Access.error, wantsInterrupt: wantsInterrupt)
    }
    guard operation == Access.write else {
      let data = UInt32(registers[register])
      return Outcome(value: kept & ~0xFFFF | data | Access.ready, wantsInterrupt: wantsInterrupt)
    }
    let changed = write(UInt16(truncatingIfNeeded: value), to: register)
    return Outcome(value: kept | Access.ready, wantsInterrupt: wantsInterrupt, changedLink: changed)
  }

  /// True where the link was negotiated anew.
  private mutating func write(_ value: UInt16, to register: Int) -> Bool {
    switch register {
    case Register.control:
      if value & Control.reset != 0 {
        reset()
      } else {
        registers[register] = value & ~Control.restartNegotiation & 0x7FC0
      }
      return value & (Control.reset | Control.restartNegotiation) != 0
    case Register.advertisement, Register.gigabitControl, Register.specificControl, Register.interruptEnable,
      Register.extendedControl, Register.pageSelect, Register.pageData:
      registers[register] = value
    default: break
    }
    return false
  }
}
