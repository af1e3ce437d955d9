import DeviceModel
import EmulatedDevices
import Testing

/// A guest's access to the chip.
private struct RTCDriver {
  let clock = FakeClock()
  let chip: RealTimeClock

  /// 2024-02-28 23:59:58.5, a Wednesday.
  static let start: UInt64 = 1_709_164_798_500_000_000

  init(at nanoseconds: UInt64 = start) {
    let clock = clock
    clock.advance(nanoseconds &- clock.now)
    chip = RealTimeClock { clock.now }
  }

  subscript(_ register: UInt8) -> UInt8 {
    get {
      chip.write(UInt64(register), at: 0, width: .byte)
      return UInt8(truncatingIfNeeded: chip.read(at: 1, width: .byte))
    }
    nonmutating set {
      chip.write(UInt64(register), at: 0, width: .byte)
      chip.write(UInt64(newValue), at: 1, width: .byte)
    }
  }

  /// Century, year, month, day, weekday, hour, minute, second.
  var time: [UInt8] { [0x32, 9, 8, 7, 6, 4, 2, 0].map { self[$0] } }

  func set(_ bytes: [UInt8]) {
    for (register, byte) in zip([0x32, 9, 8, 7, 6, 4, 2, 0] as [UInt8], bytes) { self[register] = byte }
  }

  func advance(milliseconds: UInt64) { clock.advance(milliseconds * 1_000_000) }
}

@Suite("real-time clock")
struct RealTimeClockTests {
  private let driver = RTCDriver()

  @Test func itShowsTheTimeInBCD() {
    #expect(driver.time == [0x20, 0x24, 0x02, 0x28, 4, 0x23, 0x59, 0x58])
  }

  @Test func itShowsTheTimeInBinary() {
    driver[11] = 0x06
    #expect(driver.time == [20, 24, 2, 28, 4, 23, 59, 58])
  }

  @Test func aLeapDayFollowsMidnight() {
    driver.advance(milliseconds: 1500)
    #expect(driver.time == [0x20, 0x24, 0x02, 0x29, 5, 0, 0, 0])
    driver.advance(milliseconds: 86_400_000)
    #expect(driver.time == [0x20, 0x24, 0x03, 0x01, 6, 0, 0, 0])
  }

  /// Hours since the start of 1970, and how a twelve-hour clock shows them.
  static let hours: [(hour: UInt64, shown: UInt8)] = [
    (0, 0x12), (1, 0x01), (11, 0x11), (12, 0x92), (13, 0x81), (23, 0x91),
  ]

  @Test(arguments: hours) func twelveHoursHaveAnAfternoon(hour: UInt64, shown: UInt8) {
    let driver = RTCDriver(at: hour * 3_600_000_000_000)
    driver[11] = 0
    #expect(driver[4] == shown)
  }

  @Test func aTimeThatWasSetGoesOn() {
    driver[11] = 0x82
    driver.set([0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59])
    driver.advance(milliseconds: 10_000)
    #expect(driver.time == [0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59])
    driver[11] = 0x02
    #expect(driver.time == [0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59])
    driver.advance(milliseconds: 500)
    #expect(driver.time == [0x20, 0x00, 0x01, 0x01, 7, 0, 0, 0])
  }

  @Test func aRunningRegisterCanBeWritten() {
    driver[4] = 0x05
    #expect(driver.time == [0x20, 0x24, 0x02, 0x28, 4, 0x05, 0x59, 0x58])
    driver.advance(milliseconds: 1500)
    #expect(driver.time == [0x20, 0x24, 0x02, 0x28, 4, 0x06, 0, 0])
  }

  @Test func theWeekdayIsACounterOfItsOwn() {
    driver[6] = 7
    #expect(driver[6] == 7)
    driver.advance(milliseconds: 1500)
    #expect(driver[6] == 1)
  }

  @Test func aTimeThatDoesNotExistIsPutRight() {
    driver[11] = 0x86
    driver.set([20, 23, 2, 31, 0, 99, 255, 60])
    driver[11] = 0x06
    #expect(driver.time == [20, 23, 2, 28, 1, 23, 59, 59])
  }

  @Test func updatesAreAnnounced() {
    driver.advance(milliseconds: 497)
    #expect(driver[10] & 0x80 == 0)
    driver.advance(milliseconds: 1)
    #expect(driver[10] & 0x80 != 0)
    #expect(driver[0] == 0x58)
    driver.advance(milliseconds: 2)
    #expect(driver[10] & 0x80 == 0)
    #expect(driver[0] == 0x59)
  }

  @Test func aHeldClockIsNotUpdated() {
    driver[11] = 0x82
    driver.advance(milliseconds: 499)
    #expect(driver[10] & 0x80 == 0)
    driver.advance(milliseconds: 1000)
    #expect(driver[12] & 0x10 == 0)
  }

  @Test func everySecondIsFlaggedOnce() {
    _ = driver[12]
    #expect(driver[12] == 0)
    driver.advance(milliseconds: 1000)
    #expect(driver[12] & 0x10 != 0)
    #expect(driver[12] & 0x10 == 0)
  }

  @Test func anEnabledFlagIsARequest() {
    driver.advance(milliseconds: 1000)
    #expect(driver[12] & 0x80 == 0)
    driver[11] = 0x12
    driver.advance(milliseconds: 1000)
    #expect(driver[12] & 0x90 == 0x90)
  }

  @Test func holdingTheClockTakesTheUpdateInterruptBack() {
    driver[11] = 0x92
    #expect(driver[11] == 0x82)
  }

  /// Rate selections, and their periods in microseconds, rounded up.
  static let rates: [(rate: UInt8, period: UInt64)] = [(1, 3907), (2, 7813), (3, 123), (6, 977), (15, 500_000)]

  @Test(arguments: rates) func theRateFlagsItsPeriods(rate: UInt8, period: UInt64) {
    let driver = RTCDriver(at: 86_400_000_000_000)
    driver[10] = 0x20 | rate
    _ = driver[12]
    driver.clock.advance(period * 1000 - 1000)
    #expect(driver[12] & 0x40 == 0)
    driver.clock.advance(1000)
    #expect(driver[12] & 0x40 != 0)
  }

  @Test func rateZeroIsOff() {
    driver[10] = 0x20
    _ = driver[12]
    driver.advance(milliseconds: 10_000)
    #expect(driver[12] & 0x40 == 0)
  }

  @Test func theAlarmRingsAtItsTime() {
    (driver[5], driver[3], driver[1]) = (0x00, 0x00, 0x01)
    _ = driver[12]
    driver.advance(milliseconds: 2000)
    #expect(driver[12] & 0x20 == 0)
    driver.advance(milliseconds: 1000)
    #expect(driver[12] & 0x20 != 0)
    driver.advance(milliseconds: 1000)
    #expect(driver[12] & 0x20 == 0)
  }

  @Test func theAlarmIsFoundLongAfterwards() {
    (driver[5], driver[3], driver[1]) = (0x23, 0x59, 0x57)
    _ = driver[12]
    driver.advance(milliseconds: 86_398_000)
    #expect(driver[12] & 0x20 == 0)
    driver.advance(milliseconds: 1000)
    #expect(driver[12] & 0x20 != 0)
    driver.advance(milliseconds: 10 * 86_400_000)
    #expect(driver[12] & 0x20 != 0)
  }

  @Test func whatTheAlarmDoesNotCareAboutAlwaysMatches() {
    (driver[5], driver[3], driver[1]) = (0xFF, 0xC0, 0x30)
    _ = driver[12]
    driver.advance(milliseconds: 31_000)
    #expect(driver[12] & 0x20 == 0)
    driver.advance(milliseconds: 1000)
    #expect(driver[12] & 0x20 != 0)
  }

  @Test func anImpossibleAlarmNeverRings() {
    (driver[5], driver[3], driver[1]) = (0x24, 0x00, 0x00)
    _ = driver[12]
    driver.advance(milliseconds: 400 * 86_400_000)
    #expect(driver[12] & 0x20 == 0)
  }

  @Test func theBatteryIsGoodAndReadOnlyRegistersStay() {
    (driver[12], driver[13]) = (0xFF, 0)
    #expect(driver[13] == 0x80)
    #expect(driver[10] == 0x26)
    #expect(driver[11] == 0x02)
  }

  @Test func otherBytesAreMemory() {
    for register in UInt8(14)..<128 where register != 0x32 { driver[register] = register ^ 0x5A }
    for register in UInt8(14)..<128 where register != 0x32 { #expect(driver[register] == register ^ 0x5A) }
  }

  @Test func theMaskOfNMIIsNoPartOfTheIndex() { #expect(driver[0x80 | 13] == 0x80) }

  @Test func aWordIsIndexAndData() {
    driver.chip.write(0x770E, at: 0, width: .word)
    #expect(driver[0x0E] == 0x77)
    #expect(driver.chip.read(at: 0, width: .word) == 0x77FF)
  }

  @Test func extremeOffsetsAreHarmless() {
    for offset in [Int.min, Int.max, -1, 2, 1 << 40] {
      driver.chip.write(.max, at: offset, width: .byte)
      #expect(driver.chip.read(at: offset, width: .byte) == 0xFF)
    }
    #expect(driver.time == [0x20, 0x24, 0x02, 0x28, 4, 0x23, 0x59, 0x58])
  }
}

@Suite struct RealTimeClockFuzzTests {
  private static let widths: [AccessWidth] = [.byte, .word, .long, .quad]

  /// Accesses at random; afterwards the clock can be set and goes on.
  @Test(arguments: [UInt64(1), 2, 3]) func afterAnyAbuseTheClockCanBeSet(seed: UInt64) {
    let driver = RTCDriver()
    var generator = SeededGenerator(state: seed)
    for _ in 0..<200_000 {
      let width = Self.widths[Int.random(in: 0..<4, using: &generator)]
      switch Int.random(in: 0..<10, using: &generator) {
      case 0..<5:
        driver[UInt8.random(in: 0...15, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
      case 5: driver.chip.write(generator.next(), at: Int.random(in: -3...4, using: &generator), width: width)
      case 6: _ = driver.chip.read(at: Int.random(in: -3...4, using: &generator), width: width)
      case 7: driver.clock.advance(UInt64.random(in: 0...3_000_000_000, using: &generator))
      default: _ = driver[UInt8.random(in: 0...0x33, using: &generator)]
      }
    }
    driver[11] = 0x86
    driver.set([20, 1, 9, 9, 1, 1, 46, 39])
    driver[11] = 0x06
    #expect(driver.time == [20, 1, 9, 9, 1, 1, 46, 39])
    driver.advance(milliseconds: 1000)
    #expect(driver.time == [20, 1, 9, 9, 1, 1, 46, 40])
  }

  @Test func aClockAtTheEndOfTimeDoesNotOverflow() {
    let driver = RTCDriver(at: .max - 1_000_000_000)
    driver[11] = 0x86
    driver.set([255, 255, 255, 255, 255, 255, 255, 255])
    driver[11] = 0x06
    #expect(driver.time == [99, 99, 12, 31, 7, 23, 59, 59])
    (driver[5], driver[3], driver[1]) = (99, 99, 99)
    driver.clock.advance(999_999_999)
    _ = driver[12]
    #expect(driver[13] == 0x80)
  }
}
