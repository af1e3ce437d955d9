import ParavirtDevices

/// The virtio console: lines in chains of every shape, while the guest changes them.
struct VirtioConsoleFuzz: FuzzTarget {
  static let name = "virtio-console"

  private let memory: GuardedMemory

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) throws {
    let output = FuzzOutput()
    let guest = VirtioGuest(
      try VirtioConsole(sink: output, queueSize: 16), memory: memory, input: input
    ) { guest, input, place in
      guest.memory.write(input.array(input.below(32)), at: place)
      return UInt32(input.below(80))
    }
    output.meanwhile = { guest.goOn() }
    guest.run()
    output.meanwhile = {}
  }
}

/// Output that goes nowhere; the guest goes on now and then. One thread only.
private final class FuzzOutput: ConsoleSink, @unchecked Sendable {
  var meanwhile: () -> Void = {}
  private var count = 0

  func byte(_ value: UInt8) {
    count += 1
    if count.isMultiple(of: 64) { meanwhile() }
  }
}
