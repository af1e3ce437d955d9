import CLinuxKVM
import Glibc
import PVWire

/// A guest's way to the host's own network stack: a TAP interface with the address 10.86.0.1, in a network namespace of its
/// own, which threads of this process may enter.
///
/// Nothing of it is ever visible on the host or can be left behind: the namespace and all that is in it end with the last
/// descriptor, thread and process in it, also when this process is killed.
public final class StackInterface: Sendable {
  /// The guest's side.
  public let port: TapPort
  private let namespace: Int32

  /// Makes namespace and interface.
  public init() throws(NetworkPortError) {
    (port, namespace) = try NetworkNamespace.new { () throws(NetworkPortError) in
      let port = try Self.makePort()
      let descriptor = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else { throw .system(operation: "opening the network namespace", errno: errno) }
      return (port, descriptor)
    }
  }

  deinit { close(namespace) }

  /// Puts the calling thread into the namespace, with whatever it starts; for good.
  public func enter() throws(NetworkPortError) {
    let code = pv_enter_network(namespace)
    guard code == 0 else { throw .system(operation: "entering the network namespace", errno: -code) }
  }

  /// Makes the interface in the namespace of the calling thread.
  static func makePort() throws(NetworkPortError) -> TapPort {
    silenceIPv6()
    let name = "pv0"
    let port = try TapPort(name: name)
    let code = pv_interface_address(name, ProbeDatagram.farAddress, 24)
    guard code == 0 else { throw .system(operation: "giving '\(name)' its address", errno: -code) }
    return port
  }

  /// Interfaces of this namespace announce themselves over IPv6, unless they are told not to: frames that nobody asked for.
  private static func silenceIPv6() {
    let descriptor = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, "1", 1)
    close(descriptor)
  }
}
