import Backends
import DeviceModel

/// The card's own thread: takes what comes in, goes on where a register write had to stop, and lets moderated interrupts
/// through. Call `run()` once, on the thread that shall do it.
public final class E1000Worker: DeviceWorker {
  private let shared: E1000Shared
  private let port: any NetworkPort
  private let wake: EventFD
  private let stopRequest: EventFD
  private let clock: @Sendable () -> UInt64

  init(
    shared: E1000Shared, port: any NetworkPort, wake: EventFD, stop: EventFD, clock: @escaping @Sendable () -> UInt64
  ) {
    self.shared = shared
    self.port = port
    self.wake = wake
    stopRequest = stop
    self.clock = clock
  }

  /// Ends `run()`; from any thread.
  public func stop() { stopRequest.signal() }

  /// Works until `stop()`. It blocks, and touches guest memory only while it holds the card's lock.
  public func run() {
    var wait = DescriptorWait([stopRequest.descriptor, wake.descriptor, -1])
    while !wait.isReady(0) {
      let plan = shared.withCore { $0.workerTurn() }
      wait.replace(2, by: plan.watchesInput ? port.inputDescriptor : -1)
      wait.wait(nanoseconds: patience(plan))
      if wait.isReady(1) { wake.consume() }
    }
    stopRequest.consume()
  }

  /// Nanoseconds that may be slept; nil for as long as nothing happens.
  private func patience(_ plan: E1000Plan) -> UInt64? {
    guard !plan.hasMore else { return 0 }
    guard let deadline = plan.deadline else { return nil }
    let now = clock()
    return deadline > now ? deadline - now : 0
  }
}
