import DeviceModel
import EmulatedDevices

/// The I/O APIC outside the kernel: its registers, its inputs, and ends of interrupt.
struct IOAPICFuzz: FuzzTarget {
  static let name = "io-apic"

  /// Takes messages, where they may go.
  private final class Messenger: InterruptMessenger {
    func send(address: UInt64, data: UInt32) { check(address, data) }

    func route(input: Int, address: UInt64, data: UInt32, isMasked: Bool) {
      mustHold((0..<IOAPIC.inputCount).contains(input), "a route for an input that is not there")
      if !isMasked { check(address, data) }
    }

    private func check(_ address: UInt64, _ data: UInt32) {
      mustHold(address >> 20 == 0xFEE && data >> 16 == 0, "a message that is not for the local APICs")
      mustHold(data >> 8 & 7 != 7, "an external interrupt as a message")
    }
  }

  func run(_ input: FuzzInput) {
    let chip = IOAPIC(messages: Messenger())
    while !input.isEmpty {
      switch input.below(6) {
      case 0, 1:
        chip.write(UInt64(input.below(0x44)), at: 0x00, width: .long)
        chip.write(input.number(), at: 0x10, width: .long)
      case 2: chip.line(input.below(IOAPIC.inputCount)).set(input.flag())
      case 3: chip.endOfInterrupt(vector: input.byte())
      case 4: mustHold(chip.read(at: 0x10, width: .long) <= 0xFFFF_FFFF, "a register gave more than it has")
      default: DeviceAccess.run(input, on: chip, byteCount: Int(IOAPIC.windowByteCount))
      }
    }
    chip.write(1, at: 0x00, width: .long)
    mustHold(chip.read(at: 0x10, width: .long) == 0x0017_0011, "a guest has changed the version")
  }
}
