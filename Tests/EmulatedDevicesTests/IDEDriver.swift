import DeviceModel
import EmulatedDevices

/// Drives a channel as a guest's driver does: by its registers only.
struct IDEDriver {
  let line: FakeInterruptLine
  let storage: FakeStorage
  let channel: IDEChannel

  init(sectors: UInt64 = 4096) {
    line = FakeInterruptLine()
    storage = FakeStorage(sectors: sectors)
    channel = IDEChannel(
      storage: storage, identity: DriveIdentity(serial: "PVB-1", firmware: "2.5", model: "Test disk"), interrupt: line)
  }

  /// Drives the channel of a controller.
  init(_ channel: IDEChannel, storage: FakeStorage, line: FakeInterruptLine) {
    self.channel = channel
    self.storage = storage
    self.line = line
  }

  /// Reads a byte register of the command block.
  func read(_ register: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: channel.commandBlock.read(at: register, width: .byte))
  }

  /// Writes a byte register of the command block.
  func write(_ value: UInt8, to register: Int) {
    channel.commandBlock.write(UInt64(value), at: register, width: .byte)
  }

  /// The status register; reading it acknowledges the interrupt.
  func acknowledge() -> UInt8 { read(7) }

  var alternateStatus: UInt8 { UInt8(truncatingIfNeeded: channel.controlBlock.read(at: 0, width: .byte)) }
  var error: UInt8 { read(1) }

  func control(_ value: UInt8) { channel.controlBlock.write(UInt64(value), at: 0, width: .byte) }

  /// Issues a command without an address.
  func command(_ code: UInt8, features: UInt8 = 0, count: UInt8 = 0) {
    write(features, to: 1)
    write(count, to: 2)
    write(code, to: 7)
  }

  /// Issues a command with a 28-bit address.
  func command(_ code: UInt8, lba: UInt32, count: UInt8) {
    write(0xE0 | UInt8(lba >> 24 & 0x0F), to: 6)
    write(count, to: 2)
    write(UInt8(truncatingIfNeeded: lba), to: 3)
    write(UInt8(truncatingIfNeeded: lba >> 8), to: 4)
    write(UInt8(truncatingIfNeeded: lba >> 16), to: 5)
    write(code, to: 7)
  }

  /// Issues a command with a 48-bit address: high bytes first.
  func commandExt(_ code: UInt8, lba: UInt64, count: UInt16) {
    write(0xE0, to: 6)
    for shift in [(UInt64(24), UInt16(8)), (0, 0)] {
      write(UInt8(truncatingIfNeeded: count >> shift.1), to: 2)
      write(UInt8(truncatingIfNeeded: lba >> shift.0), to: 3)
      write(UInt8(truncatingIfNeeded: lba >> (shift.0 + 8)), to: 4)
      write(UInt8(truncatingIfNeeded: lba >> (shift.0 + 16)), to: 5)
    }
    write(code, to: 7)
  }

  /// Issues a command with a cylinder, head and sector.
  func command(_ code: UInt8, cylinder: UInt16, head: UInt8, sector: UInt8, count: UInt8) {
    write(0xA0 | head, to: 6)
    write(count, to: 2)
    write(sector, to: 3)
    write(UInt8(truncatingIfNeeded: cylinder), to: 4)
    write(UInt8(cylinder >> 8), to: 5)
    write(code, to: 7)
  }

  /// `rep insw` (or another width) of `count` bytes from the data port.
  func readData(_ count: Int, width: AccessWidth = .word) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xEE, count: count)
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    channel.commandBlock.read(at: 0, width: width, into: &raw)
    return bytes
  }

  /// `rep outsw` (or another width) to the data port.
  func writeData(_ bytes: [UInt8], width: AccessWidth = .word) {
    channel.commandBlock.write(bytes.span.bytes, at: 0, width: width)
  }

  /// The LBA that the registers show, 28 bits of it.
  var shownLBA: UInt32 {
    UInt32(read(3)) | UInt32(read(4)) << 8 | UInt32(read(5)) << 16 | UInt32(read(6) & 0x0F) << 24
  }

  /// The LBA that the registers show, 48 bits of it, the high half through HOB.
  var shownLBA48: UInt64 {
    let low = UInt64(read(3)) | UInt64(read(4)) << 8 | UInt64(read(5)) << 16
    control(0x80)
    defer { control(0) }
    return low | UInt64(read(3)) << 24 | UInt64(read(4)) << 32 | UInt64(read(5)) << 40
  }

  /// IDENTIFY DEVICE as 256 words.
  func identify() -> [UInt16] {
    command(0xEC)
    let bytes = readData(512)
    return (0..<256).map { UInt16(bytes[2 * $0]) | UInt16(bytes[2 * $0 + 1]) << 8 }
  }
}
