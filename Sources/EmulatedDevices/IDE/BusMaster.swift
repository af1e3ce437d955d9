import DeviceModel
import GuestMemory

/// One channel's bus master (Intel 82371SB, 2.7; Bus Master IDE 1.0): command, status and table pointer. It moves data in the
/// thread that starts it, or that gives a command to a drive while it is started.
final class BusMaster {
  private enum Command {
    static let start: UInt8 = 0x01
    /// The bus master writes memory: the drive is read.
    static let toMemory: UInt8 = 0x08
  }
  private enum Status {
    static let active: UInt8 = 0x01
    static let error: UInt8 = 0x02
    static let interrupt: UInt8 = 0x04
    /// Scratch bits for software: the drives can do DMA.
    static let capable: UInt8 = 0x60
  }

  private let memory: GuestMemory
  private var command: UInt8 = 0
  private var status: UInt8 = 0
  private var table: UInt32 = 0
  private var cursor: PRDCursor?

  init(memory: GuestMemory) { self.memory = memory }

  /// The drive has raised its interrupt line.
  func noteInterrupt() { status |= Status.interrupt }

  func read(at offset: Int) -> UInt8 {
    switch offset {
    case 0: command
    case 2: status
    case 4...7: UInt8(truncatingIfNeeded: table >> UInt32(8 * (offset - 4)))
    default: 0
    }
  }

  func write(_ value: UInt8, at offset: Int) {
    switch offset {
    case 0: writeCommand(value & (Command.start | Command.toMemory))
    // Error and interrupt are cleared by writing ones; whether it is active cannot be written.
    case 2: status = status & ~(value & (Status.error | Status.interrupt)) & ~Status.capable | value & Status.capable
    case 4...7:
      let shift = UInt32(8 * (offset - 4))
      table = (table & ~(0xFF << shift) | UInt32(value) << shift) & ~3
    default: break
    }
  }

  /// Starting begins with the table's first entry; stopping forgets where it was.
  private func writeCommand(_ value: UInt8) {
    let wasStarted = command & Command.start != 0
    command = value
    switch (wasStarted, value & Command.start != 0) {
    case (false, true):
      cursor = PRDCursor(table: table)
      status |= Status.active
    case (true, false):
      cursor = nil
      status &= ~Status.active
    default: break
    }
  }

  /// Moves data between memory and a drive that waits for it, as far as both go.
  ///
  /// Active is cleared at the end of the table, so that the status says what happened: interrupt without active is a transfer
  /// that fits its table, interrupt with active one that is shorter, neither one that is longer. After a fault the drive waits
  /// until it is reset.
  func serve(_ drive: ATADrive) {
    guard status & Status.active != 0, var cursor else { return }
    let isToMemory = command & Command.toMemory != 0
    do throws(PRDFault) {
      while drive.phase == (isToMemory ? .dmaIn : .dmaOut), try cursor.advance(in: memory),
        let window = drive.nextDMAWindow()
      {
        let count = min(window.count, cursor.remaining)
        try move(drive.buffer[window.lowerBound..<(window.lowerBound + count)], at: cursor.address, isToMemory)
        cursor.moved(count)
        drive.movedByDMA(count)
      }
      if cursor.isAtEnd { status &= ~Status.active }
    } catch {
      status = status & ~Status.active | Status.error
    }
    self.cursor = cursor
  }

  private func move(
    _ bytes: UnsafeMutableRawBufferPointer, at address: GuestAddress, _ isToMemory: Bool
  ) throws(PRDFault) {
    do {
      if isToMemory {
        try memory.write(UnsafeRawBufferPointer(bytes), at: address)
      } else {
        try memory.read(at: address, into: bytes)
      }
    } catch { throw .memory }
  }
}

/// A channel's interrupt line on its way through the bus master, which notes every rising edge.
final class BusMasterInterrupt: InterruptLine, @unchecked Sendable {
  private let line: any InterruptLine
  private let master: BusMaster

  /// Calls come from one vCPU at a time, as all of the controller's do.
  init(line: any InterruptLine, master: BusMaster) {
    self.line = line
    self.master = master
  }

  func set(_ asserted: Bool) {
    if asserted { master.noteInterrupt() }
    line.set(asserted)
  }
}
