import Testing

@testable import DeviceModel

struct PCIHostBridgeTests {
  /// A bridge with a function in slot 2, and the ports as a guest uses them.
  private struct Rig {
    let bridge = PCIHostBridge()
    let function = Probe()

    init() { bridge.add(function, slot: 2) }

    func select(_ address: UInt64) { bridge.ports.write(address, at: 0, width: .long) }
    func read(_ port: Int, _ width: AccessWidth) -> UInt64 { bridge.ports.read(at: port, width: width) }
    func write(_ value: UInt64, _ port: Int, _ width: AccessWidth) { bridge.ports.write(value, at: port, width: width) }
  }

  /// A function that notes what it is told and shows a number that changes by itself.
  private final class Probe: PCIFunction {
    let configuration = PCIConfiguration(
      PCIIdentity(vendor: 0x1234, device: 0x5678, classCode: 0x020000, interruptPin: 1), baseAddresses: [],
      interruptLine: 11)
    let windows: [(baseAddress: PCIBaseAddress, device: any Device)] = []
    var written: [Int] = []
    var reads: UInt8 = 0

    func configurationWillBeRead(at offset: Int, width: AccessWidth) {
      reads += 1
      configuration.set(reads, at: 0xFF)
    }
    func configurationWritten(at offset: Int, width: AccessWidth) { written.append(offset) }
  }

  @Test func bridgeIsFoundInSlotZero() {
    let rig = Rig()
    rig.select(0x8000_0000)
    #expect(rig.read(4, .long) == 0x1237_8086)
    rig.select(0x8000_0008)
    #expect(rig.read(7, .byte) == 0x06)
  }

  @Test func dataWindowAnswersBytesWordsAndLongs() {
    let rig = Rig()
    rig.select(0x8000_1000)
    #expect(rig.read(4, .long) == 0x5678_1234)
    #expect(rig.read(4, .word) == 0x1234)
    #expect(rig.read(6, .word) == 0x5678)
    #expect((4..<8).map { rig.read($0, .byte) } == [0x34, 0x12, 0x78, 0x56])
    #expect(rig.read(5, .word) == 0x7812)
  }

  @Test func writesReachTheirByteAndTheFunctionHears() {
    let rig = Rig()
    rig.select(0x8000_103C)
    rig.write(0x07, 4, .byte)
    #expect(rig.read(4, .long) == 0x0107)
    rig.write(0xFF, 5, .byte)
    #expect(rig.read(4, .long) == 0x0107)
    #expect(rig.function.written == [0x3C, 0x3D])
  }

  @Test func functionMayRefreshBeforeARead() {
    let rig = Rig()
    rig.select(0x8000_10FC)
    #expect(rig.read(7, .byte) == 1)
    #expect(rig.read(7, .byte) == 2)
  }

  @Test func addressReadsBackWithoutReservedBits() {
    let rig = Rig()
    rig.select(0xFFFF_FFFF)
    #expect(rig.read(0, .long) == 0x80FF_FFFC)
  }

  @Test(arguments: [0x8000_1800, 0x8000_1100, 0x8001_1000, 0x80FF_1000] as [UInt64])
  func absentFunctionReadsAllOnes(address: UInt64) {
    let rig = Rig()
    rig.select(address)
    #expect(rig.read(4, .long) == 0xFFFF_FFFF)
    #expect(rig.read(4, .word) == 0xFFFF)
    #expect(rig.read(7, .byte) == 0xFF)
    rig.write(0, 4, .long)
    #expect(rig.function.written.isEmpty)
  }

  @Test func disabledWindowDecodesNothing() {
    let rig = Rig()
    rig.select(0x0000_103C)
    rig.write(0x07, 4, .byte)
    #expect(rig.read(4, .long) == 0xFFFF_FFFF)
    rig.select(0x8000_103C)
    #expect(rig.read(4, .byte) == 11)
  }

  @Test func narrowAccessDoesNotReachTheAddress() {
    let rig = Rig()
    rig.select(0x8000_1000)
    rig.write(0, 0, .byte)
    rig.write(0, 1, .byte)
    rig.write(0, 0, .word)
    rig.write(0, 2, .long)
    #expect(rig.read(0, .long) == 0x8000_1000)
    #expect(rig.read(0, .byte) == 0xFF)
    #expect(rig.read(2, .word) == 0xFFFF)
  }

  @Test func accessAcrossTheWindowsEndIsNotDecoded() {
    let rig = Rig()
    rig.select(0x8000_103C)
    rig.write(0, 5, .long)
    rig.write(0, 7, .word)
    rig.write(0, 4, .quad)
    #expect(rig.function.written.isEmpty)
    #expect(rig.read(5, .long) == 0xFFFF_FFFF)
    #expect(rig.read(4, .quad) == .max)
  }

  @Test func extremeOffsetsAreHarmless() {
    let rig = Rig()
    rig.select(0x8000_1000)
    for offset in [Int.min, Int.max, -1, 8] {
      rig.write(0, offset, .byte)
      #expect(rig.read(offset, .byte) == 0xFF)
    }
    #expect(rig.function.written.isEmpty)
  }

  @Test func furtherFunctionMarksItsSlot() {
    let rig = Rig()
    rig.select(0x8000_100C)
    #expect(rig.read(6, .byte) == 0)
    rig.bridge.add(PCIStub(PCIIdentity(vendor: 0x8086, device: 0x7010, classCode: 0x010180)), slot: 2, function: 1)
    #expect(rig.read(6, .byte) == 0x80)
    rig.select(0x8000_1100)
    #expect(rig.read(4, .long) == 0x7010_8086)
  }

  @Test func seededHostileAccessesNeverTouchTheIdentity() {
    let rig = Rig()
    var generator = SplitMix(state: 7)
    for _ in 0..<200_000 {
      let value = generator.next()
      let width = [AccessWidth.byte, .word, .long, .quad][Int(value >> 8 & 3)]
      let offset = Int(value & 7)
      rig.write(generator.next() | (value & 0x1000 == 0 ? 0 : 0x8000_1000), offset, width)
      _ = rig.read(Int(value >> 4 & 7), width)
    }
    rig.select(0x8000_1000)
    #expect(rig.read(4, .long) == 0x5678_1234)
  }

  private struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }
}
