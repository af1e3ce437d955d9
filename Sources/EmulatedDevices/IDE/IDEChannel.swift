import Backends
import DeviceModel

/// One channel of a PIIX-style IDE controller: a hard disk as device 0, nothing as device 1. By itself it does PIO; DMA comes
/// with a controller that masters the bus (`PIIX3IDE`).
///
/// The two windows are one device: whoever serialises accesses does so for both together. Storage is accessed synchronously
/// in the thread that makes the access; only a software reset that the guest holds can be seen as BSY.
public final class IDEChannel {
  /// The eight ports of the command block (0x1F0 on a PC's primary channel): the data register, 16 or 32 bits wide, and
  /// seven byte registers.
  public let commandBlock: any Device
  /// The one port of the control block (0x3F6): alternate status and device control.
  public let controlBlock: any Device
  private let registers: IDERegisters

  /// A channel after power-on, whose disk is as large as `storage`; `interrupt` is low.
  public convenience init(storage: any BlockStorage, identity: DriveIdentity, interrupt: any InterruptLine) {
    self.init(storage: storage, identity: identity, interrupt: interrupt, bus: nil)
  }

  /// A channel with the DMA that its controller's `bus` master makes possible.
  init(storage: any BlockStorage, identity: DriveIdentity, interrupt: any InterruptLine, bus: BusMasterLink?) {
    let drive = ATADrive(storage: storage, identity: identity, supportsDMA: bus != nil)
    registers = IDERegisters(drive: drive, interrupt: interrupt, bus: bus)
    commandBlock = IDECommandBlock(registers: registers)
    controlBlock = IDEControlBlock(registers: registers)
  }

  /// The bus master may have become able to move what the drive waits for.
  func serveDMA() { registers.serveDMA() }
}

/// The command block's window.
private final class IDECommandBlock: Device {
  private let registers: IDERegisters

  init(registers: IDERegisters) { self.registers = registers }

  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    guard offset == ATARegister.data.rawValue else {
      return ByteLanes.read(at: offset, width: width) { registers.readCommandBlock(at: $0) }
    }
    guard IDERegisters.isDataWidth(width) else { return .max >> UInt64(64 - 8 * width.rawValue) }
    var value: UInt32 = 0
    withUnsafeMutableBytes(of: &value) { bytes in
      // SAFETY: the first 2 or 4 bytes of a local of 4, for this call only.
      registers.readData(into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<width.rawValue]), width: width)
    }
    return UInt64(UInt32(littleEndian: value))
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    guard offset == ATARegister.data.rawValue else {
      return ByteLanes.write(value, at: offset, width: width) { registers.writeCommandBlock($0, at: $1) }
    }
    guard IDERegisters.isDataWidth(width) else { return }
    withUnsafeBytes(of: UInt32(truncatingIfNeeded: value).littleEndian) { bytes in
      // SAFETY: the first 2 or 4 bytes of a local of 4, for this call only.
      registers.writeData(UnsafeRawBufferPointer(rebasing: bytes[..<width.rawValue]), width: width)
    }
  }

  func read(at offset: Int, width: AccessWidth, into bytes: inout MutableRawSpan) {
    guard offset == ATARegister.data.rawValue, IDERegisters.isDataWidth(width) else {
      return readElements(at: offset, width: width, into: &bytes)
    }
    bytes.withUnsafeMutableBytes { registers.readData(into: $0, width: width) }
  }

  func write(_ bytes: RawSpan, at offset: Int, width: AccessWidth) {
    guard offset == ATARegister.data.rawValue, IDERegisters.isDataWidth(width) else {
      return writeElements(bytes, at: offset, width: width)
    }
    bytes.withUnsafeBytes { registers.writeData($0, width: width) }
  }
}

/// The control block's window.
private final class IDEControlBlock: Device {
  private let registers: IDERegisters

  init(registers: IDERegisters) { self.registers = registers }

  func read(at offset: Int, width: AccessWidth) -> UInt64 {
    ByteLanes.read(at: offset, width: width) { $0 == 0 ? registers.status : 0xFF }
  }

  func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    guard offset == 0 else { return }
    registers.writeDeviceControl(ATADeviceControl(rawValue: UInt8(truncatingIfNeeded: value)))
  }
}
