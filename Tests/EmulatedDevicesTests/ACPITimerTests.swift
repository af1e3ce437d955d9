import DeviceModel
import EmulatedDevices
import Testing

@Suite("ACPI PM timer")
struct ACPITimerTests {
  private let clock = FakeClock()
  private let timer: ACPITimer

  init() {
    let clock = clock
    clock.advance(5_000_000_000)
    timer = ACPITimer { clock.now }
  }

  private var counter: UInt64 { timer.read(at: 0, width: .long) }

  @Test func itStartsAtZero() { #expect(counter == 0) }

  @Test func itCountsAtItsFrequency() {
    clock.advance(1_000_000_000)
    #expect(counter == 3_579_545)
    clock.advance(500_000_000)
    #expect(counter == 5_369_317)
  }

  @Test func aTickIs280Nanoseconds() {
    clock.advance(279)
    #expect(counter == 0)
    clock.advance(1)
    #expect(counter == 1)
  }

  @Test func itWrapsAroundAfter32Bits() {
    clock.advance(1_199_864_031_602)
    #expect(counter == 0xFFFF_FFFF)
    clock.advance(600)
    #expect(counter == 1)
  }

  @Test func centuriesDoNotOverflow() {
    clock.advance(.max - 5_000_000_000)
    #expect(counter <= 0xFFFF_FFFF)
  }

  @Test func itsBytesAreThoseOfOneCounter() {
    clock.advance(100_000_000_000)
    let value = counter
    #expect(value == 357_954_500)
    let bytes = (0..<4).map { UInt8(truncatingIfNeeded: timer.read(at: $0, width: .byte)) }
    #expect(bytes == [0xC4, 0xF3, 0x55, 0x15])
    #expect(timer.read(at: 2, width: .word) == value >> 16)
  }

  @Test func beyondItThereIsNothing() {
    #expect(timer.read(at: 3, width: .word) == 0xFF00)
    #expect(timer.read(at: 0, width: .quad) == 0xFFFF_FFFF_0000_0000)
    for offset in [4, -1, Int.max, Int.min] {
      #expect(timer.read(at: offset, width: .byte) == 0xFF)
      #expect(timer.read(at: offset, width: .long) == 0xFFFF_FFFF)
    }
  }

  @Test func writesAreIgnored() {
    clock.advance(1_000_000_000)
    for offset in [0, 3, -4, Int.max] { timer.write(.max, at: offset, width: .long) }
    #expect(counter == 3_579_545)
  }
}
