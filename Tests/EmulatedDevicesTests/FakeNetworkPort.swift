import Backends
import GuestMemory

/// Keeps what the guest sent and gives what a test has queued. One thread at a time.
final class FakeNetworkPort: NetworkPort, @unchecked Sendable {
  var maximumFrame = 16384
  var inputDescriptor: Int32 = -1
  var incoming: [[UInt8]] = []
  /// What the next frames leave undone.
  var offload = FrameOffload()
  /// Gives back whatever was sent.
  var isEcho = false
  /// Frames are counted, not kept.
  var isForgetful = false
  private(set) var sent: [[UInt8]] = []
  private(set) var counters = NetworkPortCounters()
  private(set) var longestSent = 0

  var hasInput: Bool { !incoming.isEmpty }

  func send(_ frame: Span<HostRange>, offload: FrameOffload) {
    var bytes: [UInt8] = []
    for index in frame.indices {
      bytes += UnsafeRawBufferPointer(start: frame[index].start, count: frame[index].count)
    }
    counters.sent += 1
    longestSent = max(longestSent, bytes.count)
    if isEcho { incoming.append(bytes) }
    if !isForgetful { sent.append(bytes) }
  }

  func receive(into buffers: Span<HostRange>, offload: inout FrameOffload) -> Int? {
    guard !incoming.isEmpty else { return nil }
    let frame = incoming.removeFirst()
    offload = self.offload
    counters.received += 1
    UnsafeMutableRawBufferPointer(start: buffers[0].start, count: buffers[0].count).copyBytes(from: frame)
    return frame.count
  }
}
