import GuestMemory
import PVWire

/// Checks the probe frames of a stream that comes out of a guest.
struct ProbeReader: ~Copyable {
  private(set) var ledger = FrameLedger()
  private let staging: PageBuffer

  init() throws(NetworkPortError) {
    do throws(StorageError) { staging = try PageBuffer(byteCount: NetworkLimits.offloadFrame) } catch {
      throw .system(operation: "mmap", errno: NetworkLimits.noMemory)
    }
  }

  /// Looks at one frame of `count` bytes; what is no probe frame is left alone.
  mutating func enter(_ frame: Span<HostRange>, count: Int) {
    guard let copy = staging.bytes.baseAddress, count <= staging.bytes.count else { return }
    FrameBytes.gather(frame, to: copy)
    if ProbeFrame.isProbe(copy, size: count) {
      ledger.enter(ProbeFrame.content(of: copy, size: count))
    } else if ProbeDatagram.route(of: copy, size: count)?.destinationPort == ProbeDatagram.sinkPort {
      ledger.enter(ProbeDatagram.content(of: copy))
    }
  }

  var verdict: NetworkPortVerdict { NetworkPortVerdict(ledger) }
}

/// Takes every frame and says nothing; probe frames are checked for loss and damage on the way.
///
/// Used by one I/O thread, as every port; the counters are exact once that thread has ended.
public final class SinkPort: VerifyingPort, @unchecked Sendable {
  /// Longest frame in bytes.
  public let maximumFrame = NetworkLimits.offloadFrame
  /// Negative: there is never any input.
  public let inputDescriptor: Int32 = -1
  /// Always false.
  public let hasInput = false
  /// What was counted so far.
  public private(set) var counters = NetworkPortCounters()
  private var reader: ProbeReader

  /// A sink.
  public init() throws(NetworkPortError) { reader = try ProbeReader() }

  /// What the frames were like.
  public var verdict: NetworkPortVerdict { reader.verdict }

  /// Takes a frame.
  public func send(_ frame: Span<HostRange>, offload: FrameOffload) {
    let count = FrameBytes.count(frame)
    guard count <= maximumFrame else { return counters.droppedOutgoing += 1 }
    counters.sent += 1
    reader.enter(frame, count: count)
  }

  /// Never has a frame.
  public func receive(into buffers: Span<HostRange>, offload: inout FrameOffload) -> Int? { nil }
}
