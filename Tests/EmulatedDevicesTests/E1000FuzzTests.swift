import Backends
import DeviceModel
import GuestMemory
import Testing

@testable import EmulatedDevices

/// A driver that writes anything anywhere, mostly where it matters.
private struct HostileDriver {
  let driver: E1000Driver
  var generator: SeededGenerator
  private(set) var contradictions = 0

  private static let widths: [AccessWidth] = [.byte, .word, .long, .long, .long, .quad]
  private static let rings: [E1000Register] = [
    .receiveBaseLow, .receiveLength, .receiveHead, .receiveTail, .transmitBaseLow, .transmitLength, .transmitHead,
    .transmitTail,
  ]

  init(seed: UInt64) throws {
    driver = try E1000Driver()
    generator = SeededGenerator(state: seed)
    driver.port.isForgetful = true
    driver.becomeBusMaster()
  }

  private mutating func pick(_ range: Range<UInt64>) -> UInt64 { UInt64.random(in: range, using: &generator) }

  /// One access, after which what must always hold is checked.
  mutating func step() throws {
    let width = Self.widths[Int(pick(0..<6))]
    switch pick(0..<100) {
    case 0..<20: try describe()
    case 20..<45: driver.write(pick(0..<300), pick(0..<2) == 0 ? .transmitTail : .receiveTail)
    case 45..<55: driver.write(ringValue(), Self.rings[Int(pick(0..<8))])
    case 55..<60: driver.write(pick(0..<1 << 27) | 0x8002, .receiveControl)
    case 60..<63: driver.write(pick(0..<16) | 2, .transmitControl)
    case 63..<75:
      driver.registers.write(generator.next(), at: Int(pick(0..<0x6010)) & (pick(0..<4) == 0 ? -1 : -4), width: width)
    case 75..<80: _ = driver.registers.read(at: Int(pick(0..<0x2_0000)) - 8, width: width)
    case 80..<88: deliver()
    case 88..<96: _ = driver.card.shared.withCore { $0.workerTurn() }
    case 96: driver.becomeBusMaster(pick(0..<8) == 0 ? pick(0..<0x800) : 7)
    case 97: driver.clock.advance(pick(0..<1_000_000))
    case 98: _ = driver.read(.interruptCause)
    default: driver.card.windows[1].device.write(generator.next(), at: Int(pick(0..<12)), width: width)
    }
    check()
  }

  /// Lengths, heads and bases, right more often than not.
  private mutating func ringValue() -> UInt64 {
    switch pick(0..<10) {
    case 0: generator.next() & 0xFFFF_FFFF
    case 1: 0
    case 2..<6: pick(1..<64) * 128
    default: pick(0..<0x4_0200) * 16
    }
  }

  /// A descriptor somewhere in the transmit ring, plausible in its kind and wild in its values.
  private mutating func describe() throws {
    let base = driver.read(.transmitBaseLow)
    let place = base + pick(0..<256) * 16
    let kind: UInt64 = [0x0900_0000, 0x0B00_0000, 0x2010_0000, 0x2910_0000, 0x2D10_0000, 0x2700_0000, 0][
      Int(pick(0..<7))]
    let length = pick(0..<100) == 0 ? pick(0..<0x10_0000) : pick(0..<3000)
    let isContext = kind == 0x2700_0000 && pick(0..<4) > 0
    let address = isContext ? 0x0000_3222_0021_180E : pick(0..<0x44_0000)
    let upper = isContext ? (pick(0..<3000) << 16 | 54 << 8) : generator.next() & 0xFFFF_FFFF
    // Where the base is wild there is nothing to be written.
    try? driver.memory.write(address, at: GuestAddress(place))
    try? driver.memory.write(kind | length | upper << 32, at: GuestAddress(place + 8))
  }

  private mutating func deliver() {
    guard driver.port.incoming.count < 100 else { return driver.port.incoming.removeAll() }
    let size = [0, 13, 14, 60, 200, 1514, 1518, 1600, 9000, 16384][Int(pick(0..<10))]
    let address = pick(0..<2) == 0 ? [255, 255, 255, 255, 255, 255] : E1000Driver.address
    driver.port.incoming.append(Array(Frames.ethernet(to: address, size: 14).prefix(size)))
    let missing = size - (driver.port.incoming.last?.count ?? 0)
    driver.port.incoming[driver.port.incoming.count - 1] += [UInt8](repeating: 0x45, count: missing)
    driver.port.offload.flags = UInt8(pick(0..<3))
    driver.port.offload.checksumStart = UInt16(pick(0..<2000))
    driver.port.offload.checksumOffset = UInt16(pick(0..<2000))
  }

  private mutating func check() {
    let core = driver.card.shared.withCore {
      (pending: $0.interrupts.isPending && !$0.interrupts.isPinDisabled, deadline: $0.interrupts.deadline)
    }
    let isPinRight = driver.line.isAsserted == core.pending || core.deadline != nil
    let counters = driver.card.counters
    contradictions += isPinRight && counters.sent == driver.port.counters.sent ? 0 : 1
  }
}

@Suite struct E1000FuzzTests {
  @Test(arguments: [UInt64(1), 2, 3])
  func randomAccessesKeepTheInvariants(seed: UInt64) throws {
    var hostile = try HostileDriver(seed: seed)
    for _ in 0..<100_000 { try hostile.step() }
    #expect(hostile.contradictions == 0)
    #expect(hostile.driver.port.longestSent <= 16384)
    // Proof that the abuse went deeper than the registers.
    #expect(hostile.driver.card.counters.sent > 1000)
    #expect(hostile.driver.card.counters.received > 100)
    #expect(hostile.driver.card.counters.refused > 100)
    try hostile.driver.start()
    hostile.driver.port.incoming = []
    let before = hostile.driver.card.counters.sent
    try hostile.driver.send(Frames.ethernet())
    #expect(hostile.driver.card.counters.sent == before + 1)
  }
}
