import Glibc

/// Sizes of frames.
public enum NetworkLimits {
  /// Ethernet's: an MTU of 1,500 bytes and the header, without FCS.
  public static let plainFrame = 1514
  /// With segmentation offload: 64 KiB of IP packet and the header (virtio 1.2, 5.1.6.3.1).
  public static let offloadFrame = 65_550
  static let noMemory = ENOMEM
}

/// Why a network port cannot be made.
public enum NetworkPortError: Error, Equatable, CustomStringConvertible {
  /// A system call failed that should not.
  case system(operation: String, errno: Int32)
  /// A TAP interface needs a privilege that this process lacks.
  case notPermitted(interface: String)
  /// The host has no TUN/TAP device.
  case noTunDevice
  /// A network namespace needs a privilege that this process lacks, or the host has none.
  case noNamespace(errno: Int32)
  /// The host's kernel has no vhost-net.
  case noVhostNet
  /// vhost-net is there, and not for this process.
  case vhostNotPermitted
  /// The name is not one that an interface can have.
  case badName(String)
  /// The descriptor is no socket that keeps messages apart.
  case notASocket(descriptor: Int32)

  /// True where nothing is wrong but that this host, or whoever runs this here, has no such thing.
  public var isHostLack: Bool {
    switch self {
    case .notPermitted, .noTunDevice, .noNamespace, .noVhostNet, .vhostNotPermitted: true
    case .system, .badName, .notASocket: false
    }
  }

  /// What happened, in one line.
  public var description: String {
    switch self {
    case .system(let operation, let code): "\(operation) failed: \(String(cString: strerror(code)))"
    case .notPermitted(let interface):
      "cannot make the TAP interface '\(interface)': it takes CAP_NET_ADMIN (run as root, or in a network namespace of one's own)"
    case .noTunDevice: "cannot make a TAP interface: there is no /dev/net/tun (load the kernel module tun)"
    case .noNamespace(let code):
      "cannot make a network namespace: \(String(cString: strerror(code))) (it takes CAP_SYS_ADMIN: run as root)"
    case .noVhostNet: "this host has no /dev/vhost-net"
    case .vhostNotPermitted: "/dev/vhost-net may not be opened: permission denied (run as root, or join its group)"
    case .badName(let name): "'\(name)' is no name for a network interface (1 to 15 characters, without '/' and blanks)"
    case .notASocket(let descriptor): "descriptor \(descriptor) is not a SOCK_SEQPACKET socket"
    }
  }
}
