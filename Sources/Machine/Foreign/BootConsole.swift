import EmulatedDevices
import Glibc
import MachineLauncher
import Synchronization

/// A foreign guest's console: what it prints goes on to a descriptor as it comes, and is looked through for the places of a boot.
///
/// The descriptor may be slower than the guest. Bytes are handed over by whoever calls `flush`; only where a lot has gathered does
/// the writing vCPU wait itself.
final class BootConsole: SerialSink, Sendable {
  /// What a boot was seen to come to, in nanoseconds of `HostClock.sinceBoot`.
  struct Sightings {
    var firstByte: UInt64?
    var initProcess: UInt64?
    var marker: UInt64?
    /// The line of a kernel that gives up, and when.
    var panic: (line: String, time: UInt64)?
    var lastByte: UInt64?
  }

  private struct State {
    var pending: [UInt8] = []
    var line: [UInt8] = []
    var lines: [String] = []
    var seen = Sightings()
  }

  private let state = Mutex(State())
  /// Held by whoever writes, so that bytes leave in their order.
  private let output = Mutex(())
  private let descriptor: Int32
  private let marker: [UInt8]?
  private let clock: @Sendable () -> UInt64

  /// Lines that are kept for the report of a guest that failed.
  static let keptLines = 20
  private static let longestLine = 4096
  private static let mostPending = 1 << 20
  private static let panic = Array("Kernel panic".utf8)
  /// Linux: `Run /init as init process`.
  private static let initProcess = (start: Array("Run /".utf8), end: Array(" as init process".utf8))

  /// A console onto `descriptor`, whose line that contains `marker` is the user's.
  init(descriptor: Int32, marker: String?, clock: @escaping @Sendable () -> UInt64) {
    self.descriptor = descriptor
    self.marker = marker.map { Array($0.utf8) }
    self.clock = clock
  }

  func byte(_ value: UInt8) {
    let now = clock()
    let isFull = state.withLock { state in
      state.seen.firstByte = state.seen.firstByte ?? now
      state.seen.lastByte = now
      state.pending.append(value)
      if value == UInt8(ascii: "\n") || state.line.count >= Self.longestLine {
        endLine(&state, at: now)
      } else if value != UInt8(ascii: "\r") {
        state.line.append(value)
      }
      return state.pending.count >= Self.mostPending
    }
    if isFull { flush() }
  }

  /// What was seen so far.
  var sightings: Sightings { state.withLock { $0.seen } }

  /// The last lines, an unfinished one included.
  var lastLines: [String] {
    state.withLock { state in
      let unfinished = state.line.isEmpty ? [] : [String(decoding: state.line, as: UTF8.self)]
      return (state.lines + unfinished).suffix(Self.keptLines)
    }
  }

  /// Writes what has gathered; a reader that has gone away is no reason to stop the guest.
  func flush() {
    output.withLock { _ in
      let bytes = state.withLock { state in
        defer { state.pending.removeAll(keepingCapacity: true) }
        return state.pending
      }
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard count > 0 || errno == EINTR else { return }
        rest = rest.dropFirst(max(count, 0))
      }
    }
  }

  private func endLine(_ state: inout State, at now: UInt64) {
    let line = state.line
    state.line.removeAll(keepingCapacity: true)
    state.lines.append(String(decoding: line, as: UTF8.self))
    if state.lines.count > Self.keptLines { state.lines.removeFirst() }
    if state.seen.panic == nil, line.contains(Self.panic) {
      state.seen.panic = (String(decoding: line, as: UTF8.self), now)
    }
    if state.seen.initProcess == nil, line.contains(Self.initProcess.start), line.contains(Self.initProcess.end) {
      state.seen.initProcess = now
    }
    if state.seen.marker == nil, let marker, line.contains(marker) { state.seen.marker = now }
  }
}

extension [UInt8] {
  /// True where `other` occurs in these bytes.
  fileprivate func contains(_ other: [UInt8]) -> Bool {
    guard count >= other.count else { return false }
    return (0...(count - other.count)).contains { self[$0..<($0 + other.count)].elementsEqual(other) }
  }
}
