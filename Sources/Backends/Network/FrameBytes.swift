import GuestMemory
import PVWire

/// Copies frames between guest memory and the host's own. A frame is copied once and then looked at, never in place: the
/// guest may change it at any moment.
enum FrameBytes {
  /// Bytes of all parts.
  static func count(_ parts: Span<HostRange>) -> Int {
    var count = 0
    for index in parts.indices { count += parts[index].count }
    return count
  }

  /// Copies all parts to `target`, which has room for them; how many bytes.
  @discardableResult static func gather(_ parts: Span<HostRange>, to target: UnsafeMutableRawPointer) -> Int {
    var position = 0
    for index in parts.indices {
      // SAFETY: the caller has room for the sum of the parts, each of which was checked to be inside guest RAM.
      (target + position).copyMemory(from: parts[index].start, byteCount: parts[index].count)
      position += parts[index].count
    }
    return position
  }

  /// Copies `count` bytes from `source` over the parts, as far as they reach.
  static func scatter(_ source: UnsafeRawPointer, count: Int, to parts: Span<HostRange>) {
    var position = 0
    for index in parts.indices where position < count {
      let length = min(parts[index].count, count - position)
      // SAFETY: as in `gather`; `source` holds `count` bytes.
      parts[index].start.copyMemory(from: source + position, byteCount: length)
      position += length
    }
  }
}

/// The counters that a port offers, summed up by name for a report.
public struct NetworkPortVerdict: Equatable, Sendable {
  /// Frames that never arrived.
  public var lost: UInt64 = 0
  /// Frames that were overtaken.
  public var reordered: UInt64 = 0
  /// Frames that came twice.
  public var duplicated: UInt64 = 0
  /// Frames that were changed.
  public var corrupted: UInt64 = 0

  /// All zero.
  public init() {}

  init(_ ledger: FrameLedger) {
    lost = ledger.lost
    reordered = ledger.reordered
    duplicated = ledger.duplicated
    corrupted = ledger.corrupted
  }
}

/// A port that looks at the probe frames that it takes.
public protocol VerifyingPort: NetworkPort {
  /// What it found so far.
  var verdict: NetworkPortVerdict { get }
}
