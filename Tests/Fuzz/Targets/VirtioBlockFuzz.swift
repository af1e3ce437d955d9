import ParavirtDevices

/// The virtio disk: requests of every kind in chains of every shape, while the guest changes them.
struct VirtioBlockFuzz: FuzzTarget {
  static let name = "virtio-blk"

  private let memory: GuardedMemory
  private let storage = FuzzStorage(sectors: 128)

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) throws {
    let shape = input.byte()
    storage.reset(isReadOnly: shape & 0xC0 == 0xC0, isBroken: shape & 0x30 == 0x30)
    let device = try VirtioBlock(storage: storage, queueCount: 1 + Int(shape & 1), queueSize: 16)
    let guest = VirtioGuest(device, memory: memory, input: input) { guest, input, place in
      guest.memory.write(UInt32(input.pick([0, 1, 4, 8, 11, 13, 255])), at: place)
      guest.memory.write(input.flag() ? UInt64(input.below(130)) : input.number(), at: place + 8)
      // What follows is a range to discard, where the request is one.
      guest.memory.write(UInt64(input.below(130)), at: place + 16)
      guest.memory.write(UInt32(input.below(130)), at: place + 24)
      return input.pick([16, 32, 16, 15, 64])
    }
    storage.meanwhile = { guest.goOn() }
    guest.run()
    storage.meanwhile = {}
  }
}
