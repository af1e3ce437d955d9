import CLinuxKVM
import Glibc
import GuestMemory

/// What is asked of vhost-net, an ioctl each (Linux, include/uapi/linux/vhost.h). Queue 0 receives and queue 1 transmits, as
/// seen from the guest. Host addresses are those of this process.
public enum VhostRequest: Equatable, Sendable {
  /// VHOST_SET_FEATURES, between two lives of the rings.
  case features(UInt64)
  /// VHOST_SET_MEM_TABLE: guest RAM, all of it.
  case memory(at: GuestAddress, host: UInt, byteCount: Int)
  /// VHOST_SET_VRING_NUM: descriptors of a ring.
  case ringSize(queue: Int, size: UInt16)
  /// VHOST_SET_VRING_BASE: the next entry of the available ring.
  case ringBase(queue: Int, index: UInt16)
  /// VHOST_SET_VRING_ADDR, in the host's addresses.
  case ringAddresses(queue: Int, descriptors: UInt, driver: UInt, device: UInt)
  /// VHOST_SET_VRING_KICK: the eventfd that the driver's doorbell signals.
  case kick(queue: Int, event: Int32)
  /// VHOST_SET_VRING_CALL: the eventfd that becomes the driver's interrupt. The one before is not signalled any more.
  case call(queue: Int, event: Int32)
  /// VHOST_SET_VRING_ERR: the eventfd that says that the ring is nonsense.
  case error(queue: Int, event: Int32)
  /// VHOST_NET_SET_BACKEND: the ring is served from now on, from and to the TAP interface behind the descriptor.
  case attach(queue: Int, interface: Int32)
  /// VHOST_NET_SET_BACKEND with -1: returns when nothing touches the ring or its buffers any more.
  case detach(queue: Int)

  /// The name of the ioctl.
  var name: String {
    switch self {
    case .features: "VHOST_SET_FEATURES"
    case .memory: "VHOST_SET_MEM_TABLE"
    case .ringSize: "VHOST_SET_VRING_NUM"
    case .ringBase: "VHOST_SET_VRING_BASE"
    case .ringAddresses: "VHOST_SET_VRING_ADDR"
    case .kick: "VHOST_SET_VRING_KICK"
    case .call: "VHOST_SET_VRING_CALL"
    case .error: "VHOST_SET_VRING_ERR"
    case .attach, .detach: "VHOST_NET_SET_BACKEND"
    }
  }
}

/// Whoever serves the rings of a network card in our place. Behind it: the host's kernel, or a list in a test. One caller at
/// a time.
public protocol VhostServer: AnyObject, Sendable {
  /// Feature bits of virtio and of vhost that it can serve.
  var features: UInt64 { get }
  /// Carries out a request.
  func perform(_ request: VhostRequest) throws(NetworkPortError)
}

/// vhost-net in the host's kernel: a kernel thread of this process's own takes frames from the rings and from a TAP interface
/// (drivers/vhost/net.c).
public final class VhostNet: VhostServer {
  /// Closing it ends the kernel thread.
  private struct Descriptor: ~Copyable {
    let raw: Int32

    init() throws(NetworkPortError) {
      raw = pv_vhost_net()
      switch -raw {
      case EPERM, EACCES: throw .vhostNotPermitted
      case ENOENT, ENODEV, ENXIO: throw .noVhostNet
      case 1...: throw .system(operation: "opening /dev/vhost-net", errno: -raw)
      default: return
      }
    }

    deinit { close(raw) }
  }

  /// What this kernel can.
  public let features: UInt64
  /// The thread that has made this, as the host numbers it: the kernel's thread is called `vhost-` and this number.
  public let ownerThread = pv_gettid()
  private let descriptor: Descriptor

  /// Opens /dev/vhost-net and starts its thread, which works on this process's memory.
  public init() throws(NetworkPortError) {
    descriptor = try Descriptor()
    var code = pv_vhost_own(descriptor.raw)
    guard code == 0 else { throw .system(operation: "VHOST_SET_OWNER", errno: -code) }
    var offered: UInt64 = 0
    code = pv_vhost_get_features(descriptor.raw, &offered)
    guard code == 0 else { throw .system(operation: "VHOST_GET_FEATURES", errno: -code) }
    features = offered
  }

  /// One ioctl.
  public func perform(_ request: VhostRequest) throws(NetworkPortError) {
    let code = carryOut(request)
    guard code == 0 else { throw .system(operation: request.name, errno: -code) }
  }

  private func carryOut(_ request: VhostRequest) -> Int32 {
    switch request {
    case .features(let bits): pv_vhost_set_features(descriptor.raw, bits)
    case .memory(let address, let host, let count):
      pv_vhost_set_memory(descriptor.raw, address.value, UInt64(host), UInt64(count))
    case .ringSize(let queue, let size): pv_vhost_set_size(descriptor.raw, UInt32(queue), UInt32(size))
    case .ringBase(let queue, let index): pv_vhost_set_base(descriptor.raw, UInt32(queue), UInt32(index))
    case .ringAddresses(let queue, let descriptors, let driver, let device):
      pv_vhost_set_addresses(
        descriptor.raw, UInt32(queue), UInt64(descriptors), UInt64(driver), UInt64(device))
    case .kick(let queue, let event): pv_vhost_set_kick(descriptor.raw, UInt32(queue), event)
    case .call(let queue, let event): pv_vhost_set_call(descriptor.raw, UInt32(queue), event)
    case .error(let queue, let event): pv_vhost_set_error(descriptor.raw, UInt32(queue), event)
    case .attach(let queue, let interface): pv_vhost_set_backend(descriptor.raw, UInt32(queue), interface)
    case .detach(let queue): pv_vhost_set_backend(descriptor.raw, UInt32(queue), -1)
    }
  }
}
