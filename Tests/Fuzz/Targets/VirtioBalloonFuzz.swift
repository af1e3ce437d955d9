import GuestMemory
import ParavirtDevices

/// The virtio balloon: page numbers, statistics and reports in chains of every shape.
struct VirtioBalloonFuzz: FuzzTarget {
  static let name = "virtio-balloon"

  private let memory: GuardedMemory

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) throws {
    let device = try VirtioBalloon(queueSize: 16)
    let pages = memory.byteCount / GuestMemory.pageByteCount
    if input.flag() { device.requestStatistics() }
    VirtioGuest(device, memory: memory, input: input) { guest, input, place in
      // Page numbers, or a tag and a value.
      for index in 0..<8 { guest.memory.write(UInt32(input.below(pages + 2)), at: place + UInt64(4 * index)) }
      return input.pick([4, 10, 32, 7, 0, 64])
    }.run()
    device.setTarget(pages: UInt32(input.below(pages)))
  }
}
