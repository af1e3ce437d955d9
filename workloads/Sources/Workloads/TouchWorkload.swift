import Drivers
import GuestKernel
import PVWire

/// touch: the first access to pages of 4 KiB, one after the other, an operation each. A page must be empty before, and is written
/// to. The window ends early where there are no untouched pages left; the warm-up takes an eighth of them at most.
///
/// Parameters: step (bytes from one page that is touched to the next, 4 KiB where there is none), answer.
enum TouchWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let size = try session.arenaSize()
    try session.measure(TouchLoop(session, DMAMemory(at: UInt(MemoryMap.arena), count: size)))
  }
}

private final class TouchLoop: MeasuredLoop {
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  var bytesPerOperation: UInt64 { UInt64(step) }
  private let session: Session
  private let memory: DMAMemory
  private let spoilt: UInt64
  private let pages: Int
  private var next = 0
  private var limit: Int
  private let step: Int

  init(_ session: Session, _ memory: DMAMemory) throws(WorkloadFailure) {
    self.session = session
    self.memory = memory
    spoilt = session.hasParameter("answer") ? try session.number("answer") : 0
    step = session.hasParameter("step") ? Int(try session.number("step")) : 4096
    guard step >= 4096, step % 4096 == 0 else { throw .failed(Text.bytes("step: expected whole pages of 4 KiB")) }
    pages = memory.count / step
    limit = pages / 8
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
    limit = pages
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      let offset = next * step
      let start = pv_tsc()
      let found = memory.load(UInt64.self, at: offset)
      memory.store(UInt64(next) + 1, at: offset)
      latency.record(session.nanoseconds(pv_tsc() &- start))
      guard found == spoilt else { throw .failed(Text.bytes("a page that nobody has touched is not empty")) }
      next += 1
      operations += 1
      session.beat()
    } while next < limit && pv_tsc() < deadline
  }

  func settle() throws(WorkloadFailure) {
    for page in 0..<next {
      guard memory.load(UInt64.self, at: page * step) == UInt64(page) + 1 else {
        throw .failed(Text.bytes("a page does not hold what was written to it"))
      }
    }
  }
}
