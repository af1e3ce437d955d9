import DeviceModel
import EmulatedDevices
import Testing

@Suite("host clock port")
struct HostClockPortTests {
  private let clock = FakeClock()
  private let port: HostClockPort

  init() {
    let clock = clock
    clock.advance(0x12_3456_7890 - clock.now)
    port = HostClockPort { clock.now }
  }

  @Test func bothHalvesAreOfOneMoment() {
    #expect(port.read(at: 0, width: .long) == 0x3456_7890)
    clock.advance(1 << 33)
    #expect(port.read(at: 4, width: .long) == 0x12)
  }

  @Test func theHighHalfIsOfTheLastStamp() {
    #expect(port.read(at: 4, width: .long) == 0)
    _ = port.read(at: 0, width: .long)
    clock.advance(1 << 33)
    _ = port.read(at: 0, width: .long)
    #expect(port.read(at: 4, width: .long) == 0x14)
  }

  @Test func allElseIsOnes() {
    #expect(port.read(at: 0, width: .byte) == 0xFF)
    #expect(port.read(at: 2, width: .word) == 0xFFFF)
    for offset in [8, -4, Int.max, Int.min] { #expect(port.read(at: offset, width: .long) == 0xFFFF_FFFF) }
  }

  @Test func itCannotBeSet() {
    port.write(0, at: 0, width: .long)
    #expect(port.read(at: 0, width: .long) == 0x3456_7890)
  }
}
