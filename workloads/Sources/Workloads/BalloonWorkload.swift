import Drivers
import GuestKernel
import PVWire

/// balloon: memory goes back to the host and is used again, over and over.
///
/// Parameters: operation (inflate: pages into the balloon and out again; reporting: pages reported as free), count (of pages, a
/// request), completion (interrupt, polled). Before each operation every page is looked at and written to: after the first one
/// it must hold zeroes, as what was given back is gone. Latency is that of the requests; touching the pages is outside of it,
/// but inside the throughput.
enum BalloonWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    guard
      let device = VirtioBalloon(
        polled: session.isWord("completion", "polled"), firstSlot: UInt(MemoryMap.virtioMMIO),
        stride: UInt(MemoryMap.virtioMMIOStride), slots: MemoryMap.virtioMMIOSlots,
        interruptInput: session.virtioInterruptInput)
    else { throw .skipped(Text.bytes("no balloon was found (neither in virtio-mmio slots nor on PCI)")) }
    session.send(.log(Text.bytes("memory: virtio-balloon")))
    try session.measure(BalloonLoop(session, device))
  }
}

private final class BalloonLoop: MeasuredLoop {
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  var bytesPerOperation: UInt64 { UInt64(pages * Self.pageSize) }
  private let session: Session
  private let device: VirtioBalloon
  private let isReporting: Bool
  private let pages: Int
  private let memory: DMAMemory
  private static let pageSize = 4096

  init(_ session: Session, _ device: VirtioBalloon) throws(WorkloadFailure) {
    let count = try session.number("count")
    guard count >= 1, count <= UInt64(VirtioBalloon.mostPages) else {
      throw .failed(Text.bytes("count: expected 1 to 1024"))
    }
    isReporting = session.isWord("operation", "reporting")
    guard isReporting || session.isWord("operation", "inflate") else {
      throw .failed(Text.bytes("operation: expected inflate or reporting"))
    }
    guard device.canReport || !isReporting else { throw .skipped(Text.bytes("the balloon takes no reports")) }
    self.session = session
    self.device = device
    pages = Int(count)
    memory = DMAMemory(count: Self.pageSize * pages)
    device.giveStatistics(free: bytesPerOperation)
  }

  func forgetMeasurements() {
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    repeat {
      guard touch() else { throw .failed(Text.bytes("a page that was given back to the host was not empty")) }
      let submitted = pv_tsc()
      do throws(VirtioBalloon.Failure) { try giveBack() } catch {
        throw .failed(Text.bytes("virtio-balloon: ", error.what))
      }
      latency.record(session.nanoseconds(pv_tsc() &- submitted))
      operations += 1
      session.beat()
    } while pv_tsc() < deadline
  }

  private func giveBack() throws(VirtioBalloon.Failure) {
    if isReporting { return try device.report(address: memory.address, pages: pages) }
    try device.inflate(address: memory.address, pages: pages)
    try device.deflate(address: memory.address, pages: pages)
  }

  /// Writes to the first and the last word of every page; false where one of them was not zero before.
  private func touch() -> Bool {
    for page in 0..<pages {
      for offset in [page * Self.pageSize, (page + 1) * Self.pageSize - 8] {
        guard memory.load(UInt64.self, at: offset) == 0 else { return false }
        memory.store(UInt64(page) + 1, at: offset)
      }
    }
    return true
  }
}
