// The bits of the 16550A's registers (PC16550D data sheet, section 8, table II).

/// Interrupt enable register.
struct UARTInterruptEnable: OptionSet {
  let rawValue: UInt8
  static let receivedData = Self(rawValue: 0x01)
  static let transmitterEmpty = Self(rawValue: 0x02)
  static let lineStatus = Self(rawValue: 0x04)
  static let modemStatus = Self(rawValue: 0x08)
  static let all: Self = [.receivedData, .transmitterEmpty, .lineStatus, .modemStatus]
}

/// What the interrupt identification register names, highest priority first (table IV). Bit 0 clear means pending.
enum UARTInterrupt: UInt8 {
  case lineStatus = 0x06
  case receivedData = 0x04
  case characterTimeout = 0x0C
  case transmitterEmpty = 0x02
  case modemStatus = 0x00
  case none = 0x01
}

/// FIFO control register, write-only.
struct UARTFIFOControl: OptionSet {
  let rawValue: UInt8
  static let enable = Self(rawValue: 0x01)
  static let clearReceiver = Self(rawValue: 0x02)

  /// Bytes in the receiver FIFO that raise the interrupt.
  var triggerLevel: Int {
    switch rawValue >> 6 {
    case 0: 1
    case 1: 4
    case 2: 8
    default: 14
    }
  }
}

/// Modem control register.
struct UARTModemControl: OptionSet {
  let rawValue: UInt8
  static let dataTerminalReady = Self(rawValue: 0x01)
  static let requestToSend = Self(rawValue: 0x02)
  static let out1 = Self(rawValue: 0x04)
  static let out2 = Self(rawValue: 0x08)
  static let loopback = Self(rawValue: 0x10)
  static let all = Self(rawValue: 0x1F)
}

/// Line status register.
struct UARTLineStatus: OptionSet {
  let rawValue: UInt8
  static let dataReady = Self(rawValue: 0x01)
  static let overrun = Self(rawValue: 0x02)
  static let transmitterHoldingEmpty = Self(rawValue: 0x20)
  static let transmitterEmpty = Self(rawValue: 0x40)
}

/// Modem status register: the low half remembers changes of the high half since the last read.
struct UARTModemStatus: OptionSet {
  let rawValue: UInt8
  static let deltaClearToSend = Self(rawValue: 0x01)
  static let deltaDataSetReady = Self(rawValue: 0x02)
  static let trailingEdgeRing = Self(rawValue: 0x04)
  static let deltaCarrierDetect = Self(rawValue: 0x08)
  static let clearToSend = Self(rawValue: 0x10)
  static let dataSetReady = Self(rawValue: 0x20)
  static let ringIndicator = Self(rawValue: 0x40)
  static let carrierDetect = Self(rawValue: 0x80)
  static let deltas = Self(rawValue: 0x0F)
}

/// The receiver: a ring of 16 bytes, of which 16450 mode uses one. Never grows, never allocates.
struct UARTReceiver {
  static let depth = 16
  private var bytes = InlineArray<16, UInt8>(repeating: 0)
  private var head = 0
  private(set) var count = 0

  /// Appends `byte`, or returns `false` when all 16 places are taken.
  mutating func push(_ byte: UInt8) -> Bool {
    guard count < Self.depth else { return false }
    bytes[(head + count) % Self.depth] = byte
    count += 1
    return true
  }

  /// Removes the oldest byte, if there is one.
  mutating func pop() -> UInt8? {
    guard count > 0 else { return nil }
    let byte = bytes[head]
    head = (head + 1) % Self.depth
    count -= 1
    return byte
  }

  /// Forgets everything.
  mutating func clear() { count = 0 }
}
