import DeviceModel
import GuestMemory
import Testing

@testable import ParavirtDevices

struct VirtioBalloonTests {
  typealias Descriptor = GuestQueue.Descriptor
  private enum Queue {
    static let inflate = 0
    static let deflate = 1
    static let statistics = 2
    static let hints = 3
    static let reports = 4
  }
  private static let list: UInt64 = 0x5_0000
  private static let features: VirtioFeatures = [
    .version1, .indirectDescriptors, .eventIndex, .balloonStatistics, .balloonDeflateOnOOM, .balloonPageReporting,
  ]
  private let rig: ChainRig<VirtioBalloon>

  init() throws {
    let device = try VirtioBalloon()
    rig = try ChainRig(device, worker: device.worker)
    try start()
  }

  /// From reset to DRIVER_OK, every page from 1 MiB on marked.
  private func start(_ features: VirtioFeatures = features) throws {
    try rig.start(features)
    for page in UInt64(0x100)..<0x400 { try rig.memory.write(page, at: GuestAddress(page << 12)) }
  }

  /// Writes page numbers into guest memory; the descriptor of the list.
  private func pages(_ numbers: [UInt32]) throws -> Descriptor {
    for (index, number) in numbers.enumerated() {
      try rig.memory.write(number, at: GuestAddress(Self.list + 4 * UInt64(index)))
    }
    return Descriptor(address: Self.list, length: UInt32(4 * numbers.count))
  }

  private func statistics(_ values: [(tag: UInt16, value: UInt64)]) throws -> Descriptor {
    for (index, statistic) in values.enumerated() {
      let place = GuestAddress(Self.list + 10 * UInt64(index))
      try rig.memory.write(statistic.tag, at: place)
      try rig.memory.write(statistic.value, at: place + 2)
    }
    return Descriptor(address: Self.list, length: UInt32(10 * values.count))
  }

  /// Pages from 1 MiB on that lost their mark.
  private func emptied() throws -> [UInt64] {
    try (UInt64(0x100)..<0x400).filter { try rig.memory.read(UInt64.self, at: GuestAddress($0 << 12)) != $0 }
  }

  @Test func deviceIsABalloonWithFiveQueues() {
    #expect(rig.driver.read(.deviceID) == 5)
    #expect(rig.driver.offeredFeatures() == Self.features)
    #expect(rig.device.queueSizes == [128, 128, 128, 128, 128])
    #expect(rig.device.configuration.byteCount == 8)
  }

  // MARK: Pages

  @Test func inflatedPagesGoBackToTheHostAndNoOthers() throws {
    #expect(try rig.submit([try pages([0x110, 0x111, 0x112, 0x200, 0x1FF, 0x110])]) == 0)
    #expect(try emptied() == [0x110, 0x111, 0x112, 0x1FF, 0x200])
    #expect(rig.device.counters == VirtioBalloonCounters(inflated: 6, deflated: 0, reported: 0))
    #expect(rig.device.counters.reclaimedBytes == 6 * 4096)
  }

  @Test func deflatedPagesAreCountedAndLeftAlone() throws {
    #expect(try rig.submit([try pages([0x110, 0x111])], queue: Queue.deflate) == 0)
    #expect(try emptied() == [])
    #expect(rig.device.counters == VirtioBalloonCounters(inflated: 0, deflated: 2, reported: 0))
  }

  @Test func listMayBeSplitAnywhere() throws {
    let whole = try pages([0x110, 0x111])
    let parts = [
      Descriptor(address: whole.address, length: 3), Descriptor(address: whole.address + 3, length: 2),
      Descriptor(address: whole.address + 5, length: 3),
    ]
    #expect(try rig.submit(parts) == 0)
    #expect(try emptied() == [0x110, 0x111])
  }

  @Test func brokenNumberAtTheEndIsLeftOut() throws {
    var list = try pages([0x110, 0x111])
    list.length = 7
    #expect(try rig.submit([list]) == 0)
    #expect(try emptied() == [0x110])
  }

  @Test func moreNumbersThanTheMostAreLeftOut() throws {
    let numbers = (0..<1030).map { UInt32($0 < 1024 ? 0x110 : 0x120) }
    #expect(try rig.submit([try pages(numbers)]) == 0)
    #expect(try emptied() == [0x110])
  }

  static let absurdPages: [[UInt32]] = [
    [0x400], [.max], [0x110, 0x3FF, 0x400], [0x8000_0000], [0xF_FFFF, 0x10_0000, 0x10_0001],
  ]

  @Test(arguments: absurdPages) func pageOutsideRAMNeedsReset(_ numbers: [UInt32]) throws {
    try rig.publish([try pages(numbers)])
    try rig.waitForNeedsReset()
    #expect(try emptied().allSatisfy { numbers.contains(UInt32($0)) })
    try start()
    #expect(try rig.submit([try pages([0x110])]) == 0)
  }

  @Test func ringsThemselvesMayBeGivenAway() throws {
    try rig.publish([try pages([0x10, 0x11, 0x14, 0x18, 0x50])])
    rig.driver.write(0, to: .status)
    #expect(rig.driver.status == [])
  }

  // MARK: Reports

  private func writable(_ address: UInt64, _ length: UInt32) -> Descriptor {
    Descriptor(address: address, length: length, flags: Descriptor.isWritable)
  }

  @Test(arguments: [Queue.reports, Queue.hints])
  func wholePagesOfAReportGoBackToTheHost(queue: Int) throws {
    let chain = [writable(0x11_0000, 0x2000), writable(0x20_0008, 0x3000), writable(0x30_0001, 4094)]
    #expect(try rig.submit(chain, queue: queue) == 0)
    #expect(try emptied() == [0x110, 0x111, 0x201, 0x202])
    #expect(rig.device.counters == VirtioBalloonCounters(inflated: 0, deflated: 0, reported: 4))
  }

  @Test func reportsWithoutTheFeatureChangeNothing() throws {
    try start([.version1, .balloonStatistics])
    #expect(try rig.submit([writable(0x11_0000, 0x2000)], queue: Queue.reports) == 0)
    #expect(try emptied() == [])
  }

  @Test func withoutStatisticsTheirQueueTakesReports() throws {
    try start([.version1, .balloonPageReporting])
    #expect(try rig.submit([writable(0x11_0000, 0x2000)], queue: Queue.statistics) == 0)
    #expect(try emptied() == [0x110, 0x111])
  }

  // MARK: Statistics

  @Test func statisticsAreReadAndTheirBufferIsKeptUntilNewOnesAreWanted() throws {
    try rig.publish([try statistics([(4, 1000), (5, 2000), (99, 1), (9, 3)])], queue: Queue.statistics)
    try rig.eventually { rig.device.statistics.count == 3 }
    #expect(rig.device.statistics == [.free: 1000, .total: 2000, .hugePageFailures: 3])
    #expect(try rig.queues[Queue.statistics].usedIndex() == 0)
    rig.device.requestStatistics()
    try rig.waitForUsed(1, queue: Queue.statistics)
    #expect(try rig.queues[Queue.statistics].used(0) == (0, 0))
    try rig.publish([try statistics([(4, 1001)])], queue: Queue.statistics)
    try rig.eventually { rig.device.statistics[.free] == 1001 }
  }

  @Test func furtherStatisticsComeBackAtOnce() throws {
    let chain = [try statistics([(4, 1)])]
    try rig.publish(chain, queue: Queue.statistics)
    try rig.publish(chain, queue: Queue.statistics)
    try rig.waitForUsed(1, queue: Queue.statistics)
  }

  @Test func statisticsThatAreWantedBeforeAnyCameAreNotAskedForTwice() throws {
    rig.device.requestStatistics()
    try rig.publish([try statistics([(4, 1)])], queue: Queue.statistics)
    _ = try rig.submit([try pages([0x110])])
    #expect(try rig.queues[Queue.statistics].usedIndex() == 0)
  }

  @Test func keptBufferIsForgottenByAReset() throws {
    try rig.publish([try statistics([(4, 1)])], queue: Queue.statistics)
    try rig.eventually { rig.device.statistics[.free] == 1 }
    try start()
    rig.device.requestStatistics()
    _ = try rig.submit([try pages([0x110])])
    #expect(try rig.queues[Queue.statistics].usedIndex() == 0)
  }

  // MARK: Hostile drivers

  static let readable = Descriptor(address: 0x11_0000, length: 16)
  static let both = [
    readable, Descriptor(address: 0x11_0000, length: 16, flags: Descriptor.isWritable),
  ]
  static let brokenRequests: [(queue: Int, chain: [Descriptor])] = [
    (Queue.inflate, both), (Queue.inflate, [both[1]]), (Queue.deflate, both), (Queue.deflate, [both[1]]),
    (Queue.statistics, both), (Queue.statistics, [both[1]]), (Queue.reports, both), (Queue.reports, [readable]),
    (Queue.inflate, [Descriptor(address: 0x11_0000, length: 0)]),
    (Queue.reports, [Descriptor(address: 0x3F_F000, length: 0x2000, flags: Descriptor.isWritable)]),
    (Queue.reports, [Descriptor(address: .max - 4095, length: .max, flags: Descriptor.isWritable)]),
  ]

  @Test(arguments: brokenRequests) func brokenRequestNeedsReset(queue: Int, chain: [Descriptor]) throws {
    try rig.publish(chain, queue: queue)
    try rig.waitForNeedsReset()
    #expect(try emptied() == [])
    #expect(try rig.queues[queue].usedIndex() == 0)
    try start()
    #expect(try rig.submit([try pages([0x110])]) == 0)
  }

  @Test(arguments: [Queue.inflate, Queue.deflate, Queue.statistics, Queue.reports])
  func indexJumpNeedsReset(queue: Int) throws {
    try rig.queues[queue].setAvailable(1000)
    rig.driver.write(UInt32(queue), to: .queueNotify)
    try rig.waitForNeedsReset()
  }

  @Test func resetWhileBusyTakesNothingMore() throws {
    let chain = [try pages((0..<256).map { 0x110 + $0 })]
    for _ in 0..<50 {
      try rig.start()
      try rig.queues[Queue.inflate].writeChain(chain)
      for _ in 0..<16 { try rig.queues[Queue.inflate].publish(0) }
      rig.driver.write(0, to: .queueNotify)
      rig.driver.write(0, to: .status)
      try rig.memory.write([UInt8](repeating: 0x77, count: 0x10_0000), at: GuestAddress(0x11_0000))
      rig.driver.write(0, to: .queueNotify)
      #expect(try rig.memory.bytes(at: GuestAddress(0x11_0000), count: 0x10_0000).allSatisfy { $0 == 0x77 })
    }
  }

  @Test(arguments: [UInt64(1), 0xDEAD_BEEF])
  func randomDriversDoNotTrap(seed: UInt64) throws {
    try rig.misbehave(rounds: 20_000, features: Self.features, seed: seed)
    try start()
    #expect(try rig.submit([try pages([0x110])]) == 0)
    #expect(try emptied() == [0x110])
  }
}

/// Fields that change by themselves, and fields that the driver writes, on both transports.
struct VirtioBalloonConfigurationTests {
  private let memory: GuestMemory
  private let messages = CountedMessages(6)
  private let balloon: VirtioBalloon

  init() throws {
    memory = try GuestMemory(byteCount: 1 << 20)
    balloon = try VirtioBalloon()
  }

  @Test func targetIsSeenOnMMIOWithANewGenerationAndAnInterrupt() throws {
    let interrupt = try EventFD()
    let driver = GuestDriver(transport: VirtioMMIOTransport(device: balloon, memory: memory, interrupt: interrupt))
    driver.negotiate(.version1)
    driver.start()
    let generation = driver.read(.configurationGeneration)
    balloon.setTarget(pages: 0x0102_0304)
    #expect(driver.transport.read(at: 0x100, width: .long) == 0x0102_0304)
    #expect(driver.read(.configurationGeneration) != generation)
    #expect(interrupt.consume() == 1)
    #expect(driver.read(.interruptStatus) == 2)
  }

  @Test func actualIsWrittenOnMMIOAndNothingElse() throws {
    let driver = GuestDriver(
      transport: VirtioMMIOTransport(device: balloon, memory: memory, interrupt: try EventFD()))
    driver.transport.write(77, at: 0x104, width: .long)
    driver.transport.write(5, at: 0x100, width: .long)
    driver.transport.write(6, at: 0x104, width: .word)
    driver.transport.write(7, at: 0x108, width: .quad)
    #expect(balloon.actualPages == 77)
    #expect(driver.transport.read(at: 0x100, width: .quad) == 77 << 32)
  }

  private func onPCI() -> any Device {
    VirtioPCITransport(
      device: balloon, memory: memory, structures: 0xE000_0000, messageWindow: 0xE000_4000, messages: messages,
      line: RememberedLine(), lineNumber: 10
    ).windows[0].device
  }

  @Test func targetIsSeenOnPCIWithANewGeneration() {
    let registers = onPCI()
    let place = VirtioPCIRegister.configurationGeneration.rawValue
    let generation = registers.read(at: place, width: .byte)
    balloon.setTarget(pages: 9)
    #expect(registers.read(at: VirtioPCIStructure.device.offset, width: .long) == 9)
    #expect(registers.read(at: place, width: .byte) != generation)
    for _ in 0..<300 { balloon.setTarget(pages: 9) }
    #expect(registers.read(at: place, width: .byte) <= 0xFF)
  }

  @Test func actualIsWrittenOnPCI() {
    let registers = onPCI()
    registers.write(77, at: VirtioPCIStructure.device.offset + 4, width: .long)
    #expect(balloon.actualPages == 77)
  }

  @Test func sleepingDriverIsToldOfNoTarget() throws {
    let interrupt = try EventFD()
    let driver = GuestDriver(transport: VirtioMMIOTransport(device: balloon, memory: memory, interrupt: interrupt))
    driver.negotiate(.version1)
    balloon.setTarget(pages: 1)
    #expect(interrupt.consume() == 0)
    #expect(driver.transport.read(at: 0x100, width: .long) == 1)
  }
}
