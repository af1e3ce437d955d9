import DeviceModel
import GuestMemory
import PVWire

/// What a frame leaves undone for whoever forwards it: the fields of struct virtio_net_hdr (virtio 1.2, 5.1.6), which TAP
/// speaks too. All zero is a complete frame.
public struct FrameOffload: BitwiseCopyable, Equatable, Sendable {
  /// VIRTIO_NET_HDR_F_…: 1 the checksum is still to be computed, 2 the data is known to be good.
  public var flags: UInt8 = 0
  /// VIRTIO_NET_HDR_GSO_…: 0 none, 1 TCPv4, 3 UDP, 4 TCPv6, 5 UDP_L4.
  public var segmentation: UInt8 = 0
  /// Bytes of all headers, a hint.
  public var headerLength: UInt16 = 0
  /// Payload bytes of one segment.
  public var segmentSize: UInt16 = 0
  /// Where the checksum's coverage starts.
  public var checksumStart: UInt16 = 0
  /// Where the checksum goes, from its start.
  public var checksumOffset: UInt16 = 0

  /// A complete frame's.
  public init() {}

  /// A UDP datagram over IPv4 without options, to be cut into such that fill an MTU of 1,500.
  static let segmentedUDP: FrameOffload = {
    var offload = FrameOffload()
    offload.flags = 1
    offload.segmentation = 5
    offload.headerLength = UInt16(ProbeDatagram.headerSize)
    offload.segmentSize = UInt16(ProbeDatagram.segmentSize)
    offload.checksumStart = 34
    offload.checksumOffset = 6
    return offload
  }()
}

/// What a port has counted; nothing that was sent or should have been received is missing from it.
public struct NetworkPortCounters: Equatable, Sendable {
  /// Frames taken from the guest.
  public var sent: UInt64 = 0
  /// Frames given to the guest.
  public var received: UInt64 = 0
  /// Frames of the guest that the far side had no room for.
  public var droppedOutgoing: UInt64 = 0
  /// Frames for the guest that the port had no room for.
  public var droppedIncoming: UInt64 = 0

  /// All zero.
  public init() {}
}

/// What stands behind a network card: Ethernet frames without FCS, one at a time. Used by one I/O thread; neither call blocks
/// or allocates.
public protocol NetworkPort: AnyObject, Sendable {
  /// Longest frame in bytes that it takes or gives, offload included.
  var maximumFrame: Int { get }
  /// Room in bytes without which it would be wrong to ask for a frame: it would only be lost. A plain frame's, where a port
  /// does not know better.
  var neededRoom: Int { get }
  /// Polled for input by the I/O thread: readable when `receive` may have a frame. Negative where input is never a surprise
  /// (an echo answers at once).
  var inputDescriptor: Int32 { get }
  /// Takes a frame from the guest, given as the parts of which it consists. A frame that the far side has no room for is
  /// counted as dropped, never waited for.
  func send(_ frame: Span<HostRange>, offload: FrameOffload)
  /// Like `send`, but the frame may stay where it is until `flush`, and its buffers have to.
  func post(_ frame: Span<HostRange>, offload: FrameOffload)
  /// Sends on what was posted, in order.
  func flush()
  /// The next frame for the guest, written to the front of `buffers` as far as they reach: its length, or nil where there is
  /// none. Longer frames are dropped and counted.
  func receive(into buffers: Span<HostRange>, offload: inout FrameOffload) -> Int?
  /// True where `receive` has a frame.
  var hasInput: Bool { get }
  /// What was counted so far.
  var counters: NetworkPortCounters { get }
}

extension NetworkPort {
  /// A plain frame's.
  public var neededRoom: Int { NetworkLimits.plainFrame }

  /// Sends it at once.
  public func post(_ frame: Span<HostRange>, offload: FrameOffload) { send(frame, offload: offload) }

  /// Nothing waits.
  public func flush() {}
}
