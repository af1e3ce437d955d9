import CLinuxKVM

/// Reads the records in a ring of perf_event_open(2) (include/uapi/linux/perf_event.h, `PERF_RECORD_*`). The kernel has written
/// them, but sizes are believed of nobody.
public struct PerfRecords {
  /// One record.
  public enum Record {
    /// A tracepoint's own bytes, valid only during the call that they are given to.
    case sample(UnsafeRawBufferPointer)
    /// So many records found no room.
    case lost(UInt64)
    /// The rest of the ring makes no sense and is left out.
    case damaged
  }

  private static let headerSize = MemoryLayout<perf_event_header>.size
  private static let lostSize = headerSize + 16

  private let data: UnsafeRawBufferPointer
  /// For a record that goes over the ring's end: no record is longer.
  private var scratch = [UInt8](repeating: 0, count: 1 << 16)

  /// A reader of `data`, the ring behind its page of indices. Its size must be a power of two, 8 at least.
  public init(data: UnsafeRawBufferPointer) {
    precondition(data.count >= Self.headerSize && data.count & (data.count - 1) == 0, "no ring has this size")
    self.data = data
  }

  /// Hands every record between two indices to `body`. They only grow; where in the ring they point is their remainder.
  public mutating func read(from tail: UInt64, to head: UInt64, _ body: (Record) -> Void) {
    guard head &- tail <= UInt64(data.count) else { return body(.damaged) }
    var tail = tail
    while head &- tail >= UInt64(Self.headerSize) {
      let header = withBytes(at: tail, count: Self.headerSize) { $0.loadUnaligned(as: perf_event_header.self) }
      let size = Int(header.size)
      guard size >= Self.headerSize, UInt64(size) <= head &- tail else { return body(.damaged) }
      withBytes(at: tail, count: size) { bytes in
        if let record = Self.record(of: header.type, bytes) { body(record) }
      }
      tail &+= UInt64(size)
    }
    if tail != head { body(.damaged) }
  }

  private static func record(of type: UInt32, _ bytes: UnsafeRawBufferPointer) -> Record? {
    switch type {
    case PERF_RECORD_SAMPLE.rawValue:
      // PERF_SAMPLE_RAW alone: the size of the rest, and the rest.
      guard bytes.count >= headerSize + 4 else { return .damaged }
      let count = Int(bytes.loadUnaligned(fromByteOffset: headerSize, as: UInt32.self))
      guard count <= bytes.count - headerSize - 4 else { return .damaged }
      return .sample(UnsafeRawBufferPointer(rebasing: bytes[(headerSize + 4)..<(headerSize + 4 + count)]))
    case PERF_RECORD_LOST.rawValue:
      guard bytes.count >= lostSize else { return .damaged }
      return .lost(bytes.loadUnaligned(fromByteOffset: headerSize + 8, as: UInt64.self))
    default: return nil
    }
  }

  /// `count` bytes at an index, in one piece.
  private mutating func withBytes<Value>(
    at index: UInt64, count: Int, _ body: (UnsafeRawBufferPointer) -> Value
  ) -> Value {
    let start = Int(index & UInt64(data.count - 1))
    guard start + count > data.count else {
      return body(UnsafeRawBufferPointer(rebasing: data[start..<(start + count)]))
    }
    let first = data.count - start
    return scratch.withUnsafeMutableBytes { bytes in
      // SAFETY: `count` is at most 65,535 and at most the ring's size, so that both parts are inside of either.
      bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: data[start...]))
      UnsafeMutableRawBufferPointer(rebasing: bytes[first...])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: data[..<(count - first)]))
      return body(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
    }
  }
}
