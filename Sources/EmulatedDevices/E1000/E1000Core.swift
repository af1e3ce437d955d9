import Backends
import DeviceModel
import GuestMemory

/// The state of the card and everything that changes it. Whoever calls holds the device's lock.
///
/// Work is done in turns of bounded length: a turn sends and receives at most so many frames, and says whether there is more.
final class E1000Core {
  var registers = E1000RegisterFile()
  var statistics = E1000Statistics()
  var interrupts: E1000Interrupts
  var counters = E1000Counters()
  let memory: GuestMemory
  let port: any NetworkPort
  /// Command bit 2 of the configuration space: without it, no access to memory.
  var isBusMaster = false

  // Transmitting
  let outgoing = E1000FrameBuffer()
  let header = E1000FrameBuffer()
  var outgoingRange: [HostRange]
  var packet = E1000Packet()
  var plainContext = E1000ChecksumContext()
  var segmentContext = E1000ChecksumContext()
  /// The ring lies outside memory: left alone until a register of it is written.
  var isTransmitStuck = false

  // Receiving
  let incoming = E1000FrameBuffer()
  var incomingRange: [HostRange]
  /// The frame in `incoming`, waiting for descriptors.
  var held: E1000ReceivedFrame?
  /// Frames waited for descriptors, and that was counted.
  var isStarving = false
  var isReceiveStuck = false

  private var eeprom: E1000EEPROM
  private var phy = E1000PHY()
  /// The worker sleeps without watching the port's input.
  private var isInputUnwatched = true
  /// The worker has been woken and has not had its turn yet.
  private var isWorkerCalled = false
  private var wantsWorker = false

  /// Frames and descriptors in a turn.
  static let turnLength = 64
  /// Turns that a register write may take before the worker goes on.
  private static let turnsOfAWrite = 16

  init(
    macAddress: [UInt8], memory: GuestMemory, port: any NetworkPort, interrupts: E1000Interrupts
  ) {
    eeprom = E1000EEPROM(macAddress: macAddress)
    self.memory = memory
    self.port = port
    self.interrupts = interrupts
    outgoingRange = [outgoing.range(count: 0)]
    incomingRange = [incoming.range(count: E1000FrameBuffer.capacity - E1000ReceivedFrame.trailer)]
    loadAddress()
  }
}

// MARK: - Registers

extension E1000Core {
  /// Reads the register at a multiple of four; what is not decoded reads as zero.
  func read(at offset: Int) -> UInt32 {
    guard offset >= 0, offset < E1000RegisterFile.byteCount else { return 0 }
    if E1000Statistics.block.contains(offset) { return statistics.read(at: offset) }
    switch E1000Register(rawValue: offset) {
    case .eepromControl: return eeprom.control
    case .interruptCause:
      let cause = interrupts.takeCause()
      updatePin()
      return cause
    case .interruptMask: return interrupts.mask
    case .interruptCauseSet, .interruptMaskClear: return 0
    default: return registers[offset]
    }
  }

  /// Writes the register at a multiple of four, and does what follows from it.
  func write(_ value: UInt32, at offset: Int) {
    guard offset >= 0, offset < E1000RegisterFile.byteCount else { return }
    registers.store(value, at: offset)
    switch E1000Register(rawValue: offset) {
    case .control: writeControl(value)
    case .extendedControl: if value & E1000ExtendedControl.eepromReset != 0 { loadAddress() }
    case .eepromControl: eeprom.drive(value)
    case .eepromRead: registers[.eepromRead] = eeprom.answer(to: value)
    case .managementInterface: accessPHY(value)
    case .interruptCause: interrupts.acknowledge(value)
    case .interruptCauseSet: interrupts.raise(value)
    case .interruptMask: interrupts.enable(value)
    case .interruptMaskClear: interrupts.disable(value)
    case .receiveControl, .receiveBaseLow, .receiveBaseHigh, .receiveLength, .receiveHead, .receiveTail:
      isReceiveStuck = false
      isStarving = false
      serveInput()
    case .transmitControl, .transmitBaseLow, .transmitBaseHigh, .transmitLength, .transmitHead, .transmitTail:
      isTransmitStuck = false
      serve()
    default: break
    }
    updatePin()
  }

  private func writeControl(_ value: UInt32) {
    if value & E1000Control.reset != 0 { reset() }
    if value & E1000Control.phyReset != 0 { phy.reset() }
  }

  private func accessPHY(_ value: UInt32) {
    let outcome = phy.access(value)
    registers[.managementInterface] = outcome.value
    if outcome.changedLink { interrupts.raise(E1000Cause.linkStatusChange) }
    if outcome.wantsInterrupt { interrupts.raise(E1000Cause.managementAccess) }
  }

  /// The software reset (CTRL.RST): rings, filters, masks and counters as after power-on.
  private func reset() {
    registers.reset()
    statistics.reset()
    interrupts.reset()
    packet = E1000Packet()
    plainContext = E1000ChecksumContext()
    segmentContext = E1000ChecksumContext()
    if held != nil { counters.dropped += 1 }
    held = nil
    isStarving = false
    isReceiveStuck = false
    isTransmitStuck = false
    loadAddress()
  }

  /// The first receive address, as the chip reads it from its EEPROM.
  private func loadAddress() {
    let first = E1000RegisterFile.receiveAddresses.lowerBound
    registers[first] = UInt32(eeprom.words[0]) | UInt32(eeprom.words[1]) << 16
    registers[first + 4] = UInt32(eeprom.words[2]) | 1 << 31
  }
}

// MARK: - Turns

extension E1000Core {
  /// The bits of the command register that matter here have been written.
  func configure(isBusMaster: Bool, isPinDisabled: Bool) {
    interrupts.isPinDisabled = isPinDisabled
    let isNew = isBusMaster && !self.isBusMaster
    self.isBusMaster = isBusMaster
    if isNew {
      isTransmitStuck = false
      isReceiveStuck = false
      serve()
      serveInput()
    }
    updatePin()
  }

  /// What the worker does each time it is awake: one turn. Says what to wait for.
  func workerTurn() -> E1000Plan {
    isWorkerCalled = false
    let moreToReceive = receiveTurn()
    // An answering port gets no more questions while there is room for its answers: it holds only so many.
    let moreToSend = !hasAnswer && transmitTurn()
    _ = interrupts.update(interval: registers[.interruptThrottling])
    // A frame that waits for descriptors must not be overtaken, nor be waited for by spinning.
    let watchesInput = held == nil && canReceive && port.inputDescriptor >= 0
    isInputUnwatched = !watchesInput
    return E1000Plan(
      hasMore: moreToReceive || moreToSend || hasAnswer, watchesInput: watchesInput, deadline: interrupts.deadline)
  }

  /// True where a port that cannot be watched has a frame that could be received.
  private var hasAnswer: Bool { port.inputDescriptor < 0 && (port.hasInput || held != nil) && couldReceiveNext }

  /// True where there are descriptors for the next frame.
  private var couldReceiveNext: Bool { held.map(hasRoom) ?? canReceive }

  /// Sends what the driver has queued, up to a limit; the worker does the rest, and receives the answers.
  private func serve() {
    guard !hasAnswer else { return callWorker() }
    var turns = 0
    while transmitTurn() {
      turns += 1
      if hasAnswer || turns == Self.turnsOfAWrite { return callWorker() }
    }
    if hasAnswer { callWorker() }
  }

  /// The driver has given buffers back, or changed how frames are received.
  private func serveInput() {
    if hasAnswer || (isInputUnwatched && port.inputDescriptor >= 0 && couldReceiveNext) { callWorker() }
  }

  /// Asks for the worker, unless it has been called and has not come yet.
  private func callWorker() {
    guard !isWorkerCalled else { return }
    isWorkerCalled = true
    wantsWorker = true
  }

  /// True where the worker has to be woken, once the lock is free: it would only run into it.
  func takeCall() -> Bool {
    defer { wantsWorker = false }
    return wantsWorker
  }

  /// Drives the pin; a rise that has to wait is the worker's.
  private func updatePin() {
    if interrupts.update(interval: registers[.interruptThrottling]) { callWorker() }
  }
}

/// What the worker waits for after a turn.
struct E1000Plan: Equatable {
  /// Not waiting at all: there is more to do.
  var hasMore: Bool
  /// The port's input is of use.
  var watchesInput: Bool
  /// When the moderation lets an interrupt through, by the device's clock.
  var deadline: UInt64?
}

/// What the card has done since it was made, resets notwithstanding. Every frame that it was given is in one of these.
public struct E1000Counters: Equatable, Sendable {
  /// Frames given to the port.
  public var sent: UInt64 = 0
  /// Packets of the driver that make no frame: too long, too short, not in memory, impossible segmentation.
  public var refused: UInt64 = 0
  /// Frames written to the driver's buffers.
  public var received: UInt64 = 0
  /// Frames for others, by the filters.
  public var filtered: UInt64 = 0
  /// Frames too long or too short to be received, or for which the ring can never have room.
  public var dropped: UInt64 = 0
}
