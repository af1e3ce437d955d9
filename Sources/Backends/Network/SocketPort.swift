import CLinuxKVM
import Glibc
import GuestMemory

/// One end of a SOCK_SEQPACKET socket pair: another guest's runner has the other. The socket's buffer bounds what is on its
/// way; frames beyond that are dropped by the sender, and counted there.
///
/// Used by one I/O thread, as every port; the counters are exact once that thread has ended.
public final class SocketPort: NetworkPort, @unchecked Sendable {
  /// Longest frame in bytes.
  public let maximumFrame = NetworkLimits.offloadFrame
  /// The socket; negative once the other end is gone.
  public private(set) var inputDescriptor: Int32
  /// What was counted so far.
  public private(set) var counters = NetworkPortCounters()
  private let frames: FrameDescriptor

  /// Takes over `descriptor` and closes it in the end.
  public init(descriptor: Int32) throws(NetworkPortError) {
    guard pv_socket_is_seqpacket(descriptor) != 0 else { throw .notASocket(descriptor: descriptor) }
    inputDescriptor = descriptor
    frames = FrameDescriptor(descriptor, kind: .socket)
  }

  /// True where a frame waits.
  public var hasInput: Bool { inputDescriptor >= 0 && frames.isReadable }

  /// Sends a frame, if there is room for it.
  public func send(_ frame: Span<HostRange>, offload: FrameOffload) {
    if frames.send(frame, offload: offload) > 0 { counters.sent += 1 } else { counters.droppedOutgoing += 1 }
  }

  /// The next frame; what is longer than `buffers` is dropped.
  public func receive(into buffers: Span<HostRange>, offload: inout FrameOffload) -> Int? {
    let room = FrameBytes.count(buffers)
    while inputDescriptor >= 0 {
      guard let length = frames.receive(into: buffers, offload: &offload), length != -Int(ECONNRESET) else {
        inputDescriptor = -1
        return nil
      }
      if length == -Int(EAGAIN) || length == -Int(EINTR) { return nil }
      guard length >= 14, length <= room else {
        counters.droppedIncoming += 1
        continue
      }
      counters.received += 1
      return length
    }
    return nil
  }
}
