import DeviceModel
import Synchronization

@testable import EmulatedDevices

/// The e1000: registers, descriptors of every kind in both rings, frames that come in, and turns of its worker.
struct E1000Fuzz: FuzzTarget {
  static let name = "e1000"

  private let memory: GuardedMemory
  private let port = FuzzPort()
  private static let receiveRing: UInt64 = 0x1000
  private static let transmitRing: UInt64 = 0x2000
  private static let buffers: UInt64 = 0x4000

  init() throws { memory = try GuardedMemory() }

  func run(_ input: FuzzInput) throws {
    memory.clear()
    port.reset(maximumFrame: 16_384, input: input)
    let clock = Clock()
    let card = try E1000(
      macAddress: [0x52, 0x54, 0, 1, 2, 3], memory: memory.guest, port: port, interrupt: IgnoredInterrupt(),
      placement: E1000.Placement(memory: 0xE000_0000, ports: 0xC040, interruptLine: 11), clock: { clock.now })
    let guest = Guest(card: card, memory: memory, port: port, clock: clock, input: input)
    if input.flag() { guest.start() }
    var patience = 256
    while !input.isEmpty && patience > 0 {
      patience -= 1
      guest.step()
      mustHold(card.counters.sent == port.counters.sent, "the card and its port do not agree on what was sent")
    }
  }

  private final class Clock: Sendable {
    private let time = Atomic<UInt64>(1_000_000)
    var now: UInt64 { time.load(ordering: .relaxed) }
    func advance(_ nanoseconds: UInt64) { time.wrappingAdd(nanoseconds, ordering: .relaxed) }
  }

  private struct Guest {
    let card: E1000
    let memory: GuardedMemory
    let port: FuzzPort
    let clock: Clock
    let input: FuzzInput

    private static let rings: [E1000Register] = [
      .receiveBaseLow, .receiveBaseHigh, .receiveLength, .receiveHead, .receiveTail, .transmitBaseLow,
      .transmitBaseHigh, .transmitLength, .transmitHead, .transmitTail,
    ]

    func write(_ value: UInt64, _ register: E1000Register) {
      card.windows[0].device.write(value, at: register.rawValue, width: .long)
    }

    /// Rings of sixteen, receiver and transmitter on.
    func start() {
      setCommand(7)
      write(E1000Fuzz.receiveRing, .receiveBaseLow)
      write(256, .receiveLength)
      write(E1000Fuzz.transmitRing, .transmitBaseLow)
      write(256, .transmitLength)
      for index in 0..<16 as Range<UInt64> {
        memory.write(E1000Fuzz.buffers + 2048 * index, at: E1000Fuzz.receiveRing + 16 * index)
      }
      write(0x0400_8002 | UInt64(input.value(UInt32.self) & 0x0607_F07C), .receiveControl)
      write(0xA, .transmitControl)
      write(15, .receiveTail)
      write(0x9D, .interruptMask)
    }

    private func setCommand(_ value: UInt64) {
      card.configuration.write(value, at: 4, width: .word)
      card.configurationWritten(at: 4, width: .word)
    }

    func step() {
      switch input.below(16) {
      case 0...3: describeTransmit()
      case 4: describeReceive()
      case 5, 6: write(UInt64(input.below(18)), input.flag() ? .transmitTail : .receiveTail)
      case 7: write(input.number(), input.pick(Self.rings))
      case 8: port.waiting = min(port.waiting + input.below(4), 16)
      case 9, 10: _ = card.shared.withCore { $0.workerTurn() }
      case 11: write(input.number(), input.pick(E1000Register.allCases))
      case 12: _ = card.windows[0].device.read(at: input.pick(E1000Register.allCases).rawValue, width: .long)
      case 13: other()
      case 14: memory.write(input)
      default: DeviceAccess.run(input, on: card.windows[0].device, byteCount: 0x2_0000)
      }
    }

    private func other() {
      switch input.below(5) {
      case 0: setCommand(UInt64(input.value(UInt16.self)))
      case 1: clock.advance(input.number() & 0xFF_FFFF)
      case 2: start()
      case 3: write(1 << 26, .control)
      default: DeviceAccess.run(input, on: card.windows[1].device, byteCount: 64)
      }
    }

    private func describeReceive() {
      let place = E1000Fuzz.receiveRing + 16 * UInt64(input.below(16))
      memory.write(input.address(in: memory.byteCount), at: place)
      memory.write(UInt64(0), at: place + 8)
    }

    /// A descriptor as a driver would write it, its kind and its values from the input: legacy, data or context.
    private func describeTransmit() {
      let place = E1000Fuzz.transmitRing + 16 * UInt64(input.below(16))
      let kind = input.pick([0x0B00_0000, 0x0900_0000, 0x2010_0000, 0x2B10_0000, 0x2F10_0000, 0x2700_0000, 0x2500_0000])
      let isContext = kind & 0x2010_0000 == 0x2000_0000
      if isContext && input.flag() {
        memory.write(UInt64(0x0000_3222_0021_180E), at: place)
        let segment = UInt64(input.value(UInt16.self)) << 48 | UInt64(input.byte()) << 40
        memory.write(UInt64(kind) | UInt64(input.value(UInt16.self)) | segment, at: place + 8)
      } else {
        memory.write(isContext ? input.number() : input.address(in: memory.byteCount), at: place)
        let flags = input.flag() ? UInt64(input.value(UInt32.self)) : 0x300
        memory.write(UInt64(kind) | UInt64(input.length() & 0xF_FFFF) | flags << 32, at: place + 8)
      }
    }
  }
}
