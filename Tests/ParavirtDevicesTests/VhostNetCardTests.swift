import Backends
import DeviceModel
import Glibc
import GuestMemory
import ParavirtDevices
import Testing

/// A card on virtio-mmio whose rings nobody serves, at a TAP interface that is none.
private final class VhostRig {
  static let interface: Int32 = 77
  static let features: VirtioFeatures = [.version1, .eventIndex, .netAddress, .netMergeableBuffers]

  let memory: GuestMemory
  let server: FakeVhost
  let card: VhostNetCard
  let driver: GuestDriver
  let interrupt: EventFD
  let queues: [GuestQueue]

  init(_ server: FakeVhost = FakeVhost()) throws {
    self.server = server
    let memory = try GuestMemory(byteCount: 1 << 20)
    self.memory = memory
    card = try VhostNetCard(server: server, interface: Self.interface, maximumFrame: 1514)
    interrupt = try EventFD()
    driver = GuestDriver(transport: VirtioMMIOTransport(device: card, memory: memory, interrupt: interrupt))
    queues = (0..<2).map { GuestQueue(memory: memory, base: 0x1_0000 + 0xC000 * UInt64($0)) }
  }

  /// From reset to DRIVER_OK.
  func start() throws {
    try #require(driver.negotiate(Self.features).contains(.featuresOK))
    for (index, queue) in queues.enumerated() { try #require(driver.setUp(queue, index: UInt32(index))) }
    driver.start()
  }

  /// Runs the relay beside `body`.
  func whileRelaying(_ body: () throws -> Void) rethrows {
    let relay = card.relay
    let thread = TestThread { try? relay.run() }
    defer {
      relay.stop()
      thread.join()
    }
    try body()
  }

  /// What the relay ended with; call it where it has a reason to end.
  func failure() -> String? {
    do { try card.relay.run() } catch { return "\(error)" }
    return nil
  }

  /// True once `condition` holds; false where it does not within ten seconds.
  func eventually(_ condition: () -> Bool) -> Bool {
    var patience = 100_000
    while !condition(), patience > 0 {
      usleep(100)
      patience -= 1
    }
    return condition()
  }
}

@Suite("vhost-net card")
struct VhostNetCardTests {
  @Test func ringsAreOfferedAsTheServerCanAndFramesAsTheInterfaceCan() throws {
    func features(_ server: UInt64, maximumFrame: Int = 1514) throws -> VirtioFeatures {
      try VhostNetCard(server: FakeVhost(features: server), interface: 1, maximumFrame: maximumFrame).features
    }
    let plain: VirtioFeatures = [.version1, .netAddress, .netStatus]
    #expect(try features(1 << 32) == plain)
    #expect(
      try features(FakeVhost.everything)
        == plain.union([.eventIndex, .indirectDescriptors, .netMergeableBuffers]))
    #expect(try features(1 << 32, maximumFrame: 65_550).isSuperset(of: [.netChecksum, .netHostUSO, .netGuestTSO4]))
  }

  @Test func readyDriverIsDescribedBeforeItsRingsAreServed() throws {
    let rig = try VhostRig()
    try rig.start()
    let base = UInt(bitPattern: rig.memory.slot.start)
    let call = try (0..<2).map { try #require(rig.server.callDescriptor($0)) }
    let error = try #require(rig.server.errorDescriptor)
    var expected: [VhostRequest] = [
      .features(VhostRig.features.subtracting(.netAddress).rawValue),
      .memory(at: GuestAddress(0), host: base, byteCount: 1 << 20),
    ]
    for queue in 0..<2 {
      let ring = base + 0x1_0000 + 0xC000 * UInt(queue)
      expected += [
        .ringSize(queue: queue, size: 16), .ringBase(queue: queue, index: 0),
        .ringAddresses(queue: queue, descriptors: ring, driver: ring + 0x4000, device: ring + 0x8000),
        .kick(queue: queue, event: rig.card.doorbells[queue].descriptor), .call(queue: queue, event: call[queue]),
        .error(queue: queue, event: error),
      ]
    }
    expected += (0..<2).map { .attach(queue: $0, interface: VhostRig.interface) }
    #expect(rig.server.requests == expected)
  }

  @Test func queueThatIsNotUsedIsNotServed() throws {
    let rig = try VhostRig()
    try #require(rig.driver.negotiate(VhostRig.features).contains(.featuresOK))
    try #require(rig.driver.setUp(rig.queues[1], index: 1))
    rig.driver.start()
    #expect(rig.server.requests.last == .attach(queue: 1, interface: VhostRig.interface))
    #expect(!rig.server.requests.contains(.attach(queue: 0, interface: VhostRig.interface)))
  }

  @Test func resetReturnsWhenTheRingsAreTakenBack() throws {
    let rig = try VhostRig()
    try rig.start()
    rig.driver.write(0, to: .status)
    #expect(rig.server.requests.suffix(2) == [.detach(queue: 0), .detach(queue: 1)])
    let count = rig.server.requests.count
    // What was not given need not be taken back.
    rig.driver.write(0, to: .status)
    #expect(rig.server.requests.count == count)
    try rig.start()
    #expect(rig.server.requests.suffix(1) == [.attach(queue: 1, interface: VhostRig.interface)])
  }

  @Test func endOfTheRelayTakesTheRingsBack() throws {
    let rig = try VhostRig()
    try rig.start()
    rig.whileRelaying {}
    #expect(rig.server.requests.suffix(2) == [.detach(queue: 0), .detach(queue: 1)])
  }

  @Test func notifiedQueueIsKicked() throws {
    let rig = try VhostRig()
    try rig.start()
    rig.driver.write(1, to: .queueNotify)
    #expect(rig.card.doorbells.map { $0.consume() } == [0, 1])
  }

  @Test func usedBuffersInterruptThroughTheStatusRegister() throws {
    let rig = try VhostRig()
    try rig.start()
    let call = try #require(rig.server.callDescriptor(0))
    rig.whileRelaying {
      FakeVhost.signal(call)
      #expect(rig.eventually { rig.driver.read(.interruptStatus) == 1 })
    }
    #expect(rig.interrupt.consume() == 1)
  }

  @Test func brokenRingAsksForAReset() throws {
    let rig = try VhostRig()
    try rig.start()
    let error = try #require(rig.server.errorDescriptor)
    rig.whileRelaying {
      FakeVhost.signal(error)
      #expect(rig.eventually { rig.driver.status.contains(.needsReset) })
    }
  }

  @Test func ringThatBreaksAfterAResetIsNoNews() throws {
    let rig = try VhostRig()
    try rig.start()
    let error = try #require(rig.server.errorDescriptor)
    rig.driver.write(0, to: .status)
    FakeVhost.signal(error)
    rig.whileRelaying { usleep(10_000) }
    #expect(rig.driver.status == [])
  }

  @Test func refusedRequestEndsTheGuestWithItsReasonAndNothingServed() throws {
    let refused = VhostRequest.attach(queue: 1, interface: VhostRig.interface)
    let rig = try VhostRig(FakeVhost(refusing: refused))
    try rig.start()
    #expect(rig.server.requests.suffix(3) == [refused, .detach(queue: 0), .detach(queue: 1)])
    #expect(rig.failure() == "the fake's request failed: Bad address")
  }

  @Test func ringOutsideGuestMemoryNeverReachesTheServer() throws {
    let rig = try VhostRig()
    try #require(rig.driver.negotiate(VhostRig.features).contains(.featuresOK))
    let outside = GuestQueue(memory: rig.memory, base: 1 << 20)
    #expect(!rig.driver.setUp(outside, index: 0))
    #expect(rig.server.requests.isEmpty)
  }
}

@Suite("vhost-net interrupts over PCI")
struct VhostNetInterruptTests {
  private let server = FakeVhost()
  private let guest: PCIGuestDriver

  /// Both queues ready with vector 1, vectors on.
  init() throws {
    guest = try PCIGuestDriver(VhostNetCard(server: server, interface: 77, maximumFrame: 1514))
    guest.enableMessages()
    guest.negotiate([.version1])
    guest.setUp(queue: 0, vector: 1)
    guest.setUp(queue: 1, vector: 2, base: 0x2_0000)
    guest.write(15, to: .deviceStatus)
  }

  private func mask(_ vector: Int, _ isMasked: Bool) {
    guest.table.write(isMasked ? 1 : 0, at: 16 * vector + 12, width: .long)
  }

  @Test func openVectorIsSignalledByTheServerItself() {
    #expect(server.callDescriptor(0) == guest.messages.descriptor(1))
    #expect(server.callDescriptor(1) == guest.messages.descriptor(2))
  }

  @Test func maskedVectorIsKeptUntilItOpens() throws {
    let before = server.requests.count
    mask(1, true)
    let relayed = try #require(server.calls(since: before).first)
    #expect(relayed[0] == 0)
    #expect(relayed[1] != guest.messages.descriptor(1))
    mask(1, false)
    #expect(server.calls(since: before) == [relayed, [0, guest.messages.descriptor(1)]])
  }

  @Test func withMessagesSwitchedOffEveryQueueIsRelayed() {
    let before = server.requests.count
    guest.setConfiguration(0, guest.capabilities(0x11)[0] + 2, .word)
    #expect(server.calls(since: before).map { $0[0] } == [0, 1])
    #expect(![1, 2].map(guest.messages.descriptor).contains(server.callDescriptor(0) ?? -1))
  }

  @Test func queueFollowsItsVector() {
    guest.write(0, to: .queueSelect)
    guest.write(2, to: .queueVector)
    #expect(server.callDescriptor(0) == guest.messages.descriptor(2))
  }

  @Test func changesOfNoConsequenceAreNotPassedOn() {
    let before = server.requests.count
    mask(0, true)
    mask(1, false)
    #expect(server.requests.count == before)
  }
}
