import Backends
import GuestMemory
import ParavirtDevices

/// The virtio entropy device: chains of every shape to be filled, while the guest changes them.
struct VirtioEntropyFuzz: FuzzTarget {
  static let name = "virtio-rng"

  private let memory: GuardedMemory

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) throws {
    let source = FuzzEntropy()
    let guest = VirtioGuest(
      try VirtioEntropy(source: source, queueSize: 16), memory: memory, input: input
    ) { _, input, _ in UInt32(input.below(64)) }
    source.meanwhile = { guest.goOn() }
    guest.run()
    source.meanwhile = {}
  }
}

/// Touches every byte that it is asked for, and lets the guest go on meanwhile.
private final class FuzzEntropy: EntropySource {
  var meanwhile: () -> Void = {}

  func fill(_ range: HostRange) -> Int {
    mustHold(range.count <= VirtioEntropy.mostBytes, "a request for more than the most")
    meanwhile()
    range.start.initializeMemory(as: UInt8.self, repeating: 0x5A, count: range.count)
    return range.count
  }
}
