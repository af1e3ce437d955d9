import CLinuxKVM
import Glibc
import Machine
import MachineLauncher
import Synchronization
import Testing

/// A UDP socket of the host that asks the guest's echo.
private struct UDPClient {
  private let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)

  init() {
    var patience = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(7).bigEndian
    address.sin_addr.s_addr = UInt32(10 << 24 | 86 << 16 | 2).bigEndian
    _ = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// True where the answer is what was asked.
  func echoes(_ bytes: [UInt8]) -> Bool {
    var answer = [UInt8](repeating: 0, count: 2000)
    guard send(descriptor, bytes, bytes.count, 0) == bytes.count else { return false }
    let count = recv(descriptor, &answer, answer.count, 0)
    return count == bytes.count && Array(answer.prefix(count)) == bytes
  }

  func finish() { close(descriptor) }
}

extension RealGuests {
  /// In a network namespace that goes with its last thread: nothing is left behind on the host, however a test ends.
  @Suite("TAP", .enabled(if: Host.canMakeNetworks, "TAP interfaces cannot be made here"))
  struct TapTests {
    @Test func theHostsOwnStackTalksToTheGuest() throws {
      let echoed = Mutex(0)
      let served = Mutex<NetworkJob.Measured?>(nil)
      Companion {
        guard pv_unshare_network() == 0 else { return }
        let server = Companion {
          let job = NetworkJob(backing: .tap(name: "tap0"), kernel: "netserver", windowMilliseconds: 2000)
          served.withLock { $0 = try? job.run() }
        }
        let isUp = Child.eventually(seconds: 5) {
          let arguments = [Host.ipProgram, "address", "add", "10.86.0.1/24", "dev", "tap0"]
          return (try? Child.run(arguments).status) == 0
        }
        let client = UDPClient()
        for index in 0..<100 where isUp {
          let bytes = [UInt8](repeating: UInt8(index), count: 1 + 14 * index)
          if client.echoes(bytes) { echoed.withLock { $0 += 1 } }
        }
        client.finish()
        server.join()
      }.join()
      #expect(echoed.withLock { $0 } == 100)
      let measured = try #require(served.withLock { $0 })
      #expect(measured.report.status == .ok, "\(measured.report.reason ?? "")")
      // The datagrams, and at least one question for the guest's hardware address.
      #expect(try #require(measured["sent"]) >= 101)
      #expect(measured["port_sent"] == measured["sent"])
      #expect(measured.damage.suffix(4) == NetworkJob.Measured.noDamage.suffix(4))
    }

    @Test func nameThatIsTakenSaysSo() throws {
      #expect { try NetworkJob(backing: .tap(name: "lo")).run() } throws: { error in
        "\(error)".contains("TAP interface 'lo'")
      }
    }
  }
}
