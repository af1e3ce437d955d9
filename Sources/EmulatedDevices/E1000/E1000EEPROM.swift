/// The 64 words of a 93C46 serial EEPROM, reached through EERD or, bit by bit, through EECD (317453, chapter 5; the Microwire
/// protocol is in the chip's own data sheet). It cannot be written.
struct E1000EEPROM {
  private enum Pin {
    static let clock: UInt32 = 1 << 0
    static let select: UInt32 = 1 << 1
    static let dataIn: UInt32 = 1 << 2
    static let dataOut: UInt32 = 1 << 3
    static let request: UInt32 = 1 << 6
    static let grant: UInt32 = 1 << 7
    static let present: UInt32 = 1 << 8
  }
  private static let read: UInt32 = 0b110

  /// The words, whose sum is 0xBABA.
  let words: [UInt16]
  private var pins: UInt32 = 0
  /// Bits of the command that have been clocked in, start bit first.
  private var command: UInt32 = 0
  private var commandBits = 0
  /// The word being clocked out with its dummy bit above it, and the bits of it that are left.
  private var output: UInt32 = 0
  private var outputBits = 0
  private var address = 0
  private var isReading = false

  /// An EEPROM that holds the six bytes of a MAC address.
  init(macAddress: [UInt8]) {
    precondition(macAddress.count == 6, "six bytes")
    var words = [UInt16](repeating: 0, count: 64)
    for index in 0..<3 { words[index] = UInt16(macAddress[2 * index]) | UInt16(macAddress[2 * index + 1]) << 8 }
    words[0x0A] = 0x4408  // the signature 01 in the two highest bits makes the chip read the words below
    words[0x0B] = 0x100E
    words[0x0C] = 0x8086
    words[0x0D] = 0x100E
    words[0x0E] = 0x8086
    words[0x0F] = 0x3040
    words[0x3F] = 0xBABA &- words.reduce(0, &+)
    self.words = words
  }

  /// What EERD reads after `value` was written to it: with START set, the word and DONE (13.4.4).
  func answer(to value: UInt32) -> UInt32 {
    guard value & 1 != 0 else { return value & 0xFF00 }
    let address = Int(value >> 8 & 0xFF)
    return UInt32(words[address & 0x3F]) << 16 | value & 0xFF00 | 1 << 4
  }

  /// EECD as it reads.
  var control: UInt32 {
    let granted = pins & Pin.request != 0 ? Pin.grant : 0
    let out = isReading && output >> UInt32(max(outputBits, 0)) & 1 == 0 ? 0 : Pin.dataOut
    return pins | granted | Pin.present | out
  }

  /// Drives the pins as EECD was written.
  mutating func drive(_ value: UInt32) {
    let old = pins
    pins = value & (Pin.clock | Pin.select | Pin.dataIn | Pin.request | 0x30)
    guard pins & Pin.select != 0 else {
      command = 0
      commandBits = 0
      isReading = false
      return
    }
    guard old & Pin.clock == 0, pins & Pin.clock != 0 else { return }
    if isReading { shiftOut() } else { shiftIn(pins & Pin.dataIn != 0 ? 1 : 0) }
  }

  private mutating func shiftIn(_ bit: UInt32) {
    // Zeros before the start bit are idle clocks.
    guard commandBits > 0 || bit == 1 else { return }
    command = command << 1 | bit
    commandBits += 1
    guard commandBits == 9 else { return }
    commandBits = 0
    defer { command = 0 }
    guard command >> 6 == Self.read else { return }
    address = Int(command & 0x3F)
    isReading = true
    // The dummy zero is there as soon as the last address bit is in.
    output = UInt32(words[address])
    outputBits = 16
  }

  private mutating func shiftOut() {
    outputBits -= 1
    guard outputBits < 0 else { return }
    address = (address + 1) & 0x3F
    output = UInt32(words[address])
    outputBits = 15
  }
}
