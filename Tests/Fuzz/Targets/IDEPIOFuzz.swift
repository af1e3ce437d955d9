import EmulatedDevices

/// The disk behind its registers and its data port.
struct IDEPIOFuzz: FuzzTarget {
  static let name = "ide-pio"

  private let storage = FuzzStorage(sectors: IDEGuest.sectors)

  func run(_ input: FuzzInput) {
    let shape = input.byte()
    storage.reset(isReadOnly: shape & 0xC0 == 0xC0, isBroken: shape & 0x30 == 0x30)
    let guest = IDEGuest(
      channel: IDEChannel(storage: storage, identity: IDEGuest.identity, interrupt: IgnoredInterrupt()), input: input)
    while !input.isEmpty { guest.step() }
  }
}
