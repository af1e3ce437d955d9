import DeviceModel
import EmulatedDevices
import Synchronization
import Testing

/// What an I/O APIC sends, and what its inputs are routed to.
final class FakeMessenger: InterruptMessenger {
  struct Message: Equatable {
    var address: UInt64
    var data: UInt32
  }

  private struct Log {
    var sent: [Message] = []
    var routes: [Int: Message] = [:]
    var changes = 0
    var strays = 0
  }

  private let log = Mutex(Log())
  var sent: [Message] { log.withLock { $0.sent } }
  var routes: [Int: Message] { log.withLock { $0.routes } }
  var routeChanges: Int { log.withLock { $0.changes } }
  /// Messages that are not for the local APICs.
  var strays: Int { log.withLock { $0.strays } }

  func send(address: UInt64, data: UInt32) {
    log.withLock { log in
      log.sent.append(Message(address: address, data: data))
      log.strays += address >> 20 == 0xFEE ? 0 : 1
    }
  }

  func route(input: Int, address: UInt64, data: UInt32, isMasked: Bool) {
    log.withLock { log in
      log.routes[input] = isMasked ? nil : Message(address: address, data: data)
      log.changes += 1
    }
  }
}

/// A guest's access to the chip.
private struct IOAPICDriver {
  let messenger = FakeMessenger()
  let chip: IOAPIC

  init() { chip = IOAPIC(messages: messenger) }

  subscript(_ register: UInt64) -> UInt32 {
    get {
      chip.write(register, at: 0, width: .long)
      return UInt32(chip.read(at: 0x10, width: .long))
    }
    nonmutating set {
      chip.write(register, at: 0, width: .long)
      chip.write(UInt64(newValue), at: 0x10, width: .long)
    }
  }

  /// Programs an entry, its high half first as drivers do.
  func program(_ input: Int, _ low: UInt32, destination: UInt32 = 0) {
    self[UInt64(0x11 + 2 * input)] = destination << 24
    self[UInt64(0x10 + 2 * input)] = low
  }

  func low(_ input: Int) -> UInt32 { self[UInt64(0x10 + 2 * input)] }

  static let level: UInt32 = 1 << 15
  static let mask: UInt32 = 1 << 16
  static let remote: UInt32 = 1 << 14
}

@Suite("I/O APIC registers")
struct IOAPICRegisterTests {
  private let driver = IOAPICDriver()

  @Test func itIsAnI82093AAWith24Entries() { #expect(driver[1] == 0x0017_0011) }

  @Test func theIdentificationHasFourBits() {
    driver[0] = 0xFFFF_FFFF
    #expect(driver[0] == 0x0F00_0000)
    #expect(driver[2] == 0x0F00_0000)
  }

  @Test func everyInputIsMaskedToBeginWith() {
    #expect((0..<24).map { driver.low($0) } == [UInt32](repeating: 0x10000, count: 24))
    #expect(driver.messenger.routes.isEmpty)
  }

  @Test func readOnlyBitsOfAnEntryStay() {
    driver.program(3, 0xFFFF_FFFF, destination: 0xFF)
    #expect(driver.low(3) == 0x0001_AFFF)
    #expect(driver[0x17] == 0xFF00_0000)
  }

  @Test func theIndexReadsBack() {
    driver.chip.write(0x1F3, at: 0, width: .long)
    #expect(driver.chip.read(at: 0, width: .long) == 0xF3)
  }

  @Test func registersThatAreNotThereAreZero() {
    for register in [3, 0x0F, 0x40, 0xFF] as [UInt64] {
      driver[register] = 0xFFFF_FFFF
      #expect(driver[register] == 0)
    }
  }

  @Test func aNarrowWriteOfDataIsIgnored() {
    driver.chip.write(0x10, at: 0, width: .long)
    driver.chip.write(0x41, at: 0x10, width: .byte)
    #expect(driver.low(0) == 0x10000)
  }

  @Test func extremeOffsetsAreHarmless() {
    for offset in [Int.min, Int.max, -1, 4, 0x14, 0x40, 0xFFF] {
      driver.chip.write(.max, at: offset, width: .quad)
      #expect(driver.chip.read(at: offset, width: .quad) == 0)
    }
    #expect(driver.messenger.sent.isEmpty)
  }
}

@Suite("I/O APIC inputs")
struct IOAPICInputTests {
  private let driver = IOAPICDriver()

  private func message(_ data: UInt32, _ address: UInt64 = 0xFEE0_0000) -> FakeMessenger.Message {
    FakeMessenger.Message(address: address, data: data)
  }

  @Test func everyRisingEdgeIsAMessage() {
    driver.program(4, 0x41)
    let line = driver.chip.line(4)
    for level in [true, true, false, true, false] { line.set(level) }
    #expect(driver.messenger.sent == [message(0x41), message(0x41)])
  }

  @Test func anEdgeAtAMaskedInputIsForgotten() {
    let line = driver.chip.line(4)
    line.set(true)
    driver.program(4, 0x41)
    #expect(driver.messenger.sent.isEmpty)
    line.set(false)
    line.set(true)
    #expect(driver.messenger.sent == [message(0x41)])
  }

  @Test func aLevelIsOneMessageUntilItsEnd() {
    driver.program(9, IOAPICDriver.level | 0x52)
    let line = driver.chip.line(9)
    for level in [true, false, true] { line.set(level) }
    #expect(driver.messenger.sent == [message(0xC052)])
    #expect(driver.low(9) & IOAPICDriver.remote != 0)
  }

  @Test func aLevelThatIsStillThereAtItsEndIsSentAgain() {
    driver.program(9, IOAPICDriver.level | 0x52)
    driver.chip.line(9).set(true)
    driver.chip.endOfInterrupt(vector: 0x52)
    #expect(driver.messenger.sent.count == 2)
    #expect(driver.low(9) & IOAPICDriver.remote != 0)
  }

  @Test func aLevelThatHasGoneAtItsEndIsNot() {
    driver.program(9, IOAPICDriver.level | 0x52)
    let line = driver.chip.line(9)
    line.set(true)
    line.set(false)
    driver.chip.endOfInterrupt(vector: 0x52)
    #expect(driver.messenger.sent.count == 1)
    #expect(driver.low(9) & IOAPICDriver.remote == 0)
    line.set(true)
    #expect(driver.messenger.sent.count == 2)
  }

  @Test func theEndOfAnotherVectorMeansNothing() {
    driver.program(9, IOAPICDriver.level | 0x52)
    driver.chip.line(9).set(true)
    driver.chip.endOfInterrupt(vector: 0x53)
    #expect(driver.messenger.sent.count == 1)
  }

  @Test func inputsThatShareAVectorAreBothSentAgain() {
    for input in [9, 11] {
      driver.program(input, IOAPICDriver.level | 0x52)
      driver.chip.line(input).set(true)
    }
    driver.chip.endOfInterrupt(vector: 0x52)
    #expect(driver.messenger.sent.count == 4)
  }

  @Test func aMaskedLevelWaitsUntilItIsUnmasked() {
    driver.program(9, IOAPICDriver.mask | IOAPICDriver.level | 0x52)
    driver.chip.line(9).set(true)
    #expect(driver.messenger.sent.isEmpty)
    driver.program(9, IOAPICDriver.level | 0x52)
    #expect(driver.messenger.sent == [message(0xC052)])
  }

  @Test func aLevelThatIsMaskedBeforeItsEndIsNotSentAgain() {
    driver.program(9, IOAPICDriver.level | 0x52)
    driver.chip.line(9).set(true)
    driver.program(9, IOAPICDriver.mask | IOAPICDriver.level | 0x52)
    driver.chip.endOfInterrupt(vector: 0x52)
    #expect(driver.messenger.sent.count == 1)
    #expect(driver.low(9) & IOAPICDriver.remote == 0)
  }

  @Test func switchingToEdgesForgetsTheRemoteRequest() {
    driver.program(9, IOAPICDriver.level | 0x52)
    driver.chip.line(9).set(true)
    driver.program(9, IOAPICDriver.mask | 0x52)
    #expect(driver.low(9) & IOAPICDriver.remote == 0)
    driver.program(9, IOAPICDriver.level | 0x52)
    #expect(driver.messenger.sent.count == 2)
  }

  @Test func thePolarityOfAnAssertedLineDoesNotMatter() {
    driver.program(9, IOAPICDriver.level | 1 << 13 | 0x52)
    #expect(driver.messenger.sent.isEmpty)
    driver.chip.line(9).set(true)
    #expect(driver.messenger.sent == [message(0xC052)])
  }

  /// The entry's low half, its destination, and the message that it is.
  static let messages: [(low: UInt32, destination: UInt32, address: UInt64, data: UInt32)] = [
    (0x41, 3, 0xFEE0_3000, 0x41), (0x0841, 0x0F, 0xFEE0_F004, 0x41), (0x0141, 0xFF, 0xFEEF_F000, 0x0141),
    (0x0400, 1, 0xFEE0_1000, 0x0400),
  ]

  @Test(arguments: messages)
  func anEntryIsAMessage(low: UInt32, destination: UInt32, address: UInt64, data: UInt32) {
    driver.program(0, low, destination: destination)
    driver.chip.line(0).set(true)
    #expect(driver.messenger.sent == [message(data, address)])
    #expect(driver.messenger.routes == [0: message(data, address)])
  }

  @Test(arguments: [UInt32(0), IOAPICDriver.level]) func anExternalInterruptIsNoMessage(trigger: UInt32) {
    driver.program(0, trigger | 0x0700)
    driver.chip.line(0).set(true)
    #expect(driver.messenger.sent.isEmpty)
    #expect(driver.messenger.routes.isEmpty)
    #expect(driver.low(0) & IOAPICDriver.remote == 0)
  }

  @Test func aRouteFollowsItsEntry() {
    driver.program(16, 0x41, destination: 2)
    #expect(driver.messenger.routes == [16: message(0x41, 0xFEE0_2000)])
    driver.program(16, 0x42)
    #expect(driver.messenger.routes == [16: message(0x42)])
    driver.program(16, IOAPICDriver.mask | 0x42)
    #expect(driver.messenger.routes.isEmpty)
  }

  @Test func aRouteThatStaysIsNotSetAgain() {
    driver.program(16, 0x41)
    let changes = driver.messenger.routeChanges
    for _ in 0..<10 { driver.program(16, 0x41) }
    #expect(driver.messenger.routeChanges == changes)
  }

  @Test func whatIsBeingHandledKeepsItsRouteUntilItsEnd() {
    driver.program(9, IOAPICDriver.level | 0x52)
    let line = driver.chip.line(9)
    line.set(true)
    driver.program(9, IOAPICDriver.mask | IOAPICDriver.level | 0x52)
    #expect(driver.messenger.routes == [9: message(0xC052)])
    driver.chip.endOfInterrupt(vector: 0x52)
    #expect(driver.messenger.routes.isEmpty)
  }
}

@Suite struct IOAPICFuzzTests {
  private static let widths: [AccessWidth] = [.byte, .word, .long, .quad]

  /// Any accesses, levels and ends. Afterwards the table is programmed anew, and every input delivers what it should, once.
  @Test(arguments: [UInt64(1), 2, 3]) func afterAnyAbuseEveryInputDelivers(seed: UInt64) {
    let driver = IOAPICDriver()
    var generator = SeededGenerator(state: seed)
    let lines = (0..<24).map { driver.chip.line($0) }
    for _ in 0..<100_000 {
      let width = Self.widths[Int.random(in: 0..<4, using: &generator)]
      switch Int.random(in: 0..<10, using: &generator) {
      case 0..<3:
        driver[UInt64.random(in: 0...0x42, using: &generator)] = UInt32(truncatingIfNeeded: generator.next())
      case 3: driver.chip.write(generator.next(), at: Int.random(in: -9...0x50, using: &generator), width: width)
      case 4: _ = driver.chip.read(at: Int.random(in: -9...0x50, using: &generator), width: width)
      case 5: driver.chip.endOfInterrupt(vector: UInt8.random(in: 0...255, using: &generator))
      default: lines.randomElement(using: &generator)?.set(Bool.random(using: &generator))
      }
    }
    #expect(driver.messenger.sent.count > 1000)
    #expect(driver.messenger.strays == 0)
    for (input, line) in lines.enumerated() {
      line.set(false)
      driver.program(input, IOAPICDriver.mask)
      driver.program(input, IOAPICDriver.level | UInt32(0x40 + input))
      let before = driver.messenger.sent.count
      line.set(true)
      #expect(driver.messenger.sent.count == before + 1)
      #expect(driver.messenger.sent.last?.data == UInt32(0xC040 + input))
    }
  }
}

@Suite("interrupt source")
struct InterruptSourceTests {
  private let line = FakeInterruptLine()
  private let source: InterruptSource

  init() throws { source = try InterruptSource(line: line) }

  /// Lets the device's thread do what it owes, and end.
  private func work() throws {
    source.worker.stop()
    try source.worker.run()
  }

  private var counts: [UInt64] { [0, 4].map { source.read(at: $0, width: .long) } }

  @Test func aLevelStaysUntilItIsAcknowledged() throws {
    source.write(2, at: 0, width: .long)
    try work()
    #expect(line.isAsserted)
    #expect(counts == [1, 0])
    source.write(0, at: 8, width: .long)
    #expect(!line.isAsserted)
    try work()
    #expect(line.isAsserted)
    #expect(counts == [2, 1])
  }

  @Test func whatIsNotThereCannotBeAcknowledged() throws {
    source.write(0, at: 8, width: .long)
    #expect(counts == [0, 0])
  }

  @Test func everyEdgeRises() throws {
    for _ in 0..<3 { source.write(1, at: 4, width: .long) }
    try work()
    #expect(line.risingEdges == 3)
    #expect(!line.isAsserted)
    #expect(counts == [3, 0])
  }

  @Test func extremeAccessesAreHarmless() throws {
    for offset in [Int.min, Int.max, -1, 2, 12] {
      source.write(.max, at: offset, width: .quad)
      #expect(source.read(at: offset, width: .byte) == 0xFF)
    }
    source.write(.max, at: 0, width: .long)
    source.write(.max, at: 0, width: .long)
    try work()
    #expect(counts == [1, 0])
  }
}
