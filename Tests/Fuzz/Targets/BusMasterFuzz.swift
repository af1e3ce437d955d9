import EmulatedDevices

/// The registers of both bus masters and of the function, with no thought of what they mean.
struct BusMasterFuzz: FuzzTarget {
  static let name = "bus-master"

  private let memory: GuardedMemory
  private let storage = FuzzStorage(sectors: 8)

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) {
    memory.clear()
    let function = PIIX3IDE(
      storage: storage, identity: IDEGuest.identity, interrupt: IgnoredInterrupt(), memory: memory.guest, ports: 0xC000)
    while !input.isEmpty {
      switch input.below(4) {
      case 0:
        let (offset, width) = (input.below(256 - 7), input.width())
        function.configuration.write(input.number(), at: offset, width: width)
        function.configurationWritten(at: offset, width: width)
      case 1: function.primary.commandBlock.write(UInt64(input.byte()), at: input.below(8), width: .byte)
      case 2: memory.write(input)
      default: DeviceAccess.run(input, on: function.windows[0].device, byteCount: 16)
      }
      let status = function.windows[0].device.read(at: 2, width: .byte)
      mustHold(status & 0x18 == 0, "reserved bits of a bus master's status are set")
    }
  }
}
