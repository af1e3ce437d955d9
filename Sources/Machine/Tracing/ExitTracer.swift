import DeviceModel
import KVM
import Measurement
import Synchronization

/// What KVM's tracepoints say of the vCPUs' threads. Each of these opens a ring for itself, which the kernel fills and a thread
/// beside them empties: no vCPU ever does.
final class ExitTracer: DeviceWorker {
  /// How long records wait at most, in nanoseconds: the kernel only tells of many.
  private static let interval: UInt64 = 20_000_000

  private final class Reader: @unchecked Sendable {
    // SAFETY of Sendable: only touched under the lock of `state`.
    var ring: TraceRing
    init(_ ring: consuming TraceRing) { self.ring = ring }
  }

  private struct State {
    var readers: [Reader] = []
    var tally: TraceTally
    var damage: UInt64 = 0
    var notes: [String] = []
  }

  private let layouts: [TracepointLayout]
  private let arrival: EventFD
  private let stopRequest: EventFD
  private let state: Mutex<State>

  /// A tracer of these tracepoints.
  init(_ layouts: [TracepointLayout]) throws(EventFD.CreationError) {
    self.layouts = layouts
    arrival = try EventFD()
    stopRequest = try EventFD()
    state = Mutex(State(tally: TraceTally(layouts)))
  }

  /// Records on the calling thread from now on.
  func attach() {
    do {
      let reader = Reader(try TraceRing(tracepoints: layouts.map { UInt64($0.id) }))
      state.withLock { $0.readers.append(reader) }
      arrival.signal()
    } catch { state.withLock { $0.notes.append("\(error)") } }
  }

  /// Empties the rings until it is stopped, and then once more.
  func run() {
    var isStopped = false
    while !isStopped {
      let rings = state.withLock { $0.readers.map { $0.ring.descriptor } }
      var wait = DescriptorWait([stopRequest.descriptor, arrival.descriptor] + rings)
      wait.wait(nanoseconds: Self.interval)
      isStopped = wait.isReady(0)
      if wait.isReady(1) { arrival.consume() }
      state.withLock { Self.drain(&$0) }
    }
  }

  /// Ends `run`; from any thread, after the vCPUs have ended.
  func stop() { stopRequest.signal() }

  private static func drain(_ state: inout State) {
    for reader in state.readers {
      reader.ring.drain { record in
        switch record {
        case .sample(let bytes): state.tally.add(bytes)
        case .lost(let count): state.tally.lose(count)
        case .damaged: state.damage += 1
        }
      }
    }
  }

  /// What has been seen, once `run` has ended; nil where a vCPU could not be traced, and `notes` say why.
  var counts: TraceCounts? {
    state.withLock { state in
      guard state.notes.isEmpty, !state.readers.isEmpty else { return nil }
      var sums = [UInt64](repeating: 0, count: layouts.count)
      for reader in state.readers {
        guard let counts = try? reader.ring.counts() else { return nil }
        for (index, count) in counts.enumerated() { sums[index] &+= count }
      }
      return state.tally.counts(kernel: sums)
    }
  }

  /// Why something is missing.
  var notes: [String] {
    state.withLock { state in
      state.notes + (state.damage > 0 ? ["the kernel's ring of trace records made no sense \(state.damage) times"] : [])
    }
  }
}
