import DeviceModel

/// What both windows of a channel share: the decoding of registers, the selection of a device, device control and the
/// interrupt line (ATA/ATAPI-6, sections 7 and 9).
///
/// Device 1 is absent, and device 0 answers in its place as the standard demands ("Device 0 only configurations"): its status reads as zero, its other registers
/// as device 0's, and its commands are ignored except EXECUTE DEVICE DIAGNOSTIC.
final class IDERegisters {
  private let drive: ATADrive
  private let interrupt: any InterruptLine
  private let bus: BusMasterLink?
  private var control: ATADeviceControl = []
  private var asserted = false

  init(drive: ATADrive, interrupt: any InterruptLine, bus: BusMasterLink?) {
    self.drive = drive
    self.bus = bus
    self.interrupt = interrupt
  }

  // MARK: The data register

  /// The data register is 16 bits wide, and the controller makes two cycles of 32 bits; nothing else is decoded.
  static func isDataWidth(_ width: AccessWidth) -> Bool { width == .word || width == .long }

  /// Fills `target` with elements of `width`; all ones where no data waits, and in the bytes of an unfinished element.
  func readData(into target: UnsafeMutableRawBufferPointer, width: AccessWidth) {
    let whole = target.count - target.count % width.rawValue
    // SAFETY: a bounds-checked slice of the caller's buffer, for this call only.
    drive.readData(into: UnsafeMutableRawBufferPointer(rebasing: target[..<whole]))
    for index in whole..<target.count { target[index] = 0xFF }
    updateInterrupt()
  }

  /// Takes the elements of `width` in `source`; dropped where nobody asked for data.
  func writeData(_ source: UnsafeRawBufferPointer, width: AccessWidth) {
    let whole = source.count - source.count % width.rawValue
    // SAFETY: a bounds-checked slice of the caller's buffer, for this call only.
    drive.writeData(UnsafeRawBufferPointer(rebasing: source[..<whole]))
    updateInterrupt()
  }

  // MARK: The other registers

  /// The status as the guest sees it, without the side effect of reading it from the command block.
  var status: UInt8 {
    if control.contains(.softwareReset) { return ATAStatus.busy.rawValue }
    return isDriveSelected ? drive.status.rawValue : 0
  }

  func readCommandBlock(at offset: Int) -> UInt8 {
    let high = control.contains(.highOrderByte)
    switch ATARegister(rawValue: offset) {
    case .errorOrFeatures: return drive.error.rawValue
    case .sectorCount: return drive.taskFile.sectorCount.value(previous: high)
    case .lbaLow: return drive.taskFile.lbaLow.value(previous: high)
    case .lbaMid: return drive.taskFile.lbaMid.value(previous: high)
    case .lbaHigh: return drive.taskFile.lbaHigh.value(previous: high)
    case .device: return drive.taskFile.device
    case .statusOrCommand: return acknowledge()
    case .data, nil: return 0xFF
    }
  }

  /// Writes are dropped while a block waits to be transferred or a reset is held: the standard calls their result
  /// indeterminate, and so no guest can pull the registers from under a transfer.
  func writeCommandBlock(_ value: UInt8, at offset: Int) {
    guard drive.phase == .idle, !control.contains(.softwareReset) else { return }
    control.remove(.highOrderByte)
    switch ATARegister(rawValue: offset) {
    case .errorOrFeatures: drive.taskFile.features.push(value)
    case .sectorCount: drive.taskFile.sectorCount.push(value)
    case .lbaLow: drive.taskFile.lbaLow.push(value)
    case .lbaMid: drive.taskFile.lbaMid.push(value)
    case .lbaHigh: drive.taskFile.lbaHigh.push(value)
    case .device: drive.taskFile.device = value
    case .statusOrCommand: execute(value)
    case .data, nil: return
    }
    updateInterrupt()
  }

  func writeDeviceControl(_ value: ATADeviceControl) {
    let begins = value.contains(.softwareReset) && !control.contains(.softwareReset)
    control = value
    if begins { drive.reset() }
    updateInterrupt()
  }

  private func execute(_ code: UInt8) {
    guard isDriveSelected || code == ATACommand.executeDeviceDiagnostic.rawValue else { return }
    drive.execute(code)
    bus?.serve(drive)
  }

  /// Lets the bus master go on with what the drive waits for.
  func serveDMA() {
    bus?.serve(drive)
    updateInterrupt()
  }

  /// Reading the status register is how the guest acknowledges the selected device's interrupt (7.15).
  private func acknowledge() -> UInt8 {
    if isDriveSelected { drive.interruptPending = false }
    updateInterrupt()
    return status
  }

  /// Bit 4 of Device.
  private var isDriveSelected: Bool { drive.taskFile.device & 0x10 == 0 }

  /// Only the selected device drives INTRQ, and only while nIEN is clear.
  private func updateInterrupt() {
    let level = drive.interruptPending && isDriveSelected && !control.contains(.interruptsDisabled)
    guard level != asserted else { return }
    asserted = level
    interrupt.set(level)
  }
}
