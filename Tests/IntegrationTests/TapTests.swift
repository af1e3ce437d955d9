import CLinuxKVM
import Glibc
import Machine
import MachineLauncher
import Synchronization
import Testing

/// A socket of the host that asks the guest at 10.86.0.2, and awaits what it says for five seconds.
private struct EchoClient {
  private let descriptor: Int32
  /// Bytes of an IPv4 header that a raw socket is given too.
  private let headerSize: Int

  /// Datagrams to the echo port.
  static func udp() -> EchoClient {
    EchoClient(descriptor: socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0), headerSize: 0, port: 7)
  }

  /// ICMP, as ping speaks it.
  static func icmp() -> EchoClient {
    EchoClient(descriptor: socket(AF_INET, Int32(SOCK_RAW.rawValue), 1), headerSize: 20, port: 0)
  }

  private init(descriptor: Int32, headerSize: Int, port: UInt16) {
    self.descriptor = descriptor
    self.headerSize = headerSize
    var patience = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(10 << 24 | 86 << 16 | 2).bigEndian
    _ = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// True where `question` is answered by `answer`.
  func gets(_ answer: [UInt8], for question: [UInt8]) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 2000)
    guard send(descriptor, question, question.count, 0) == question.count else { return false }
    let count = recv(descriptor, &bytes, bytes.count, 0)
    return count == headerSize + answer.count && Array(bytes[headerSize..<count]) == answer
  }

  /// True where the datagram comes back as it was.
  func echoes(_ bytes: [UInt8]) -> Bool { gets(bytes, for: bytes) }

  /// True where an echo request (type 8) with this number and 56 bytes is answered by the reply (type 0).
  func pings(_ number: UInt16) -> Bool {
    gets(Self.message(type: 0, number), for: Self.message(type: 8, number))
  }

  private static func message(type: UInt8, _ number: UInt16) -> [UInt8] {
    let checksum = ~(UInt16(type) << 8 &+ number)
    return [
      type, 0, UInt8(checksum >> 8), UInt8(checksum & 0xFF), 0, 0, UInt8(number >> 8), UInt8(number & 0xFF),
    ] + [UInt8](repeating: 0, count: 56)
  }

  func finish() { close(descriptor) }
}

/// A guest that answers on a TAP interface, in a network namespace that goes with its last thread: nothing is left behind on
/// the host, however a test ends.
private struct ServedTap {
  var card: String
  var windowMilliseconds: UInt64

  /// Runs `body` beside the guest once its interface is there; what the guest has measured.
  func with(_ body: @escaping @Sendable () -> Void) throws -> NetworkJob.Measured? {
    let served = Mutex<NetworkJob.Measured?>(nil)
    withoutActuallyEscaping({
      guard pv_unshare_network() == 0 else { return }
      let server = Companion {
        let job = NetworkJob(
          backing: .tap(name: "tap0"), kernel: "netserver", card: card, transport: "pci",
          windowMilliseconds: windowMilliseconds)
        served.withLock { $0 = try? job.run() }
      }
      let isUp = Child.eventually(seconds: 5) {
        pv_interface_address("tap0", 10 << 24 | 86 << 16 | 1, 24) == 0 && pv_interface_up("tap0") == 0
      }
      if isUp { body() }
      server.join()
    }) { Companion($0).join() }
    return served.withLock { $0 }
  }
}

extension RealGuests {
  @Suite("TAP", .enabled(if: Host.canMakeNetworks, "TAP interfaces cannot be made here"))
  struct TapTests {
    static let cards = ["virtio-net", "e1000"]

    @Test(arguments: cards) func aThousandDatagramsOfTheHostComeBack(card: String) throws {
      let echoed = Mutex(0)
      let served = try ServedTap(card: card, windowMilliseconds: 3000).with {
        let client = EchoClient.udp()
        for index in 0..<1000 {
          let bytes = [UInt8](repeating: UInt8(index & 0xFF), count: 1 + 14 * (index % 100))
          if client.echoes(bytes) { echoed.withLock { $0 += 1 } }
        }
        client.finish()
      }
      #expect(echoed.withLock { $0 } == 1000)
      let measured = try #require(served)
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      // The datagrams, and at least one question for the guest's hardware address.
      #expect(try #require(measured["sent"]) >= 1001)
      #expect(measured["port_sent"] == measured["sent"])
      #expect(measured.damage.suffix(2) == NetworkJob.Measured.noDamage.suffix(2))
    }

    @Test(arguments: cards) func twoHundredPingsAreAnswered(card: String) throws {
      let answered = Mutex(0)
      let served = try ServedTap(card: card, windowMilliseconds: 4000).with {
        let client = EchoClient.icmp()
        for number in 0..<200 {
          if client.pings(UInt16(number)) { answered.withLock { $0 += 1 } }
          usleep(10_000)
        }
        client.finish()
      }
      #expect(answered.withLock { $0 } == 200)
      #expect(try #require(served).report.status == .ok)
    }

    @Test(.enabled(if: Host.hasPing, "there is no ping here"), arguments: cards)
    func pingSaysThatNothingWasLost(card: String) throws {
      let said = Mutex("")
      _ = try ServedTap(card: card, windowMilliseconds: 5000).with {
        let result = try? Child.run([Host.pingProgram, "-c", "200", "-i", "0.01", "10.86.0.2"])
        said.withLock { $0 = result?.output ?? "" }
      }
      #expect(said.withLock { $0 }.contains("200 received, 0% packet loss"))
    }

    @Test func nameThatIsTakenSaysSo() throws {
      #expect { try NetworkJob(backing: .tap(name: "lo")).run() } throws: { error in
        "\(error)".contains("TAP interface 'lo'")
      }
    }
  }

  @Suite("the host's stack", .enabled(if: Host.canMakeNetworks, "TAP interfaces cannot be made here"))
  struct HostStackTests {
    static let jobs = TapTests.cards.flatMap { card in
      [
        NetworkJob(backing: .stack(.echo), size: 106, card: card, transport: "pci"),
        NetworkJob(backing: .stack(.echo), size: 1442, depth: 16, completion: "polled", card: card),
        NetworkJob(backing: .stack(.echo), size: 66, rate: 1000, card: card, transport: "pci"),
        NetworkJob(backing: .stack(.sink), operation: "transmit", size: 1514, depth: 128, card: card, transport: "pci"),
        NetworkJob(backing: .stack(.sink), operation: "transmit", size: 67, depth: 7, card: card),
      ].map { $0.far("tap") }
    }

    @Test(arguments: jobs) func everyDatagramArrivesIntact(_ job: NetworkJob) throws {
      let measured = try job.run()
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      #expect(measured.damage == NetworkJob.Measured.noDamage)
      #expect(measured["dropped_far_side"] == 0)
      #expect(try #require(measured["sent"]) > 0)
      #expect(try #require(measured.report.metrics["throughput.ops"]) > 0)
    }

    // What is cut is the host's business: the socket is given the datagram as the guest has sent it.
    @Test(.enabled(if: Host.segmentsDatagrams, "this kernel takes no unsegmented datagrams from TAP"))
    func unsegmentedDatagramsOf64KiBArriveWhole() throws {
      let job = NetworkJob(backing: .stack(.sink), operation: "transmit", size: 65_549, depth: 16, transport: "pci")
      let measured = try job.far("tap").run()
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      #expect(measured.damage == NetworkJob.Measured.noDamage)
      #expect(try #require(measured["taken"]) > 0)
      #expect(measured["taken"] == measured["sent"])
    }

    static let tooShort = NetworkJob(backing: .stack(.echo), size: 65).far("tap")
    static let unsuitable = NetworkJob(backing: .stack(.echo), operation: "receive", size: 106).far("tap")

    @Test(arguments: [tooShort, unsuitable]) func whatADatagramCannotBeFails(_ job: NetworkJob) throws {
      #expect(try job.run().report.status == .failed)
    }

    @Test func theHostSeesNoInterfaceAndNoneIsLeftByAKilledRunner() throws {
      let before = TemporaryFolder.contents(of: "/proc/self/net/dev").split(separator: 10).count
      var job = NetworkJob(backing: .stack(.echo), size: 106, windowMilliseconds: 20_000).far("tap")
      job.transport = "pci"
      let runner = try Child([RunnerProgram.path] + job.specification.arguments)
      usleep(500_000)
      let during = TemporaryFolder.contents(of: "/proc/self/net/dev").split(separator: 10).count
      kill(runner.pid, SIGKILL)
      #expect(runner.wait().status == 128 + SIGKILL)
      let after = TemporaryFolder.contents(of: "/proc/self/net/dev").split(separator: 10).count
      #expect([during, after] == [before, before])
    }

    // Without the one no namespace can be made, without the other no interface in it.
    @Test(
      .enabled(if: Host.canDropCapabilities, "setpriv is not here"),
      arguments: [("sys_admin", "cannot make a network namespace"), ("net_admin", "cannot make the TAP interface")])
    func withoutTheCapabilityTheRepetitionIsSkipped(capability: String, reason: String) throws {
      let job = NetworkJob(backing: .stack(.echo), size: 106).far("tap")
      let setpriv = [Host.setprivProgram, "--bounding-set=-\(capability)", "--inh-caps=-all"]
      let result = try Child.run(setpriv + [RunnerProgram.path] + job.specification.arguments)
      #expect(result.status == 0, "\(result.errors)")
      let report = RunnerReport(parsing: result.output)
      #expect(report.status == .skipped)
      #expect(report.reason?.hasPrefix(reason) == true)
    }
  }
}
