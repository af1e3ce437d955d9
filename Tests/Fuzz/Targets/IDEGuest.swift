import DeviceModel
import EmulatedDevices

/// What every hostile driver of an IDE channel does to its two blocks.
struct IDEGuest {
  let channel: IDEChannel
  let input: FuzzInput

  static let sectors = 64
  static let identity = DriveIdentity(serial: "FUZZ-1", firmware: "1", model: "Fuzzed disk")
  private static let commands: [UInt8] = [
    0x20, 0x24, 0x29, 0x30, 0x34, 0x39, 0x40, 0x42, 0x91, 0xC4, 0xC5, 0xC6, 0xC8, 0xCA, 0x25, 0x35, 0xE7, 0xEC, 0xEF,
    0x90, 0x10, 0xE0, 0xE5, 0xEA,
  ]

  func write(_ value: UInt8, _ register: Int) {
    channel.commandBlock.write(UInt64(value), at: register, width: .byte)
  }

  /// One operation.
  func step() {
    switch input.below(12) {
    case 0...2: command(input.pick(Self.commands))
    case 3: write(input.byte(), input.below(8))
    case 4: channel.controlBlock.write(UInt64(input.byte()), at: 0, width: .byte)
    case 5: channel.controlBlock.write(0, at: 0, width: .byte)
    case 6, 7: readData()
    case 8: writeData()
    case 9: _ = channel.commandBlock.read(at: input.below(8), width: .byte)
    case 10: DeviceAccess.run(input, on: channel.commandBlock, byteCount: 8)
    default: DeviceAccess.run(input, on: channel.controlBlock, byteCount: 2)
    }
    let status = channel.controlBlock.read(at: 0, width: .byte)
    mustHold(status & 0x80 == 0 || status & 0x08 == 0, "busy and asking for data at once")
  }

  /// A command with an address in or near the medium; a quarter of them write every register twice.
  func command(_ code: UInt8) {
    let shape = input.byte()
    for _ in 0...(shape & 3 == 0 ? 1 : 0) {
      write(shape & 4 == 0 ? 1 + (input.byte() & 3) : input.byte(), 2)
      write(input.byte() % UInt8(Self.sectors + 2), 3)
      write(shape & 8 == 0 ? 0 : input.byte(), 4)
      write(shape & 16 == 0 ? 0 : input.byte(), 5)
    }
    write(0xA0 | (shape & 32 == 0 ? 0x40 : 0) | (shape & 64 == 0 ? 0 : input.byte() & 0x1F), 6)
    if shape & 128 != 0 { write(input.byte(), 1) }
    write(code, 7)
  }

  private func readData() {
    var bytes = [UInt8](repeating: 0, count: input.pick([512, 1024, 4096, 511, 3, 8192]))
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    channel.commandBlock.read(at: 0, width: input.width(), into: &raw)
  }

  private func writeData() {
    let bytes = [UInt8](repeating: input.byte(), count: input.pick([512, 1024, 4096, 511, 3, 8192]))
    channel.commandBlock.write(bytes.span.bytes, at: 0, width: input.width())
  }
}
