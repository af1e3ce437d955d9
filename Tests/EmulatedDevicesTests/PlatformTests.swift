import DeviceModel
import EmulatedDevices
import Testing

/// Remembers what was asked of the machine. One thread only.
private final class FakeSystem: SystemControl, @unchecked Sendable {
  private(set) var requests: [SystemRequest] = []
  func request(_ request: SystemRequest) { requests.append(request) }
}

/// Remembers what went on to it.
private final class FakeBridge: Device {
  private(set) var writes: [UInt64] = []
  func read(at offset: Int, width: AccessWidth) -> UInt64 { 0xB00 + UInt64(offset) }
  func write(_ value: UInt64, at offset: Int, width: AccessWidth) { writes.append(value) }
}

@Suite("what ends a machine")
struct PlatformTests {
  private let system = FakeSystem()

  @Test(arguments: [AccessWidth.byte, .word, .long])
  func theDebugExitsStatusIsWhatWasWritten(width: AccessWidth) {
    DebugExit(system: system).write(3, at: 0, width: width)
    #expect(system.requests == [.exit(status: 3)])
  }

  @Test(arguments: [UInt64(0xFE), 0xF0, 0xFC])
  func aPulseOfTheResetLineResets(command: UInt64) {
    KeyboardReset(system: system).write(command, at: 0, width: .byte)
    #expect(system.requests == [.reset])
  }

  @Test(arguments: [UInt64(0), 0xAA, 0xD1, 0xEF, 0xFF, 0xF1])
  func otherKeyboardCommandsDoNot(command: UInt64) {
    KeyboardReset(system: system).write(command, at: 0, width: .byte)
    #expect(system.requests.isEmpty)
  }

  @Test func theKeyboardControllerIsAlwaysReady() {
    #expect(KeyboardReset(system: system).read(at: 0, width: .byte) == 0)
  }

  @Test(arguments: [UInt64(0x04), 0x06, 0x0E])
  func aRisingResetBitResets(value: UInt64) {
    let control = ResetControl(system: system, bridge: FakeBridge())
    control.write(0x02, at: 1, width: .byte)
    #expect(system.requests.isEmpty)
    control.write(value, at: 1, width: .byte)
    control.write(value, at: 1, width: .byte)
    #expect(system.requests == [.reset])
    #expect(control.read(at: 1, width: .byte) == value & 6)
  }

  @Test func everythingElseGoesOnToTheBridge() {
    let bridge = FakeBridge()
    let control = ResetControl(system: system, bridge: bridge)
    control.write(6, at: 0, width: .long)
    control.write(6, at: 1, width: .word)
    control.write(6, at: 5, width: .byte)
    #expect(bridge.writes == [6, 6, 6])
    #expect(control.read(at: 0, width: .long) == 0xB00)
    #expect(system.requests.isEmpty)
  }

  @Test(arguments: [AccessWidth.word, .long])
  func theSleepStateS5SwitchesOff(width: AccessWidth) {
    let power = ACPIPower(system: system)
    power.write(1 << 13 | UInt64(ACPIPower.sleepTypeS5) << 10, at: 4, width: width)
    #expect(system.requests == [.powerOff])
    #expect(power.read(at: 4, width: .word) == UInt64(ACPIPower.sleepTypeS5) << 10 | 1)
  }

  @Test func otherSleepStatesDoNotAndNeitherDoesTheTypeAlone() {
    let power = ACPIPower(system: system)
    power.write(1 << 13 | 1 << 10, at: 4, width: .word)
    power.write(UInt64(ACPIPower.sleepTypeS5) << 10, at: 4, width: .word)
    #expect(system.requests.isEmpty)
  }

  @Test func theMachineIsInACPIModeAndNothingHasHappened() {
    let power = ACPIPower(system: system)
    power.write(0xFFFF, at: 0, width: .word)
    power.write(0x0321, at: 2, width: .word)
    power.write(0, at: 4, width: .word)
    #expect(power.read(at: 0, width: .long) == 0x0321_0000)
    #expect(power.read(at: 4, width: .word) == 1)
    #expect(power.read(at: Int.max, width: .long) == 0)
  }

  @Test func theMarkerIsFirecrackersMagic() {
    let marker = BootMarker(system: system)
    marker.write(122, at: 0, width: .byte)
    marker.write(123, at: 0, width: .long)
    #expect(system.requests.isEmpty)
    marker.write(123, at: 0, width: .byte)
    #expect(system.requests == [.marker])
    #expect(marker.read(at: 0, width: .byte) == 0xFF)
  }
}
