import Backends
import ParavirtDevices

/// The virtio network card: buffers, frames and commands in chains of every shape, while the guest changes them.
struct VirtioNetFuzz: FuzzTarget {
  static let name = "virtio-net"

  private let memory: GuardedMemory
  private let port = FuzzPort()

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) throws {
    let shape = input.byte()
    port.reset(
      maximumFrame: shape & 1 == 0 ? NetworkLimits.offloadFrame : NetworkLimits.plainFrame, input: input,
      waiting: Int(shape >> 4))
    let device = try VirtioNet(port: port, queuePairs: 1 + Int(shape >> 1 & 1), queueSize: 16)
    let guest = VirtioGuest(device, memory: memory, input: input) { guest, input, place in
      let header: [UInt8] = input.flag() ? input.array(input.below(16)) : []
      guest.memory.write(header, at: place)
      let length = input.pick([12, 2, 14, 8, 26, 60])
      // A command of the control queue: group, command, and what belongs to it.
      if length < 12 { guest.memory.write([UInt8(input.below(6)), UInt8(input.below(3))], at: place) }
      return UInt32(length)
    }
    port.meanwhile = { guest.goOn() }
    guest.run()
    port.meanwhile = {}
  }
}
