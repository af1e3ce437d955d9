/// Registers of the 82540EM by their offset in the memory window ("PCI/PCI-X Family of Gigabit Ethernet Controllers Software
/// Developer's Manual", Intel 317453, chapter 13). Statistics and the tables of addresses are ranges of their own.
enum E1000Register: Int, CaseIterable {
  case control = 0x0000
  case status = 0x0008
  case eepromControl = 0x0010
  case eepromRead = 0x0014
  case extendedControl = 0x0018
  case managementInterface = 0x0020
  case flowControlAddressLow = 0x0028
  case flowControlAddressHigh = 0x002C
  case flowControlType = 0x0030
  case vlanEtherType = 0x0038
  case interruptCause = 0x00C0
  case interruptThrottling = 0x00C4
  case interruptCauseSet = 0x00C8
  case interruptMask = 0x00D0
  case interruptMaskClear = 0x00D8
  case receiveControl = 0x0100
  case flowControlTransmitTimer = 0x0170
  case transmitControl = 0x0400
  case transmitGap = 0x0410
  case adaptiveSpacing = 0x0458
  case ledControl = 0x0E00
  case packetBuffer = 0x1000
  case flowControlLow = 0x2160
  case flowControlHigh = 0x2168
  case receiveBaseLow = 0x2800
  case receiveBaseHigh = 0x2804
  case receiveLength = 0x2808
  case receiveHead = 0x2810
  case receiveTail = 0x2818
  case receiveDelay = 0x2820
  case receiveDescriptorControl = 0x2828
  case receiveAbsoluteDelay = 0x282C
  case receiveSmallPacket = 0x2C00
  case transmitBaseLow = 0x3800
  case transmitBaseHigh = 0x3804
  case transmitLength = 0x3808
  case transmitHead = 0x3810
  case transmitTail = 0x3818
  case transmitDelay = 0x3820
  case transmitDescriptorControl = 0x3828
  case transmitAbsoluteDelay = 0x382C
  case segmentationPad = 0x3830
  case receiveChecksum = 0x5000
  case wakeUpControl = 0x5800
  case wakeUpFilter = 0x5808
  case managementControl = 0x5820

  /// The bits that a plain write changes; the others keep their value. Registers with effects of their own have none.
  var writableBits: UInt32 {
    switch self {
    case .status, .eepromControl, .eepromRead, .managementInterface, .interruptCause, .interruptCauseSet,
      .interruptMask, .interruptMaskClear:
      0
    // RST, PHY_RST and the reserved bits clear themselves.
    case .control: 0x5FFF_FFFF & ~(1 << 26)
    case .extendedControl: ~(1 << 13)
    case .flowControlType, .vlanEtherType, .interruptThrottling, .flowControlTransmitTimer: 0xFFFF
    case .receiveHead, .receiveTail, .transmitHead, .transmitTail: 0xFFFF
    case .receiveDelay, .transmitDelay, .receiveAbsoluteDelay, .transmitAbsoluteDelay: 0xFFFF
    case .receiveBaseLow, .transmitBaseLow: ~0xF
    case .receiveLength, .transmitLength: 0xF_FF80
    default: .max
    }
  }

  /// The value after a reset.
  var resetValue: UInt32 {
    switch self {
    case .control: E1000Control.fullDuplex | E1000Control.linkUp | 2 << 8
    case .status: 0x8000_0000 | E1000Status.speed1000 | E1000Status.linkUp | E1000Status.fullDuplex
    case .extendedControl: 0
    case .ledControl: 0x0706_8302
    case .packetBuffer: 0x0010_0030
    case .vlanEtherType: 0x8100
    case .transmitControl: 0x8
    case .transmitGap: 0x0060_2008
    case .receiveChecksum: E1000ReceiveChecksum.ipOffload | E1000ReceiveChecksum.transportOffload
    default: 0
    }
  }
}

/// Bits of CTRL (13.4.1).
enum E1000Control {
  static let fullDuplex: UInt32 = 1 << 0
  static let linkUp: UInt32 = 1 << 6
  static let reset: UInt32 = 1 << 26
  static let vlanMode: UInt32 = 1 << 30
  static let phyReset: UInt32 = 1 << 31
}

/// Bits of CTRL_EXT (13.4.5).
enum E1000ExtendedControl {
  static let eepromReset: UInt32 = 1 << 13
}

/// Bits of STATUS (13.4.2).
enum E1000Status {
  static let fullDuplex: UInt32 = 1 << 0
  static let linkUp: UInt32 = 1 << 1
  static let speed1000: UInt32 = 2 << 6 | 2 << 8
}

/// Causes of an interrupt: ICR, ICS, IMS and IMC share them (13.4.17).
enum E1000Cause {
  static let descriptorWrittenBack: UInt32 = 1 << 0
  static let transmitQueueEmpty: UInt32 = 1 << 1
  static let linkStatusChange: UInt32 = 1 << 2
  static let receiveThreshold: UInt32 = 1 << 4
  static let receiverOverrun: UInt32 = 1 << 6
  static let received: UInt32 = 1 << 7
  static let managementAccess: UInt32 = 1 << 9
  static let all: UInt32 = 0x1_FFFF
}

/// Bits of RCTL (13.4.22).
enum E1000ReceiveControl {
  static let enable: UInt32 = 1 << 1
  static let unicastPromiscuous: UInt32 = 1 << 3
  static let multicastPromiscuous: UInt32 = 1 << 4
  static let longPackets: UInt32 = 1 << 5
  static let acceptBroadcast: UInt32 = 1 << 15
  static let vlanFilter: UInt32 = 1 << 18
  static let stripCRC: UInt32 = 1 << 26

  /// Bytes of a receive buffer: BSIZE, and BSEX, which makes them 16 times as large.
  static func bufferSize(_ value: UInt32) -> Int {
    let size = 2048 >> Int(value >> 16 & 3)
    return value & 1 << 25 != 0 ? min(size * 16, 16384) : size
  }
}

/// Bits of TCTL (13.4.33).
enum E1000TransmitControl {
  static let enable: UInt32 = 1 << 1
  static let padShort: UInt32 = 1 << 3
}

/// Bits of RXCSUM (13.4.30).
enum E1000ReceiveChecksum {
  static let ipOffload: UInt32 = 1 << 8
  static let transportOffload: UInt32 = 1 << 9
}

/// The words behind the memory window up to the last register, without any effect that an access may have.
struct E1000RegisterFile {
  /// Bytes of the window that hold registers.
  static let byteCount = 0x6000
  /// The multicast table array: 4096 bits.
  static let multicastTable = 0x5200..<0x5400
  /// Sixteen pairs of RAL and RAH.
  static let receiveAddresses = 0x5400..<0x5480
  /// The VLAN filter table: 4096 bits.
  static let vlanTable = 0x5600..<0x5800

  private var words = [UInt32](repeating: 0, count: E1000RegisterFile.byteCount / 4)

  init() { reset() }

  /// The value after power-on everywhere.
  mutating func reset() {
    for index in words.indices { words[index] = 0 }
    for register in E1000Register.allCases { self[register] = register.resetValue }
  }

  subscript(register: E1000Register) -> UInt32 {
    get { words[register.rawValue / 4] }
    set { words[register.rawValue / 4] = newValue }
  }

  /// The word at an offset in bytes, which must lie in the file.
  subscript(offset: Int) -> UInt32 {
    get { words[offset / 4] }
    set { words[offset / 4] = newValue }
  }

  func has(_ bit: UInt32, in register: E1000Register) -> Bool { self[register] & bit != 0 }

  /// A plain write to the word at `offset`: what is not writable keeps its value.
  mutating func store(_ value: UInt32, at offset: Int) {
    if let register = E1000Register(rawValue: offset) {
      self[register] = self[register] & ~register.writableBits | value & register.writableBits
    } else if Self.multicastTable.contains(offset) || Self.receiveAddresses.contains(offset)
      || Self.vlanTable.contains(offset)
    {
      self[offset] = value
    }
  }
}
