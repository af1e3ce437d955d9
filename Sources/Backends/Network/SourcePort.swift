import CLinuxKVM
import Glibc
import GuestMemory
import PVWire

/// Sends probe frames to the guest, at a rate or as fast as they are taken, and is a sink for what the guest sends. Frames that
/// are longer than a link carries are UDP datagrams before segmentation.
///
/// Used by one I/O thread, as every port; the counters are exact once that thread has ended.
public final class SourcePort: VerifyingPort, @unchecked Sendable {
  /// Longest frame in bytes.
  public let maximumFrame: Int
  /// All frames are of one size.
  public var neededRoom: Int { max(size, NetworkLimits.plainFrame) }
  /// Readable when the next frame is due; negative without a rate.
  public let inputDescriptor: Int32
  /// What was counted so far.
  public private(set) var counters = NetworkPortCounters()

  /// Frames that are kept for a guest that is late.
  static let backlog: UInt64 = 1024
  private let size: Int
  private let interval: UInt64
  private let template: PageBuffer
  private let content: Content
  private enum Content {
    case frame(fillerHash: UInt64)
    case datagram(ProbeDatagram.Constants)
  }
  private var reader: ProbeReader
  private var sequence: UInt64 = 0
  /// When the rate began, in nanoseconds of CLOCK_MONOTONIC; nil before the guest first asked.
  private var start: UInt64?

  /// A source of frames of `size` bytes without FCS (60 to 65,549), `rate` a second, 0 for as many as are taken.
  public init(size: Int, rate: UInt64) throws(NetworkPortError) {
    precondition((ProbeFrame.minimumSize...ProbeDatagram.maximumSize).contains(size) && rate <= 1_000_000_000)
    maximumFrame = size > NetworkLimits.plainFrame ? NetworkLimits.offloadFrame : NetworkLimits.plainFrame
    self.size = size
    interval = rate == 0 ? 0 : 1_000_000_000 / rate
    do throws(StorageError) { template = try PageBuffer(byteCount: size) } catch {
      throw .system(operation: "mmap", errno: NetworkLimits.noMemory)
    }
    guard let frame = template.bytes.baseAddress else { throw .system(operation: "mmap", errno: ENOMEM) }
    // To everyone, from a locally administered address: no card filters it out.
    content = Self.prepare(frame, size: size)
    reader = try ProbeReader()
    inputDescriptor = interval == 0 ? -1 : pv_timerfd()
    guard interval == 0 || inputDescriptor >= 0 else {
      throw .system(operation: "timerfd_create", errno: -inputDescriptor)
    }
  }

  deinit { if inputDescriptor >= 0 { close(inputDescriptor) } }

  /// What the guest's own frames were like.
  public var verdict: NetworkPortVerdict { reader.verdict }

  /// Takes a frame.
  public func send(_ frame: Span<HostRange>, offload: FrameOffload) {
    let count = FrameBytes.count(frame)
    guard count <= maximumFrame else { return counters.droppedOutgoing += 1 }
    counters.sent += 1
    reader.enter(frame, count: count)
  }

  /// True where a frame is due.
  public var hasInput: Bool { interval == 0 || due() > sequence }

  /// The next frame that is due. Frames that the guest is too late for are dropped, and their numbers with them.
  public func receive(into buffers: Span<HostRange>, offload: inout FrameOffload) -> Int? {
    if interval > 0 {
      let due = due()
      guard due > sequence else {
        arm()
        return nil
      }
      if due - sequence > Self.backlog {
        counters.droppedIncoming += due - sequence - Self.backlog
        sequence = due - Self.backlog
      }
    }
    let content = ProbeFrame.Content(sequence: sequence, stamp: 0)
    sequence += 1
    guard let frame = template.bytes.baseAddress, FrameBytes.count(buffers) >= size else {
      counters.droppedIncoming += 1
      return nil
    }
    switch self.content {
    case .frame(let hash):
      ProbeFrame.seal(frame, fillerHash: hash, content: content)
      offload = FrameOffload()
    case .datagram(let constants):
      ProbeDatagram.seal(frame, constants, content: content)
      offload = FrameOffload.segmentedUDP
    }
    FrameBytes.scatter(frame, count: size, to: buffers)
    counters.received += 1
    return size
  }

  private static func prepare(_ frame: UnsafeMutableRawPointer, size: Int) -> Content {
    let everyone: UInt64 = 0xFFFF_FFFF_FFFF
    let own: UInt64 = 0x0276_7000_0052
    guard size > ProbeFrame.fullSize else {
      return .frame(fillerHash: ProbeFrame.prepare(frame, size: size, destination: everyone, source: own))
    }
    let route = ProbeDatagram.Route(
      hardwareSource: own, hardwareDestination: everyone, source: ProbeDatagram.farAddress,
      destination: ProbeDatagram.guestAddress, sourcePort: ProbeDatagram.sinkPort,
      destinationPort: ProbeDatagram.guestPort)
    return .datagram(ProbeDatagram.prepare(frame, size: size, route: route, leavesChecksum: true))
  }

  /// Frames that should have left by now.
  private func due() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let now = UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    guard let start else {
      start = now
      return 1
    }
    return (now - start) / interval + 1
  }

  /// Makes the descriptor readable when the next frame is due.
  private func arm() {
    guard let start else { return }
    let time = start + sequence * interval
    _ = pv_timerfd_set(inputDescriptor, time / 1_000_000_000, time % 1_000_000_000)
  }
}
