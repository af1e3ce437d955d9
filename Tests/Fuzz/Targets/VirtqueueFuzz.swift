import GuestMemory
import ParavirtDevices

/// A split virtqueue alone: any layout, any rings, any chains.
struct VirtqueueFuzz: FuzzTarget {
  static let name = "virtqueue"

  private let memory: GuardedMemory

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) throws {
    memory.clear()
    let isDecent = input.byte() < 0xC0
    let size = isDecent ? UInt32(1) << UInt32(input.below(6)) : UInt32(truncatingIfNeeded: input.number())
    let places = isDecent ? [0x1000, 0x2000, 0x3000] : (0..<3).map { _ in input.address(in: memory.byteCount) }
    let layout = try VirtqueueLayout(
      size: size, maximumSize: 64, descriptors: GuestAddress(places[0]), driver: GuestAddress(places[1]),
      device: GuestAddress(places[2]), memory: memory.guest)
    var features: VirtioFeatures = [.version1]
    if input.flag() { features.insert(.eventIndex) }
    if input.flag() { features.insert(.indirectDescriptors) }
    let queue = Virtqueue(layout, memory: memory.guest, features: features)
    var chain = DescriptorChain(capacity: 64)
    while !input.isEmpty {
      try step(input, queue, layout, &chain)
    }
  }

  private func step(
    _ input: FuzzInput, _ queue: Virtqueue, _ layout: VirtqueueLayout, _ chain: inout DescriptorChain
  ) throws {
    switch input.below(10) {
    case 0...2: describe(input, at: layout.descriptors.value + 16 * UInt64(input.below(Int(layout.size) + 1)))
    case 3: memory.write(UInt16(input.below(66)), at: layout.driver.value + 4 + 2 * UInt64(input.below(64)))
    case 4: memory.write(UInt16(truncatingIfNeeded: input.number()), at: layout.driver.value + 2)
    case 5:
      let index = memory.read(UInt16.self, at: layout.driver.value + 2)
      memory.write(index &+ UInt16(input.below(4)), at: layout.driver.value + 2)
    case 6:
      guard try queue.pop(into: &chain) else { return }
      check(chain, size: Int(layout.size))
    case 7: try queue.push(head: chain.head, written: input.value(UInt32.self))
    case 8:
      _ = try queue.takeInterruptWish()
      if input.flag() { try queue.suppressNotifications() } else { _ = try queue.requestNotification() }
    default: memory.write(input)
    }
  }

  private func describe(_ input: FuzzInput, at place: UInt64) {
    memory.write(input.address(in: memory.byteCount), at: place)
    memory.write(input.flag() ? 16 * UInt32(input.below(66)) : input.length(), at: place + 8)
    memory.write(UInt16(input.byte() & 7), at: place + 12)
    memory.write(UInt16(input.below(66)), at: place + 14)
  }

  /// Every buffer of a chain is memory of the guest, from its first byte to its last.
  private func check(_ chain: DescriptorChain, size: Int) {
    let whole = memory.guest.slot
    mustHold(chain.ranges.count <= size, "a chain is longer than its queue")
    mustHold(chain.readable.count + chain.writable.count == chain.ranges.count, "a buffer has no direction")
    for range in chain.ranges {
      let isInside = range.start >= whole.start && range.start + range.count <= whole.start + whole.count
      mustHold(range.count > 0 && isInside, "a buffer is not in guest memory")
    }
  }
}
