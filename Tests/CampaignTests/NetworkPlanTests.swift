import MachineLauncher
import Testing

@testable import Campaign

struct NetworkPlanTests {
  private func plan(_ workload: String) throws -> Plan {
    try Planner.plan(.of(workload, modes: ["paravirt"]), library: .embedded())
  }

  private func specification(_ workload: String) throws -> MachineSpecification {
    let plan = try plan(workload)
    return plan.specification(of: plan.steps[0], disk: "/an/image", resources: MachineResources())
  }

  @Test func portOfTheRowIsBehindTheCard() throws {
    #expect(try specification("network.roundtrip.64b.qd1").network == .echo)
    #expect(try specification("network.transmit.1500b").network == .sink)
    #expect(try specification("network.receive.1500b").network == .source(size: 1514, rate: 0))
    #expect(try specification("network.roundtrip.64b.qd1.tap").network == .stack(.echo))
    #expect(try specification("network.transmit.1500b.tap").network == .stack(.sink))
    #expect(try specification("network.transmit.64b.peer").network == .peer)
    #expect(try specification("network.receive.64k").network == .source(size: 65_549, rate: 0))
    #expect(try specification("disk.randread.4k.qd1").network == .none)
  }

  @Test func bothModesHaveACard() throws {
    let plan = try Planner.plan(.of("network.roundtrip.64b.qd32"), library: .embedded())
    #expect(plan.cells.map { $0.choices["net"] } == ["e1000", "virtio-net"])
    #expect(plan.cells.map(\.skipReason) == [nil, nil])
  }

  @Test func completionOfTheModeReachesTheGuest() throws {
    let plan = try Planner.plan(
      .of("network.roundtrip.64b.qd1", modes: ["paravirt+completion=polled"]), library: .embedded())
    let parameters = plan.specification(of: plan.steps[0], disk: nil, resources: MachineResources()).parameters
    #expect(parameters.filter { $0.name == "completion" }.map(\.value) == ["polled"])
  }

  @Test func offloadNeedsACardThatHasIt() throws {
    let plan = try Planner.plan(.of("network.transmit.64k", modes: ["full", "paravirt"]), library: .embedded())
    #expect(plan.cells.map(\.skipReason) == ["needs net=virtio-net, this mode has e1000", nil])
  }

  @Test(arguments: [
    ("network.roundtrip.64b.qd1", "vhost-net serves a TAP interface, not 'echo'"),
    ("network.transmit.64k", "vhost-net serves a TAP interface, not 'sink'"),
    ("network.receive.64b", "vhost-net serves a TAP interface, not 'source'"),
    ("network.roundtrip.64b.qd1.peer", "vhost-net serves a TAP interface, not 'peer'"),
  ])
  func vhostNeedsATap(workload: String, reason: String) throws {
    let plan = try Planner.plan(.of(workload, modes: ["paravirt+net=vhost-net"]), library: .embedded())
    #expect(plan.cells.map(\.skipReason) == [reason])
  }

  @Test(arguments: ["network.roundtrip.64b.qd1.tap", "network.transmit.1500b.tap", "network.transmit.64k.tap"])
  func vhostServesTheHostsStack(workload: String) throws {
    let plan = try Planner.plan(.of(workload, modes: ["paravirt+net=vhost-net"]), library: .embedded())
    #expect(plan.cells.map(\.skipReason) == [nil])
    #expect(plan.cells.map { $0.choices["net"] } == ["vhost-net"])
  }

  @Test func networkWorkloadHasNoDisk() throws {
    let plan = try plan("network.roundtrip.64b.qd1")
    #expect(!plan.needsDisk)
    #expect(try specification("network.roundtrip.64b.qd1").disk == .none)
    #expect(try plan.imageAccess(of: plan.steps[0], slots: []) == nil)
  }

  @Test func modeWithoutACardIsSkippedWithThatReason() throws {
    let plan = try Planner.plan(.of("network.roundtrip.64b.qd32", modes: ["full+net=none"]), library: .embedded())
    #expect(plan.cells.map(\.skipReason) == ["no network card in this mode"])
  }

  @Test func diskOfANetworkWorkloadIsNoChoice() throws {
    let plan = try Planner.plan(
      .of("network.roundtrip.64b.qd32", modes: ["paravirt+disk=ide-pio"]), library: .embedded())
    #expect(plan.cells.map(\.skipReason) == ["network workloads do not use disk"])
  }
}
