import DeviceModel
import EmulatedDevices

/// DMA of the disk: tables of physical regions anywhere in guest memory, and beside it.
struct IDEDMAFuzz: FuzzTarget {
  static let name = "ide-dma"

  private let memory: GuardedMemory
  private let storage = FuzzStorage(sectors: IDEGuest.sectors)
  private static let table: UInt64 = 0x1000

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) {
    memory.clear()
    storage.reset()
    let function = PIIX3IDE(
      storage: storage, identity: IDEGuest.identity, interrupt: IgnoredInterrupt(), memory: memory.guest, ports: 0xC000)
    let guest = IDEGuest(channel: function.primary, input: input)
    let ports = function.windows[0].device
    storage.meanwhile = { if !input.isEmpty && input.flag() { describe(input) } }
    setCommand(input.flag() ? 5 : input.value(UInt16.self), of: function)
    while !input.isEmpty {
      switch input.below(10) {
      case 0, 1: describe(input)
      case 2, 3: transfer(input, guest, ports)
      case 4: ports.write(UInt64(input.byte()), at: 0, width: .byte)
      case 5: ports.write(input.flag() ? Self.table : input.address(in: memory.byteCount), at: 4, width: .long)
      case 6: DeviceAccess.run(input, on: ports, byteCount: 16)
      case 7: setCommand(input.flag() ? 5 : input.value(UInt16.self), of: function)
      case 8: memory.write(input)
      default: guest.step()
      }
    }
  }

  private func setCommand(_ value: UInt16, of function: PIIX3IDE) {
    function.configuration.write(UInt64(value), at: 4, width: .word)
    function.configurationWritten(at: 4, width: .word)
  }

  /// Some entries of the table.
  private func describe(_ input: FuzzInput) {
    let first = UInt64(input.below(8))
    let count = UInt64(input.below(4)) + 1
    for index in first..<(first + count) {
      let place = Self.table + 8 * index
      memory.write(UInt32(truncatingIfNeeded: input.address(in: memory.byteCount)), at: place)
      let length = input.pick([512, 0, 1024, 2, 4096, input.value(UInt16.self)])
      memory.write(length, at: place + 4)
      memory.write(UInt16(index == first + count - 1 && input.flag() ? 0x8000 : 0), at: place + 6)
    }
  }

  /// A whole transfer, as a driver starts it.
  private func transfer(_ input: FuzzInput, _ guest: IDEGuest, _ ports: any Device) {
    let isWrite = input.flag()
    ports.write(Self.table, at: 4, width: .long)
    guest.command(input.flag() ? (isWrite ? 0xCA : 0xC8) : (isWrite ? 0x35 : 0x25))
    ports.write(isWrite ? 1 : 9, at: 0, width: .byte)
    _ = ports.read(at: 2, width: .byte)
  }
}
