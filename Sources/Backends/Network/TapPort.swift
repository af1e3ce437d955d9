import CLinuxKVM
import Glibc
import GuestMemory

/// A TAP interface: the host's own network stack. It lies in the network namespace of this process and is gone when the port
/// is, or the process.
///
/// Used by one I/O thread, as every port; the counters are exact once that thread has ended.
public final class TapPort: NetworkPort, @unchecked Sendable {
  /// Longest frame in bytes: where the host takes whatever a guest may leave to it, that of segmentation offload. It gives
  /// complete frames of its MTU.
  public let maximumFrame: Int
  /// The TAP's descriptor.
  public let inputDescriptor: Int32
  /// What was counted so far.
  public private(set) var counters = NetworkPortCounters()
  private let frames: FrameDescriptor
  private let statistics: InterfaceStatistics
  private var batch: FrameBatch?

  /// Makes the interface `name` (1 to 15 characters) and switches it on.
  public init(name: String) throws(NetworkPortError) {
    guard (1...15).contains(name.utf8.count), !name.utf8.contains(where: { $0 == 47 || $0 <= 32 }) else {
      throw .badName(name)
    }
    let descriptor = pv_tap(name)
    switch -descriptor {
    case EPERM, EACCES: throw .notPermitted(interface: name)
    case ENOENT, ENODEV, ENXIO: throw .noTunDevice
    case 1...: throw .system(operation: "making the TAP interface '\(name)'", errno: -descriptor)
    default: break
    }
    inputDescriptor = descriptor
    frames = FrameDescriptor(descriptor, kind: .device)
    batch = FrameBatch(descriptor)
    maximumFrame =
      pv_tap_segments_datagrams(descriptor) != 0 ? NetworkLimits.offloadFrame : NetworkLimits.plainFrame
    statistics = InterfaceStatistics(name: name)
    let code = pv_interface_up(name)
    guard code == 0 else { throw .system(operation: "switching on '\(name)'", errno: -code) }
  }

  /// What the interface itself has counted, for whoever lets the kernel carry the frames; nil where it does not say.
  public var interfaceCounters: NetworkPortCounters? { statistics.counters }

  /// True where a frame waits.
  public var hasInput: Bool { frames.isReadable }

  /// Gives a frame to the host's stack.
  public func send(_ frame: Span<HostRange>, offload: FrameOffload) {
    if frames.send(frame, offload: offload) > 0 { counters.sent += 1 } else { counters.droppedOutgoing += 1 }
  }

  /// Keeps a frame for the batch.
  public func post(_ frame: Span<HostRange>, offload: FrameOffload) {
    if batch?.append(frame, offload: offload) == true { return }
    flush()
    send(frame, offload: offload)
  }

  /// Gives the batch to the host's stack.
  public func flush() {
    let count = batch?.count ?? 0
    guard count > 0 else { return }
    let taken = batch?.submit() ?? 0
    counters.sent += UInt64(taken)
    counters.droppedOutgoing += UInt64(count - taken)
  }

  /// The next frame of the host's stack; what is longer than `buffers` is dropped.
  public func receive(into buffers: Span<HostRange>, offload: inout FrameOffload) -> Int? {
    let room = FrameBytes.count(buffers)
    while true {
      guard let length = frames.receive(into: buffers, offload: &offload), length != -Int(EAGAIN) else { return nil }
      // An interface that was switched off or removed has nothing to say.
      guard length != -Int(EINTR), length != -Int(EIO), length != -Int(EBADFD) else { return nil }
      guard length >= 14, length <= room else {
        counters.droppedIncoming += 1
        continue
      }
      counters.received += 1
      return length
    }
  }
}
