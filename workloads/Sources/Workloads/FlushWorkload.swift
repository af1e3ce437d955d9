import Drivers
import GuestKernel
import PVWire

/// flush: ring 0 makes this processor forget translations that it has cached. One operation is one such instruction, timed in
/// ring 0, without what it takes to get there. After every batch a page that was replaced before it must be seen to be another.
///
/// Parameters: way (cr3: CR3 is loaded with what it holds, and all translations go; invlpg: that of one page), answer.
enum FlushWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let isCR3 = session.isWord("way", "cr3")
    guard isCR3 || session.isWord("way", "invlpg") else {
      throw .failed(Text.bytes("way: expected cr3 or invlpg"))
    }
    try session.measure(FlushLoop(session, isCR3 ? pv_time_cr3_load : pv_time_invlpg))
  }
}

private final class FlushLoop: MeasuredLoop {
  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  private let instruction: @convention(c) (UnsafeMutableRawPointer?) -> UInt64
  private let window = PageWindow()
  private let frames = DMAMemory(count: 8192)
  private let timing = DMAMemory(count: MemoryLayout<pv_timing>.size)
  private let spoilt: UInt64
  private var turn: UInt64 = 0

  /// Offsets in `pv_timing`.
  private enum Place {
    static let count = 0
    static let address = 8
    static let ticks = 16
  }

  init(
    _ session: Session, _ instruction: @escaping @convention(c) (UnsafeMutableRawPointer?) -> UInt64
  ) throws(WorkloadFailure) {
    self.session = session
    self.instruction = instruction
    spoilt = session.hasParameter("answer") ? try session.number("answer") : 0
    timing.store(UInt64(PV_TIMED), at: Place.count)
    timing.store(UInt64(window.address(of: 0)), at: Place.address)
    pv_store64(frames.address + 4096, 1)
    window.map(0, to: frames.address)
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      // Read now, so that there is something to forget.
      let before = pv_load64(window.address(of: 0))
      turn += 1
      window.map(0, to: frames.address + 4096 * UInt(turn & 1))
      _ = pv_call(instruction, UnsafeMutableRawPointer(bitPattern: timing.address))
      guard before == (turn - 1) & 1, pv_load64(window.address(of: 0)) == turn & 1 + spoilt else {
        throw .failed(Text.bytes("a page that was replaced is still seen"))
      }
      for index in 0..<Int(PV_TIMED) {
        latency.record(session.nanoseconds(timing.load(UInt64.self, at: Place.ticks + 8 * index)))
      }
      operations += UInt64(PV_TIMED)
      session.beat()
    } while pv_tsc() < deadline
  }
}
