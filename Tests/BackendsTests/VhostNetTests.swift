import Glibc
import Testing

@testable import Backends

private let hasTap: Bool = access("/dev/net/tun", R_OK | W_OK) == 0 && getuid() == 0
private let hasVhostNet: Bool = access("/dev/vhost-net", F_OK) == 0

@Suite("interface statistics")
struct InterfaceStatisticsTests {
  private static let table = """
    Inter-|   Receive                                                |  Transmit
     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
        lo:       0       1    2    3    4     5          6         7        8       9   10   11   12    13      14         15
       pv0: 1000 11 0 2 0 3 0 0 2000 22 0 4 0 0 0 0
     short: 1 2 3

    """

  @Test func whatATapHasReceivedTheGuestHasSent() {
    var expected = NetworkPortCounters()
    expected.sent = 11
    expected.droppedOutgoing = 5
    expected.received = 22
    expected.droppedIncoming = 4
    #expect(InterfaceStatistics.counters(of: "pv0", in: Self.table) == expected)
  }

  @Test(arguments: ["pv", "short", "face", ""]) func interfaceThatIsNotThereHasNone(name: String) {
    #expect(InterfaceStatistics.counters(of: name, in: Self.table) == nil)
  }

  @Test(.enabled(if: hasTap, "TAP interfaces cannot be made here"))
  func interfaceInANamespaceIsReadFromOutside() throws {
    let port = try NetworkNamespace.new { () throws(NetworkPortError) in try TapPort(name: "pv0") }
    let counters = try #require(port.interfaceCounters)
    #expect(counters.sent == 0)
    #expect(counters.droppedOutgoing == 0)
  }
}

@Suite("vhost-net")
struct VhostNetTests {
  @Test func whatAHostLacksIsNoFailure() {
    #expect(NetworkPortError.noVhostNet.isHostLack)
    #expect("\(NetworkPortError.noVhostNet)" == "this host has no /dev/vhost-net")
    #expect(NetworkPortError.vhostNotPermitted.isHostLack)
  }

  @Test(.enabled(if: !hasVhostNet, "this host has vhost-net"))
  func withoutTheDeviceItSaysSo() {
    #expect(throws: NetworkPortError.noVhostNet) { try VhostNet() }
  }

  @Test func failedRequestIsNamed() {
    let error = NetworkPortError.system(operation: VhostRequest.detach(queue: 0).name, errno: EBADF)
    #expect("\(error)" == "VHOST_NET_SET_BACKEND failed: Bad file descriptor")
  }
}
