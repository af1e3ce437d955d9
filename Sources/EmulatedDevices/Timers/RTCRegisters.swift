// The registers of the MC146818 (Motorola data sheet MC146818, "Registers"): time and date, A to D, then plain RAM.

/// Addresses in the chip.
enum RTCRegister {
  static let second = 0
  static let secondAlarm = 1
  static let minute = 2
  static let minuteAlarm = 3
  static let hour = 4
  static let hourAlarm = 5
  static let weekday = 6
  static let day = 7
  static let month = 8
  static let year = 9
  static let a = 10
  static let b = 11
  static let c = 12
  static let d = 13
  /// Where PCs keep the century, and the FADT's CENTURY field points.
  static let century = 0x32

  /// True for what the clock counts; the alarm is only compared.
  static func isTime(_ index: Int) -> Bool {
    switch index {
    case second, minute, hour, weekday, day, month, year, century: true
    default: false
    }
  }
}

/// Register B.
struct RTCControl: OptionSet {
  let rawValue: UInt8
  static let setting = Self(rawValue: 0x80)
  static let updateInterrupt = Self(rawValue: 0x10)
  static let binary = Self(rawValue: 0x04)
  static let hours24 = Self(rawValue: 0x02)
}

/// Register C. The enabling bits in B have the same places.
struct RTCFlags: OptionSet {
  let rawValue: UInt8
  static let request = Self(rawValue: 0x80)
  static let periodic = Self(rawValue: 0x40)
  static let alarm = Self(rawValue: 0x20)
  static let update = Self(rawValue: 0x10)
  static let sources: Self = [.periodic, .alarm, .update]
}

/// How the chip writes numbers, chosen in register B.
struct RTCFormat {
  let isBinary: Bool
  let has24Hours: Bool

  init(_ control: RTCControl) {
    isBinary = control.contains(.binary)
    has24Hours = control.contains(.hours24)
  }

  func encode(_ number: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: isBinary ? number : (number / 10) << 4 | number % 10)
  }

  func decode(_ byte: UInt8) -> Int { isBinary ? Int(byte) : Int(byte >> 4) * 10 + Int(byte & 15) }

  /// Twelve-hour clocks have 12, 1, … 11 and the highest bit for the afternoon.
  func encode(hour: Int) -> UInt8 {
    guard !has24Hours else { return encode(hour) }
    return encode((hour + 11) % 12 + 1) | (hour >= 12 ? 0x80 : 0)
  }

  func decode(hour byte: UInt8) -> Int {
    guard !has24Hours else { return decode(byte) }
    return decode(byte & 0x7F) % 12 + (byte & 0x80 != 0 ? 12 : 0)
  }
}
