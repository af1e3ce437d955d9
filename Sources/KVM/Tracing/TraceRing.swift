import CLinuxKVM
import Glibc

/// Records of tracepoints on one thread, in one ring that the kernel fills and somebody else empties.
public struct TraceRing: ~Copyable {
  /// Bytes of a ring, where the host gives them: at 100,000 exits a second with three records of 100 bytes, 0.1 s.
  public static let byteCount = 4 << 20
  /// Less is no use. What users without CAP_IPC_LOCK may lock is half a MiB (kernel.perf_event_mlock_kb).
  private static let leastByteCount = 64 << 10
  /// Whoever polls is woken when so many bytes wait.
  private static let watermark: UInt32 = 128 << 10

  private let events: [EventDescriptor]
  private let ring: UnsafeMutableRawPointer
  private let mappedBytes: Int
  private var records: PerfRecords
  private var tail: UInt64 = 0

  /// An event's descriptor in a list.
  private final class EventDescriptor: Sendable {
    let raw: Int32
    init(owning raw: Int32) { self.raw = raw }
    deinit { close(raw) }
  }

  /// Records on the calling thread from now on, until this is gone.
  ///
  /// - Parameter ids: of the tracepoints (`events/…/id` of tracefs); one at least.
  /// - Throws: `.tracing` where one is wrong, memory is short, or the caller lacks CAP_PERFMON.
  public init(tracepoints ids: [UInt64]) throws(KVMError) {
    var events: [EventDescriptor] = []
    for id in ids {
      let raw = pv_perf_record_tracepoint(id, Self.watermark)
      guard raw >= 0 else { throw .tracing(errno: -raw) }
      events.append(EventDescriptor(owning: raw))
    }
    guard let owner = events.first else { throw .tracing(errno: EINVAL) }
    let page = Int(getpagesize())
    var size = Self.byteCount
    var code: Int32 = 0
    var mapped = pv_perf_map_ring(owner.raw, UInt(page), UInt(size), &code)
    while mapped == nil, size > Self.leastByteCount {
      size /= 2
      mapped = pv_perf_map_ring(owner.raw, UInt(page), UInt(size), &code)
    }
    guard let mapped else { throw .tracing(errno: code) }
    for event in events.dropFirst() {
      let refused = pv_perf_share_ring(event.raw, owner.raw)
      guard refused == 0 else {
        munmap(mapped, page + size)
        throw .tracing(errno: -refused)
      }
    }
    self.events = events
    ring = mapped
    mappedBytes = page + size
    // SAFETY: the mapping has `size` bytes behind its first page, and lives as long as this owner.
    records = PerfRecords(data: UnsafeRawBufferPointer(start: mapped + page, count: size))
  }

  deinit { munmap(ring, mappedBytes) }

  /// Ready for poll(2) when a good part of the ring waits. Borrowed.
  public var descriptor: Int32 { events[0].raw }

  /// Hands over what has come since the last call.
  public mutating func drain(_ body: (PerfRecords.Record) -> Void) {
    let head = pv_perf_head(ring)
    records.read(from: tail, to: head, body)
    tail = head
    pv_perf_release(ring, head)
  }

  /// How often the kernel came by each tracepoint, in their order, whether or not there was room for a record.
  public func counts() throws(KVMError) -> [UInt64] {
    var counts: [UInt64] = []
    for event in events {
      var count: UInt64 = 0
      // SAFETY: a counter without a read format is one 64-bit value.
      guard read(event.raw, &count, 8) == 8 else { throw .tracing(errno: errno) }
      counts.append(count)
    }
    return counts
  }
}

// SAFETY: the struct is the only owner of its mapping and is not copyable: to send it to another thread is to move it.
extension TraceRing: @unchecked Sendable {}
