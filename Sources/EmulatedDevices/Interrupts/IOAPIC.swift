import DeviceModel
import Synchronization

/// An I/O APIC with 24 inputs (82093AA data sheet, Intel 290566): an index and a data register in front of a redirection table,
/// whose entries say which message an input sends.
///
/// Its inputs may be driven from any thread. They are logical: asserted is asserted, whatever polarity an entry claims (that bit
/// reads back). As on the chip, an edge at a masked input is forgotten, and a level sends one message until the processor's
/// end of interrupt comes back, when it sends the next if it is still there.
public final class IOAPIC: Device, EndOfInterruptObserver, Sendable {
  /// Inputs, and entries of the table.
  public static let inputCount = IOAPICState.inputCount
  /// Bytes of the window: one page.
  public static let windowByteCount: UInt64 = 0x1000

  private enum Register {
    static let select = 0x00
    static let window = 0x10
  }

  private let messages: any InterruptMessenger
  private let state = Mutex(IOAPICState())

  /// An I/O APIC with every input masked, sending through `messages`.
  public init(messages: any InterruptMessenger) { self.messages = messages }

  /// What a device is given in order to drive `input`.
  public func line(_ input: Int) -> any InterruptLine {
    precondition((0..<Self.inputCount).contains(input), "there is no such input")
    return Input(chip: self, number: input)
  }

  /// Reads 32-bit registers; everything else is zero.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    state.withLock { state in
      switch offset {
      case Register.select: UInt64(state.selected)
      case Register.window: UInt64(state.read())
      default: 0
      }
    }
  }

  /// Writes 32-bit registers. The index has eight bits; a narrower write of data is ignored, as none is defined.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    switch offset {
    case Register.select: state.withLock { $0.selected = UInt8(truncatingIfNeeded: value) }
    case Register.window where width.rawValue >= 4:
      state.withLock { $0.write(UInt32(truncatingIfNeeded: value), messages) }
    default: break
    }
  }

  /// A processor has ended the level-triggered interrupt `vector`.
  public func endOfInterrupt(vector: UInt8) { state.withLock { $0.end(vector, messages) } }

  private func drive(_ input: Int, _ asserted: Bool) { state.withLock { $0.drive(input, asserted, messages) } }

  private final class Input: InterruptLine {
    private let chip: IOAPIC
    private let number: Int

    init(chip: IOAPIC, number: Int) {
      self.chip = chip
      self.number = number
    }

    func set(_ asserted: Bool) { chip.drive(number, asserted) }
  }
}

/// The registers behind the I/O APIC's lock.
struct IOAPICState {
  static let inputCount = 24

  private enum Index {
    static let identification: UInt8 = 0
    static let version: UInt8 = 1
    static let arbitration: UInt8 = 2
    static let table: UInt8 = 0x10
  }
  /// Version 0x11, and the number of the last entry.
  private static let version = UInt32(inputCount - 1) << 16 | 0x11

  /// The index register.
  var selected: UInt8 = 0
  private var identification: UInt32 = 0
  private var entries = InlineArray<24, RedirectionEntry>(repeating: RedirectionEntry())
  /// What each input is routed to.
  private var routes = InlineArray<24, IOAPICMessage?>(repeating: nil)
  /// A bit an input.
  private var levels: UInt32 = 0

  /// The register that the index names; what is not there is zero.
  func read() -> UInt32 {
    switch selected {
    case Index.identification, Index.arbitration: return identification
    case Index.version: return Self.version
    default:
      guard let (input, isHigh) = entry else { return 0 }
      return UInt32(truncatingIfNeeded: entries[input].value >> (isHigh ? 32 : 0))
    }
  }

  mutating func write(_ value: UInt32, _ messages: borrowing any InterruptMessenger) {
    if selected == Index.identification { identification = value & 0x0F00_0000 }
    guard let (input, isHigh) = entry else { return }
    entries[input].write(value, isHigh: isHigh)
    update(input, messages)
  }

  mutating func drive(_ input: Int, _ asserted: Bool, _ messages: borrowing any InterruptMessenger) {
    let bit = UInt32(1) << UInt32(input)
    let isEdge = asserted && levels & bit == 0
    levels = asserted ? levels | bit : levels & ~bit
    if entries[input].isLevel {
      update(input, messages)
    } else if isEdge, !entries[input].isMasked {
      send(input, messages)
    }
  }

  mutating func end(_ vector: UInt8, _ messages: borrowing any InterruptMessenger) {
    for input in entries.indices where entries[input].isLevel && entries[input].vector == vector {
      entries[input].isRemote = false
      update(input, messages)
    }
  }

  private var entry: (input: Int, isHigh: Bool)? {
    guard selected >= Index.table, Int(selected - Index.table) < 2 * Self.inputCount else { return nil }
    return (Int(selected - Index.table) / 2, selected & 1 != 0)
  }

  /// Brings the route in line with the entry, and sends a level that nobody has been told of.
  private mutating func update(_ input: Int, _ messages: borrowing any InterruptMessenger) {
    let entry = entries[input]
    // What a processor is still handling keeps its route: without it, the end of interrupt would not come back.
    let route = entry.isMasked && !entry.isRemote ? nil : entry.message
    if routes[input] != route {
      routes[input] = route
      messages.route(input: input, address: route?.address ?? 0, data: route?.data ?? 0, isMasked: route == nil)
    }
    guard entry.isLevel, levels >> UInt32(input) & 1 != 0, !entry.isMasked, !entry.isRemote else { return }
    // An external interrupt's vector would come from an 8259, and there is none to acknowledge it.
    guard entry.message != nil else { return }
    entries[input].isRemote = true
    send(input, messages)
  }

  private func send(_ input: Int, _ messages: borrowing any InterruptMessenger) {
    if let message = entries[input].message { messages.send(address: message.address, data: message.data) }
  }
}

/// What an input sends.
struct IOAPICMessage: Equatable {
  let address: UInt64
  let data: UInt32
}

/// An entry of the redirection table (82093AA data sheet, 3.2.4).
struct RedirectionEntry {
  private static let remote: UInt64 = 1 << 14
  private static let level: UInt64 = 1 << 15
  private static let mask: UInt64 = 1 << 16
  private static let writable: UInt64 = 0xFF00_0000_0001_AFFF
  private static let externalInterrupt: UInt64 = 7

  private(set) var value = mask

  var vector: UInt8 { UInt8(truncatingIfNeeded: value) }
  var isLevel: Bool { value & Self.level != 0 }
  var isMasked: Bool { value & Self.mask != 0 }

  /// The remote IRR: a processor has taken a level and not ended it yet.
  var isRemote: Bool {
    get { value & Self.remote != 0 }
    set { value = newValue ? value | Self.remote : value & ~Self.remote }
  }

  /// Changes one half. An edge has no remote IRR: switching to edges is how a driver gets rid of one.
  mutating func write(_ half: UInt32, isHigh: Bool) {
    let shift: UInt64 = isHigh ? 32 : 0
    let place = UInt64(UInt32.max) << shift
    value = value & ~(place & Self.writable) | UInt64(half) << shift & Self.writable
    if !isLevel { isRemote = false }
  }

  /// The entry as a message to the local APICs (Intel SDM 3, 11.11); nil for the external interrupt, which is none.
  var message: IOAPICMessage? {
    let mode = value >> 8 & 7
    guard mode != Self.externalInterrupt else { return nil }
    let destination = value >> 56
    let isLogical = value >> 11 & 1
    // Level-triggered messages assert: there is no message for the level's end.
    let trigger: UInt32 = isLevel ? 1 << 15 | 1 << 14 : 0
    return IOAPICMessage(
      address: 0xFEE0_0000 | destination << 12 | isLogical << 2, data: trigger | UInt32(mode << 8) | UInt32(vector))
  }
}
