import DeviceModel

/// The CMOS clock of PCs: an MC146818 with 128 bytes behind an index and a data port (Motorola data sheet MC146818).
///
/// Time passes without anybody's help: what has happened since the last access is worked out at the next one. The flags of
/// register C are therefore true whenever they are read, but the chip drives no interrupt: IRQ 8 stays low, whatever B
/// enables. The divider always runs at 32.768 kHz; what A says of it, and the square wave's and daylight saving's bits, only
/// read back. A time that does not exist is put right when the clock is let go.
public final class RealTimeClock: Device {
  /// Ports that it takes.
  public static let portCount: UInt64 = 2

  private static let second: UInt64 = 1_000_000_000
  /// UIP rises this long before the second (244 µs of warning and an update cycle of 1,984 µs).
  private static let updateNanoseconds: UInt64 = 2_228_000
  private static let validRAM: UInt8 = 0x80

  private let clock: @Sendable () -> UInt64
  private var index = 0
  private var bytes = InlineArray<128, UInt8>(repeating: 0)
  /// Seconds that the guest's time is ahead of the clock's.
  private var offset: Int64 = 0
  /// Days that the guest's weekday is ahead of the calendar's: a counter of its own.
  private var weekdayOffset = 0
  private var flags: RTCFlags = []
  /// When the flags were last brought up to date.
  private var flagged: UInt64

  /// A clock that shows the time of `clock`, in BCD and 24 hours: nanoseconds since the start of 1970, which never go back.
  public init(clock: @escaping @Sendable () -> UInt64) {
    self.clock = clock
    flagged = clock()
    bytes[RTCRegister.a] = 0x26
    bytes[RTCRegister.b] = RTCControl.hours24.rawValue
  }

  /// Reads byte registers; a wider access is split into bytes. The index port and offsets above 1 read as 0xFF.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    ByteLanes.read(at: offset, width: width) { $0 == 1 ? readRegister() : 0xFF }
  }

  /// Writes byte registers; a wider access is split into bytes, and offsets above 1 are ignored.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    ByteLanes.write(value, at: offset, width: width) { byte, offset in
      switch offset {
      case 0: index = Int(byte & 0x7F)  // the highest bit masks NMI, which nobody raises
      case 1: writeRegister(byte)
      default: break
      }
    }
  }

  private var control: RTCControl { RTCControl(rawValue: bytes[RTCRegister.b]) }
  private var isHeld: Bool { control.contains(.setting) }

  private func readRegister() -> UInt8 {
    switch index {
    case RTCRegister.a: bytes[RTCRegister.a] | (isUpdating ? 0x80 : 0)
    case RTCRegister.c: takeFlags()
    case RTCRegister.d: Self.validRAM
    case _ where RTCRegister.isTime(index):
      isHeld ? bytes[index] : time(at: clock(), register: index)
    default: bytes[index]
    }
  }

  private func writeRegister(_ value: UInt8) {
    switch index {
    case RTCRegister.a: change(RTCRegister.a, to: value & 0x7F)
    case RTCRegister.b: writeControl(RTCControl(rawValue: value))
    case RTCRegister.c, RTCRegister.d: break
    case _ where RTCRegister.isTime(index) && !isHeld:
      hold()
      bytes[index] = value
      letGo()
    default: change(index, to: value)
    }
  }

  /// Changes a register on which flags depend, from now on and not before.
  private func change(_ index: Int, to value: UInt8) {
    updateFlags()
    bytes[index] = value
  }

  // MARK: Time

  private func seconds(at nanoseconds: UInt64) -> Int64 { Int64(nanoseconds / Self.second) &+ offset }

  private var isUpdating: Bool { !isHeld && clock() % Self.second >= Self.second - Self.updateNanoseconds }

  private func time(at nanoseconds: UInt64, register: Int) -> UInt8 {
    let time = CalendarTime(seconds: seconds(at: nanoseconds))
    let format = RTCFormat(control)
    return switch register {
    case RTCRegister.second: format.encode(time.second)
    case RTCRegister.minute: format.encode(time.minute)
    case RTCRegister.hour: format.encode(hour: time.hour)
    case RTCRegister.weekday: format.encode((time.weekday - 1 + weekdayOffset) % 7 + 1)
    case RTCRegister.day: format.encode(time.day)
    case RTCRegister.month: format.encode(time.month)
    case RTCRegister.year: format.encode(time.year % 100)
    default: format.encode(time.year / 100)
    }
  }

  private func writeControl(_ control: RTCControl) {
    updateFlags()
    let wasHeld = isHeld
    if !wasHeld, control.contains(.setting) { hold() }
    // Holding the clock takes the update interrupt's enabling back.
    bytes[RTCRegister.b] =
      control.contains(.setting) ? control.subtracting(.updateInterrupt).rawValue : control.rawValue
    if wasHeld, !control.contains(.setting) { letGo() }
  }

  /// Copies the running time to the bytes, where the guest may change it.
  private func hold() {
    let now = clock()
    for index in bytes.indices where RTCRegister.isTime(index) { bytes[index] = time(at: now, register: index) }
  }

  /// Lets the clock go on from what the bytes say, in step with the second as before.
  private func letGo() {
    updateFlags()
    let format = RTCFormat(control)
    let time = CalendarTime(
      year: min(max(format.decode(bytes[RTCRegister.century]), 0), 99) * 100
        + min(format.decode(bytes[RTCRegister.year]), 99),
      month: format.decode(bytes[RTCRegister.month]), day: format.decode(bytes[RTCRegister.day]),
      hour: format.decode(hour: bytes[RTCRegister.hour]), minute: format.decode(bytes[RTCRegister.minute]),
      second: format.decode(bytes[RTCRegister.second]))
    offset = time.seconds - Int64(clock() / Self.second)
    let weekday = min(max(format.decode(bytes[RTCRegister.weekday]), 1), 7)
    weekdayOffset = (weekday - time.weekday + 7) % 7
  }

  // MARK: Flags

  /// Register C: reading it clears it.
  private func takeFlags() -> UInt8 {
    updateFlags()
    defer { flags = [] }
    let enabled = RTCFlags(rawValue: control.rawValue).intersection(.sources)
    return flags.isDisjoint(with: enabled) ? flags.rawValue : flags.union(.request).rawValue
  }

  /// Raises what has happened since the last time.
  private func updateFlags() {
    let now = clock()
    defer { flagged = now }
    if periods(at: now) != periods(at: flagged) { flags.insert(.periodic) }
    let (before, after) = (seconds(at: flagged), seconds(at: now))
    guard !isHeld, after > before else { return }
    flags.insert(.update)
    if hasAlarm(after: before, through: after) { flags.insert(.alarm) }
  }

  /// How many periods of the selected rate have passed since the clock's origin (data sheet, table 5, for a time base of
  /// 32.768 kHz); nil where they are off.
  private func periods(at nanoseconds: UInt64) -> UInt64? {
    let rate = UInt64(bytes[RTCRegister.a] & 15)
    guard rate > 0 else { return nil }
    let ticks = nanoseconds / Self.second * 32_768 + nanoseconds % Self.second * 32_768 / Self.second
    // The two fastest rates of the faster time bases are those of 8 and 9 here.
    return ticks >> ((rate < 3 ? rate + 7 : rate) - 1)
  }

  /// True where a second after `first` and up to `last` is one of the alarm's. It skips hours and minutes that are not, and
  /// looks no further than a day.
  private func hasAlarm(after first: Int64, through last: Int64) -> Bool {
    let format = RTCFormat(control)
    let hour = bytes[RTCRegister.hourAlarm]
    let minute = bytes[RTCRegister.minuteAlarm]
    let second = bytes[RTCRegister.secondAlarm]
    func matches(_ alarm: UInt8, _ shown: UInt8) -> Bool { alarm >= 0xC0 || alarm == shown }
    var candidate = first + 1
    let end = min(last, first + CalendarTime.secondsPerDay)
    while candidate <= end {
      let time = CalendarTime(seconds: candidate)
      if !matches(hour, format.encode(hour: time.hour)) {
        candidate += Int64(3600 - time.minute * 60 - time.second)
      } else if !matches(minute, format.encode(time.minute)) {
        candidate += Int64(60 - time.second)
      } else if !matches(second, format.encode(time.second)) {
        candidate += 1
      } else {
        return true
      }
    }
    return false
  }
}
