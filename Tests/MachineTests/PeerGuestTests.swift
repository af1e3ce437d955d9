import MachineLauncher
import Testing

@testable import Machine

struct PeerGuestTests {
  private let first: MachineSpecification = {
    var first = MachineSpecification()
    first.choices = ["net": "e1000"]
    first.network = .peer
    first.disk = .memory(byteCount: 4096)
    first.parameters = [("size", "106"), ("completion", "polled")]
    first.vcpuCPUs = [1]
    first.ioCPU = 2
    return first
  }()

  @Test func theOtherGuestHasTheSameChoicesAndAnswers() {
    let peer = PeerGuest.specification(beside: first)
    #expect(peer.choices == first.choices)
    #expect(peer.kernel == "netserver")
    #expect(peer.network == .socket(descriptor: 3))
    #expect(peer.disk == .none)
    #expect(peer.parameters.map(\.name) == ["completion", "address"])
    #expect(peer.parameters.map(\.value) == ["polled", "173408257"])
  }

  @Test func theTwoDifferInHardwareAddress() { #expect(PeerGuest.specification(beside: first).station == 2) }
  @Test func theOtherStaysOffTheFirstsCPU() { #expect(PeerGuest.specification(beside: first).vcpuCPUs == [2]) }

  @Test func lossAddsUpAndDropsKeepTheirPlace() {
    var report = RunnerReport()
    report.metrics = ["network.lost": 1, "network.dropped_port_outgoing": 1]
    var other = RunnerReport()
    other.metrics = ["network.lost": 2, "network.taken": 7, "network.dropped_card_incoming": 2, "latency.p50": 1]
    other.log = ["done"]
    PeerGuest.merge(other, into: &report)
    #expect(report.metrics["network.lost"] == 3)
    #expect(report.metrics["network.taken"] == 7)
    #expect(report.metrics["network.dropped_port_outgoing"] == 1)
    #expect(report.metrics["network.peer_dropped_card_incoming"] == 2)
    #expect(report.metrics["latency.p50"] == nil)
    #expect(report.log == ["the other guest: done"])
  }
}
