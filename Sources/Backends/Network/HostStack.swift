import CLinuxKVM
import DeviceModel
import Glibc
import PVWire

/// The host's own network stack as a guest's far side: a UDP socket behind a `StackInterface`, served by a thread that calls
/// `run()` once.
public final class HostStack: DeviceWorker, @unchecked Sendable {
  /// What the socket does with a datagram.
  public enum Service: String, Sendable {
    /// Sends it back (RFC 862).
    case echo
    /// Takes it, checks it, and says now and then what it has seen.
    case sink
  }

  /// The interface: the guest's side.
  public let port: TapPort
  private let service: Service
  private let socket: Int32
  private let stopRequest: EventFD
  private let staging: PageBuffer
  private let acknowledgement: PageBuffer
  private let acknowledgementHash: UInt64

  // From here on everything belongs to the thread in `run()`, and to whoever waited for its end.
  private var ledger = FrameLedger()
  private var unanswered: UInt64 = 0

  /// Bytes that wait in the socket at most, in either direction: some thousands of frames.
  private static let bufferSize: Int32 = 8 << 20
  private static let longestDatagram = 65_507
  /// Datagrams between two acknowledgements at most.
  private static let batch = 32

  /// Makes namespace, interface and socket.
  public init(_ service: Service) throws(NetworkPortError) {
    self.service = service
    do throws(EventFD.CreationError) { stopRequest = try EventFD() } catch {
      throw .system(operation: "eventfd", errno: error.errno)
    }
    do throws(StorageError) {
      staging = try PageBuffer(byteCount: Self.longestDatagram)
      acknowledgement = try PageBuffer(byteCount: ProbeBody.minimumSize)
    } catch { throw .system(operation: "mmap", errno: NetworkLimits.noMemory) }
    acknowledgementHash =
      acknowledgement.bytes.baseAddress.map { ProbeBody.prepare($0, count: ProbeBody.minimumSize) } ?? 0
    (port, socket) = try NetworkNamespace.new { () throws(NetworkPortError) in
      let port = try StackInterface.makePort()
      let isEcho = service == .echo
      let code = pv_udp_socket(
        ProbeDatagram.farAddress, isEcho ? ProbeDatagram.echoPort : ProbeDatagram.sinkPort, Self.bufferSize)
      guard code >= 0 else { throw .system(operation: "opening a UDP socket at 10.86.0.1", errno: -code) }
      return (port, code)
    }
  }

  deinit { close(socket) }

  /// What the datagrams were like, as far as the socket looks at them; read it when `run()` has ended.
  public var verdict: NetworkPortVerdict { NetworkPortVerdict(ledger) }

  /// Intact datagrams that a sink has taken, each counted once; read it when `run()` has ended.
  public var taken: UInt64 { ledger.received }

  /// Datagrams that the socket had no room for, and answers that it could not send; read it when `run()` has ended.
  public var dropped: UInt64 { UInt64(pv_socket_drops(socket)) + unanswered }

  /// Ends `run()` once no datagram waits; from any thread.
  public func stop() { stopRequest.signal() }

  /// Serves until `stop()`.
  public func run() {
    var watch = DescriptorWait([socket, stopRequest.descriptor])
    while true {
      watch.wait(nanoseconds: nil)
      while serve() == Self.batch {}
      if watch.isReady(1) { return }
    }
  }

  /// Serves the datagrams that wait, up to a batch; how many.
  private func serve() -> Int {
    guard let bytes = staging.bytes.baseAddress else { return 0 }
    var sender = sockaddr_in()
    var count = 0
    while count < Self.batch {
      let length = exchange(&sender) { address, size in
        recvfrom(socket, bytes, Self.longestDatagram, 0, address, size)
      }
      guard length >= 0 else { break }
      count += 1
      switch service {
      case .echo: answer(bytes, count: length, to: &sender)
      case .sink: ledger.enter(ProbeBody.content(of: bytes, count: length))
      }
    }
    if service == .sink, count > 0, let body = acknowledgement.bytes.baseAddress {
      let content = ProbeFrame.Content(sequence: ledger.next, stamp: ledger.received)
      ProbeBody.seal(body, fillerHash: acknowledgementHash, content: content)
      answer(body, count: ProbeBody.minimumSize, to: &sender)
    }
    return count
  }

  private func answer(_ bytes: UnsafeRawPointer, count: Int, to sender: inout sockaddr_in) {
    let sent = exchange(&sender) { address, size in sendto(socket, bytes, count, 0, address, size.pointee) }
    if sent != count { unanswered += 1 }
  }

  /// Makes a system call with an address.
  private func exchange(
    _ address: inout sockaddr_in, _ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int
  ) -> Int {
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutablePointer(to: &address) { pointer in
      // SAFETY: a socket of this family takes and gives a sockaddr_in as a sockaddr of its size.
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &size) }
    }
  }
}
