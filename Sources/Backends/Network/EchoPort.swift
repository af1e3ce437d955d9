import GuestMemory

/// Gives every frame back with its source and destination address exchanged: a far side that costs next to nothing, and so
/// the pure path. What it holds is bounded; frames beyond that are dropped and counted.
///
/// Used by one I/O thread, as every port; the counters are exact once that thread has ended.
public final class EchoPort: NetworkPort, @unchecked Sendable {
  /// Longest frame in bytes.
  public let maximumFrame: Int
  /// Negative: an answer is there as soon as the question was asked.
  public let inputDescriptor: Int32 = -1
  /// What was counted so far.
  public private(set) var counters = NetworkPortCounters()

  private struct Slot {
    var count = 0
    var offload = FrameOffload()
  }
  private let pages: PageBuffer
  private var slots: [Slot]
  private var head = 0
  private var filled = 0

  /// An echo that holds up to `capacity` frames of up to `maximumFrame` bytes (the default carries segmentation offload).
  /// RAM is taken only as far as frames reach.
  public init(maximumFrame: Int = NetworkLimits.offloadFrame, capacity: Int = 256) throws(NetworkPortError) {
    precondition(maximumFrame >= 14 && capacity > 0, "room for a frame")
    self.maximumFrame = maximumFrame
    slots = [Slot](repeating: Slot(), count: capacity)
    do throws(StorageError) { pages = try PageBuffer(byteCount: maximumFrame * capacity) } catch {
      throw .system(operation: "mmap", errno: .init(NetworkLimits.noMemory))
    }
  }

  /// True where a frame waits.
  public var hasInput: Bool { filled > 0 }

  /// Takes a frame, if there is room.
  public func send(_ frame: Span<HostRange>, offload: FrameOffload) {
    let count = FrameBytes.count(frame)
    guard filled < slots.count, count <= maximumFrame, count >= 14,
      let target = memory(of: (head + filled) % slots.count)
    else { return counters.droppedOutgoing += 1 }
    FrameBytes.gather(frame, to: target)
    for index in 0..<6 {
      let byte = target.load(fromByteOffset: index, as: UInt8.self)
      target.storeBytes(
        of: target.load(fromByteOffset: 6 + index, as: UInt8.self), toByteOffset: index, as: UInt8.self)
      target.storeBytes(of: byte, toByteOffset: 6 + index, as: UInt8.self)
    }
    slots[(head + filled) % slots.count] = Slot(count: count, offload: offload)
    filled += 1
    counters.sent += 1
  }

  /// Gives the oldest frame.
  public func receive(into buffers: Span<HostRange>, offload: inout FrameOffload) -> Int? {
    let room = FrameBytes.count(buffers)
    while filled > 0 {
      let slot = slots[head]
      let source = memory(of: head)
      head = (head + 1) % slots.count
      filled -= 1
      guard slot.count <= room, let source else {
        counters.droppedIncoming += 1
        continue
      }
      FrameBytes.scatter(source, count: slot.count, to: buffers)
      offload = slot.offload
      counters.received += 1
      return slot.count
    }
    return nil
  }

  private func memory(of slot: Int) -> UnsafeMutableRawPointer? {
    pages.bytes.baseAddress.map { $0 + slot * maximumFrame }
  }
}
