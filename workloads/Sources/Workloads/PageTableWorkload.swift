import Drivers
import GuestKernel
import PVWire

/// pagetable: a page is mapped, written to, made read-only, read, and unmapped, an operation; the processor's cached translation
/// is forgotten twice, by INVLPG in ring 0. The page is another one than the last time: a translation that was kept is found out.
///
/// Parameters: size (of the pages that are mapped in turn, of 2 MiB at most), answer.
enum PageTableWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    try session.measure(PageTableLoop(session))
  }
}

private final class PageTableLoop: MeasuredLoop {
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  let bytesPerOperation: UInt64 = 0
  private let session: Session
  private let window = PageWindow()
  private let frames: DMAMemory
  private let pages: Int
  private let spoilt: UInt64
  private var turn: UInt64 = 0
  private static let pageSize = 4096

  init(_ session: Session) throws(WorkloadFailure) {
    let size = try session.number("size")
    guard size >= 4096, size <= 2 << 20 else { throw .failed(Text.bytes("size: expected 4 KiB to 2 MiB")) }
    self.session = session
    pages = Int(size) / Self.pageSize
    frames = DMAMemory(count: 2 * Self.pageSize)
    spoilt = session.hasParameter("answer") ? try session.number("answer") : 0
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      turn += 1
      let page = Int(turn % UInt64(pages))
      let frame = frames.address + UInt(Self.pageSize) * UInt(turn / UInt64(pages) & 1)
      let start = pv_tsc()
      window.map(page, to: frame)
      pv_store64(window.address(of: page), turn)
      window.map(page, to: frame, isWritable: false)
      window.forget(page)
      let read = pv_load64(window.address(of: page))
      window.unmap(page)
      window.forget(page)
      latency.record(session.nanoseconds(pv_tsc() &- start))
      guard read == turn + spoilt, pv_load64(frame) == turn else {
        throw .failed(Text.bytes("a page was not where the page table has it"))
      }
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
  }
}
