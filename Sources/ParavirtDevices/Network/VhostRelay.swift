import Backends
import DeviceModel
import Synchronization

/// What remains to be done by a thread of ours where the kernel serves a network card: interrupts that are more than an
/// eventfd's signal (virtio-mmio's status register, INTx, a masked vector), rings that are nonsense, and the end.
public final class VhostRelay: DeviceWorker {
  private let rings: VhostRings
  private let stopRequest: EventFD
  private let failed: EventFD
  private let failure = Mutex<NetworkPortError?>(nil)

  init(rings: VhostRings) throws(EventFD.CreationError) {
    self.rings = rings
    stopRequest = try EventFD()
    failed = try EventFD()
  }

  /// A request that should have been carried out was not: `run()` ends with it. The first one counts.
  func fail(_ error: NetworkPortError) {
    failure.withLock { $0 = $0 ?? error }
    failed.signal()
  }

  /// Ends `run()`; from any thread.
  public func stop() { stopRequest.signal() }

  /// Relays until `stop()` or a failure, and then takes the rings back: nothing of the guest is touched any more, and what was
  /// counted stands still.
  public func run() throws {
    relay()
    for queue in rings.calls.indices {
      do throws(NetworkPortError) { try rings.stop(queue: queue) } catch { fail(error) }
    }
    if let error = failure.withLock({ $0 }) { throw error }
  }

  private func relay() {
    let calls = rings.calls.indices
    let (broken, stop, failed) = (calls.upperBound, calls.upperBound + 1, calls.upperBound + 2)
    var wait = DescriptorWait((rings.calls + [rings.broken, stopRequest, self.failed]).map(\.descriptor))
    while true {
      wait.wait(nanoseconds: nil)
      for queue in calls where wait.isReady(queue) { rings.interrupt(queue: queue) }
      if wait.isReady(broken) { rings.giveUp() }
      if wait.isReady(stop) || wait.isReady(failed) { return }
    }
  }
}
