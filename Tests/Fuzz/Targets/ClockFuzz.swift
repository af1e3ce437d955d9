import EmulatedDevices
import Synchronization

/// The CMOS clock and the PM timer, while time passes in steps of any size.
struct ClockFuzz: FuzzTarget {
  static let name = "clocks"

  private final class Hands: Sendable {
    let nanoseconds = Atomic<UInt64>(0)
  }

  func run(_ input: FuzzInput) {
    let hands = Hands()
    hands.nanoseconds.store(input.flag() ? 1_709_164_798_500_000_000 : input.number(), ordering: .relaxed)
    let clock = RealTimeClock { hands.nanoseconds.load(ordering: .relaxed) }
    let timer = ACPITimer { hands.nanoseconds.load(ordering: .relaxed) }
    while !input.isEmpty {
      switch input.below(6) {
      case 0, 1:
        clock.write(UInt64(input.below(0x34)), at: 0, width: .byte)
        clock.write(UInt64(input.byte()), at: 1, width: .byte)
      case 2:
        clock.write(UInt64(input.below(0x34)), at: 0, width: .byte)
        mustHold(clock.read(at: 1, width: .byte) <= 0xFF, "a byte register gave more than a byte")
      case 3:
        // Time does not go back.
        let now = hands.nanoseconds.load(ordering: .relaxed)
        let (later, isTooLate) = now.addingReportingOverflow(input.number())
        hands.nanoseconds.store(isTooLate ? .max : later, ordering: .relaxed)
      case 4: DeviceAccess.run(input, on: clock, byteCount: Int(RealTimeClock.portCount))
      default: DeviceAccess.run(input, on: timer, byteCount: Int(ACPITimer.portCount))
      }
    }
    clock.write(13, at: 0, width: .byte)
    mustHold(clock.read(at: 1, width: .byte) == 0x80, "a guest has emptied the battery")
  }
}
