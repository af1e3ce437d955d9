import Backends
import DeviceModel
import EmulatedDevices
import Glibc
import GuestMemory

/// Interrupts that go nowhere: a line, an edge, and as many messages as are asked for.
final class IgnoredInterrupt: InterruptLine, InterruptEdge, MessageInterrupts {
  func set(_ asserted: Bool) {}
  func pulse() {}
  func configure(vector: Int, address: UInt64, data: UInt32, isMasked: Bool) {}
  func edge(vector: Int) -> any InterruptEdge { self }
}

/// Output that goes nowhere.
final class IgnoredOutput: SerialSink {
  func byte(_ value: UInt8) {}
}

/// A small medium that insists on being asked for what it has. It touches every byte of the buffers that it is given, and lets
/// the guest go on meanwhile. What it holds may be an earlier input's: nobody looks at it. One thread only.
final class FuzzStorage: BlockStorage, @unchecked Sendable {
  let byteCount: UInt64
  var isReadOnly = false
  /// Requests fail.
  var isBroken = false
  /// What the guest does while the medium is at work.
  var meanwhile: () -> Void = {}
  private let content: UnsafeMutableRawBufferPointer

  init(sectors: Int) {
    byteCount = UInt64(sectors) * 512
    // SAFETY: allocated here, freed in deinit and nowhere else.
    content = .allocate(byteCount: sectors * 512, alignment: 4096)
    content.initializeMemory(as: UInt8.self, repeating: 0x5A)
  }

  deinit { content.deallocate() }

  /// As new, but for its content.
  func reset(isReadOnly: Bool = false, isBroken: Bool = false) {
    self.isReadOnly = isReadOnly
    self.isBroken = isBroken
    meanwhile = {}
  }

  func read(at offset: UInt64, into bytes: UnsafeMutableRawBufferPointer) throws(StorageError) {
    let range = try range(at: offset, count: UInt64(bytes.count))
    meanwhile()
    bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: content[range]))
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(StorageError) {
    mustHold(!isReadOnly, "a write to a medium that is read-only")
    let range = try range(at: offset, count: UInt64(bytes.count))
    meanwhile()
    UnsafeMutableRawBufferPointer(rebasing: content[range]).copyMemory(from: bytes)
  }

  func flush() throws(StorageError) { meanwhile() }

  func discard(at offset: UInt64, count: UInt64) throws(StorageError) { _ = try range(at: offset, count: count) }

  private func range(at offset: UInt64, count: UInt64) throws(StorageError) -> Range<Int> {
    let isInside = offset <= byteCount && count <= byteCount - offset
    mustHold(isInside && offset % 512 == 0 && count % 512 == 0, "an access that the medium does not have")
    if isBroken { throw .system(operation: "fuzz", errno: EIO) }
    return Int(offset)..<Int(offset + count)
  }
}

/// A port whose frames come from the input. It touches every byte of what it is given, and lets the guest go on meanwhile. One
/// thread only.
final class FuzzPort: NetworkPort, @unchecked Sendable {
  private(set) var maximumFrame = 0
  let inputDescriptor: Int32 = -1
  /// Where frames come from.
  private var input: FuzzInput?
  /// Frames that are still to come.
  var waiting = 0
  /// What the guest does while the port is at work.
  var meanwhile: () -> Void = {}
  private(set) var counters = NetworkPortCounters()
  private let scratch: UnsafeMutableRawBufferPointer

  init() {
    // SAFETY: allocated here, freed in deinit and nowhere else.
    scratch = .allocate(byteCount: NetworkLimits.offloadFrame, alignment: 64)
    scratch.initializeMemory(as: UInt8.self, repeating: 0xA5)
  }

  deinit { scratch.deallocate() }

  /// As new, with frames of up to `maximumFrame` bytes from `input`.
  func reset(maximumFrame: Int, input: FuzzInput, waiting: Int = 0) {
    self.maximumFrame = maximumFrame
    self.input = input
    self.waiting = waiting
    meanwhile = {}
    counters = NetworkPortCounters()
  }

  var hasInput: Bool { waiting > 0 }

  func send(_ frame: Span<HostRange>, offload: FrameOffload) {
    meanwhile()
    counters.sent += 1
    var position = 0
    for index in frame.indices {
      mustHold(frame[index].count <= maximumFrame - position, "a frame longer than the port takes")
      let part = UnsafeRawBufferPointer(start: frame[index].start, count: frame[index].count)
      UnsafeMutableRawBufferPointer(rebasing: scratch[position...]).copyMemory(from: part)
      position += frame[index].count
    }
  }

  func receive(into buffers: Span<HostRange>, offload: inout FrameOffload) -> Int? {
    guard waiting > 0, let input else { return nil }
    waiting -= 1
    meanwhile()
    let length = min(maximumFrame, input.pick([60, 14, 0, 13, 1514, 1518, 9000, 16_384, maximumFrame]))
    var room = 0
    for index in buffers.indices { room += buffers[index].count }
    guard length <= room else {
      counters.droppedIncoming += 1
      return nil
    }
    counters.received += 1
    if input.flag() {
      offload.flags = input.byte()
      offload.segmentation = input.byte()
      offload.headerLength = input.value(UInt16.self)
      offload.checksumStart = input.value(UInt16.self)
      offload.checksumOffset = input.value(UInt16.self)
    }
    scratch.copyBytes(from: input.array(input.below(64)))
    var position = 0
    for index in buffers.indices {
      let count = min(buffers[index].count, length - position)
      let part = UnsafeRawBufferPointer(rebasing: scratch[position..<(position + count)])
      UnsafeMutableRawBufferPointer(start: buffers[index].start, count: buffers[index].count).copyMemory(from: part)
      position += count
    }
    return length
  }
}
