import DeviceModel
import Testing

@testable import Machine

/// A clock that a test sets, and that goes on by a tick whenever it is read.
private final class TickingClock {
  var now: UInt64 = 1_000_000
  func read() -> UInt64 {
    now += 1
    return now
  }
}

@Suite("slowed devices")
struct SlowedDeviceTests {
  @Test func everyAccessReachesTheDevice() throws {
    let probe = Probe()
    let slowdown = try #require(Slowdown(permille: 100, clock: TickingClock().read))
    let device = SlowedDevice(probe, slowdown)
    var bytes: [UInt8] = [0, 0, 0, 0]
    #expect(device.read(at: 3, width: .long) == Probe.answer)
    device.write(0xAB, at: 1, width: .byte)
    fill(&bytes, from: device)
    device.write(bytes.span.bytes, at: 0, width: .word)
    #expect(
      probe.calls == [
        "read long at 3", "write byte at 1: 0xab", "read 4 bytes by word at 0", "write [0, 1, 2, 3] by word at 0",
      ])
  }

  private func fill(_ bytes: inout [UInt8], from device: SlowedDevice) {
    var elements = bytes.mutableSpan
    var span = elements.mutableBytes
    device.read(at: 0, width: .word, into: &span)
  }

  @Test func aTenthOfTheTimeSinceTheLastAnswerPasses() throws {
    let clock = TickingClock()
    let slowdown = try #require(Slowdown(permille: 100, clock: clock.read))
    slowdown.burn()
    let answered = clock.now
    clock.now += 50_000
    slowdown.burn()
    #expect((55_000...55_100).contains(clock.now - answered))
  }

  @Test func theFirstAnswerIsNotLate() throws {
    let clock = TickingClock()
    let slowdown = try #require(Slowdown(permille: 1000, clock: clock.read))
    slowdown.burn()
    #expect(clock.now == 1_000_002)
  }

  @Test func aMachineThatIsNotSlowedHasNone() {
    #expect(Slowdown(permille: 0) == nil)
  }

  @Test func whereNobodyIsAllBitsAreSetWhoeverAsks() throws {
    let slowdown = try #require(Slowdown(permille: 100, clock: TickingClock().read))
    let device = SlowedDevice(Nobody(), slowdown)
    device.write(1, at: 0, width: .long)
    #expect(device.read(at: 0, width: .long) == .max)
  }

  @Test func devicesAreReplacedWhereTheyAre() throws {
    let probe = Probe()
    var bus = Bus()
    try bus.map(probe, at: 0x100, count: 8)
    let other = Probe()
    bus.replaceDevices { $0 === probe ? other : $0 }
    let found = bus.device(at: 0x103)
    #expect(found?.device === other)
    #expect(found?.offset == 3)
  }
}
