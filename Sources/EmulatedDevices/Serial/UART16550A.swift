import DeviceModel

/// The 16550A serial port: eight byte registers (PC16550D data sheet, National Semiconductor 1995).
///
/// The line is perfect and takes no time: a byte written to the transmitter is gone at once, so that the transmitter is
/// always empty; parity, framing and break errors never occur; word length, parity and divisor are kept but mean nothing;
/// and the receiver's character time-out has always just expired. INTRPT is modelled as the chip drives it: the gate that PCs
/// put behind OUT2 belongs to the board.
///
/// Like every `Device` it expects one caller at a time; that includes `receive`.
public final class UART16550A: Device {
  private enum Register: Int {
    case data, interruptEnable, identification, lineControl, modemControl, lineStatus, modemStatus, scratch
  }

  private static let divisorLatchAccess: UInt8 = 0x80
  /// What the modem inputs read while nothing is looped back: a peer that is always there and ready.
  private static let connected: UARTModemStatus = [.clearToSend, .dataSetReady, .carrierDetect]

  private let interrupt: any InterruptLine
  private let sink: any SerialSink

  private var enabled: UARTInterruptEnable = []
  private var lineControl: UInt8 = 0
  private var modemControl: UARTModemControl = []
  private var modemStatus = UART16550A.connected
  private var scratch: UInt8 = 0
  /// 115200 / 12 = 9600 baud; the chip itself comes up with an undefined divisor.
  private var divisor: UInt16 = 12

  private var fifoEnabled = false
  private var triggerLevel = 1
  private var receiver = UARTReceiver()
  private var overrun = false
  /// The transmitter has become empty and nobody has been told yet.
  private var transmitterEmptyPending = false
  /// Bytes wait below the trigger level; nothing newer will come within four character times.
  private var timeoutPending = false
  private var asserted = false

  /// A port in its reset state, with `interrupt` low, transmitting to `sink`.
  public init(interrupt: any InterruptLine, sink: any SerialSink) {
    self.interrupt = interrupt
    self.sink = sink
  }

  // MARK: The host's side

  /// Bytes that `receive` takes before it overruns: 16 with FIFOs, 1 without, less what the guest has not read.
  public var receiveSpace: Int { max(0, (fifoEnabled ? UARTReceiver.depth : 1) - receiver.count) }

  /// Delivers `bytes` from the line. What does not fit is lost and reported to the guest as an overrun. In loopback mode
  /// the line is disconnected, and everything is lost silently.
  public func receive(_ bytes: some Sequence<UInt8>) {
    guard !modemControl.contains(.loopback) else { return }
    for byte in bytes { accept(byte) }
    receiverChanged()
  }

  // MARK: The guest's side

  /// Reads byte registers; a wider access is split into bytes, and offsets above 7 read as 0xFF.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    ByteLanes.read(at: offset, width: width) { readRegister(at: $0) }
  }

  /// Writes byte registers; a wider access is split into bytes, and offsets above 7 are ignored.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    ByteLanes.write(value, at: offset, width: width) { writeRegister($0, at: $1) }
  }

  private var divisorSelected: Bool { lineControl & Self.divisorLatchAccess != 0 }

  private func readRegister(at offset: Int) -> UInt8 {
    switch Register(rawValue: offset) {
    case .data: return divisorSelected ? UInt8(truncatingIfNeeded: divisor) : readReceiver()
    case .interruptEnable: return divisorSelected ? UInt8(divisor >> 8) : enabled.rawValue
    case .identification: return identify()
    case .lineControl: return lineControl
    case .modemControl: return modemControl.rawValue
    case .lineStatus: return readLineStatus()
    case .modemStatus: return readModemStatus()
    case .scratch: return scratch
    case nil: return 0xFF
    }
  }

  private func writeRegister(_ value: UInt8, at offset: Int) {
    switch Register(rawValue: offset) {
    case .data where divisorSelected: divisor = divisor & 0xFF00 | UInt16(value)
    case .interruptEnable where divisorSelected: divisor = divisor & 0x00FF | UInt16(value) << 8
    case .data: transmit(value)
    case .interruptEnable: enable(UARTInterruptEnable(rawValue: value).intersection(.all))
    case .identification: controlFIFO(UARTFIFOControl(rawValue: value))
    case .lineControl: lineControl = value
    case .modemControl: controlModem(UARTModemControl(rawValue: value).intersection(.all))
    case .scratch: scratch = value
    case .lineStatus, .modemStatus, nil: break  // inputs, and nothing at all
    }
  }

  // MARK: Transmitter

  private func transmit(_ byte: UInt8) {
    // Writing clears the interrupt, and the register being empty again raises it: an edge-triggered PIC needs both.
    transmitterEmptyPending = false
    updateInterrupt()
    if modemControl.contains(.loopback) {
      accept(byte)
      receiverChanged()
    } else {
      sink.byte(byte)
    }
    transmitterEmptyPending = true
    updateInterrupt()
  }

  private func enable(_ interrupts: UARTInterruptEnable) {
    // Enabling this one while the transmitter is empty, which it always is, raises it at once.
    if interrupts.contains(.transmitterEmpty), !enabled.contains(.transmitterEmpty) { transmitterEmptyPending = true }
    enabled = interrupts
    updateInterrupt()
  }

  // MARK: Receiver

  private func accept(_ byte: UInt8) {
    if fifoEnabled {
      // A full FIFO keeps what it has; the byte in the shift register is lost (8.4, bit 1).
      if !receiver.push(byte) { overrun = true }
    } else {
      // Without FIFOs the newest byte replaces the unread one.
      overrun = overrun || receiver.count > 0
      receiver.clear()
      _ = receiver.push(byte)
    }
  }

  private func readReceiver() -> UInt8 {
    let byte = receiver.pop() ?? 0
    // Reading clears the time-out and starts it again, so that what is left announces itself with a new edge (8.11).
    timeoutPending = false
    updateInterrupt()
    receiverChanged()
    return byte
  }

  private func receiverChanged() {
    timeoutPending = fifoEnabled && receiver.count > 0 && receiver.count < triggerLevel
    updateInterrupt()
  }

  private func controlFIFO(_ control: UARTFIFOControl) {
    let enable = control.contains(.enable)
    // Switching modes clears the FIFOs; the other bits only count while bit 0 is written as one (8.5).
    if enable != fifoEnabled || (enable && control.contains(.clearReceiver)) { receiver.clear() }
    fifoEnabled = enable
    triggerLevel = enable ? control.triggerLevel : 1
    receiverChanged()
  }

  private func readLineStatus() -> UInt8 {
    var status: UARTLineStatus = [.transmitterHoldingEmpty, .transmitterEmpty]
    if receiver.count > 0 { status.insert(.dataReady) }
    if overrun { status.insert(.overrun) }
    overrun = false
    updateInterrupt()
    return status.rawValue
  }

  // MARK: Modem

  private func controlModem(_ control: UARTModemControl) {
    modemControl = control
    var inputs = Self.connected
    if control.contains(.loopback) {
      inputs = []
      if control.contains(.requestToSend) { inputs.insert(.clearToSend) }
      if control.contains(.dataTerminalReady) { inputs.insert(.dataSetReady) }
      if control.contains(.out1) { inputs.insert(.ringIndicator) }
      if control.contains(.out2) { inputs.insert(.carrierDetect) }
    }
    let before = modemStatus.subtracting(.deltas)
    let changed = before.symmetricDifference(inputs)
    var deltas = modemStatus.intersection(.deltas)
    if changed.contains(.clearToSend) { deltas.insert(.deltaClearToSend) }
    if changed.contains(.dataSetReady) { deltas.insert(.deltaDataSetReady) }
    if changed.contains(.ringIndicator), before.contains(.ringIndicator) { deltas.insert(.trailingEdgeRing) }
    if changed.contains(.carrierDetect) { deltas.insert(.deltaCarrierDetect) }
    modemStatus = inputs.union(deltas)
    updateInterrupt()
  }

  private func readModemStatus() -> UInt8 {
    let value = modemStatus.rawValue
    modemStatus.subtract(.deltas)
    updateInterrupt()
    return value
  }

  // MARK: Interrupts

  /// The pending interrupt of the highest priority (table IV).
  private var pending: UARTInterrupt {
    if enabled.contains(.lineStatus), overrun { return .lineStatus }
    if enabled.contains(.receivedData), receiver.count >= triggerLevel { return .receivedData }
    if enabled.contains(.receivedData), timeoutPending { return .characterTimeout }
    if enabled.contains(.transmitterEmpty), transmitterEmptyPending { return .transmitterEmpty }
    if enabled.contains(.modemStatus), !modemStatus.isDisjoint(with: .deltas) { return .modemStatus }
    return .none
  }

  private func identify() -> UInt8 {
    let source = pending
    // Being told is what clears this one; the others are cleared by reading what they announce.
    if source == .transmitterEmpty { transmitterEmptyPending = false }
    updateInterrupt()
    return source.rawValue | (fifoEnabled ? 0xC0 : 0)
  }

  private func updateInterrupt() {
    let level = pending != .none
    guard level != asserted else { return }
    asserted = level
    interrupt.set(level)
  }
}
