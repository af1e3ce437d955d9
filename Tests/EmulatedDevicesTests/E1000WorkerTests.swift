import DeviceModel
import Glibc
import GuestMemory
import Testing

@testable import EmulatedDevices

@Suite struct E1000WorkerTests {
  let driver: E1000Driver
  init() throws { driver = try E1000Driver() }

  @Test func inputIsWatchedWhileThereAreDescriptors() throws {
    let input = try EventFD()
    driver.port.inputDescriptor = input.descriptor
    #expect(!driver.card.shared.withCore { $0.workerTurn() }.watchesInput)
    try driver.start()
    #expect(driver.card.shared.withCore { $0.workerTurn() }.watchesInput)
    driver.port.incoming = (0..<20).map { Frames.ethernet(seed: $0) }
    let plan = driver.card.shared.withCore { $0.workerTurn() }
    #expect(plan == E1000Plan(hasMore: false, watchesInput: false, deadline: nil))
    #expect(driver.card.counters.received == 15)
    driver.write(5, .receiveTail)
    #expect(driver.card.shared.withCore { $0.workerTurn() }.watchesInput)
    #expect(driver.card.counters.received == 20)
  }

  @Test func frameHeldForDescriptorsDoesNotSpin() throws {
    driver.port.inputDescriptor = 0
    try driver.start(receiveControl: 0x0403_8022)
    driver.write(2, .receiveTail)
    driver.port.incoming = [Frames.ethernet(size: 1000), Frames.ethernet()]
    let plan = driver.card.shared.withCore { $0.workerTurn() }
    #expect(plan == E1000Plan(hasMore: false, watchesInput: false, deadline: nil))
  }

  @Test func moderatedInterruptHasADeadlineUntilItIsDelivered() throws {
    try driver.start()
    driver.write(1000, .interruptThrottling)
    driver.deliver([Frames.ethernet()])
    _ = driver.read(.interruptCause)
    driver.deliver([Frames.ethernet()])
    let due = driver.card.shared.withCore { $0.workerTurn() }.deadline
    #expect(due == driver.clock.now + 256_000)
    driver.clock.advance(256_000)
    #expect(driver.card.shared.withCore { $0.workerTurn() }.deadline == nil)
    #expect(driver.line.isAsserted)
  }

  /// Whatever a thread needs.
  private final class Thread: @unchecked Sendable {
    private var handle = pthread_t()
    init(_ worker: E1000Worker) {
      pthread_create(
        &handle, nil,
        { argument in
          // SAFETY: retained below, and released here, once.
          argument.map { Unmanaged<E1000Worker>.fromOpaque($0).takeRetainedValue().run() }
          return nil
        }, Unmanaged.passRetained(worker).toOpaque())
    }
    func join() { pthread_join(handle, nil) }
  }

  @Test func runningWorkerTakesInputAndStops() throws {
    let input = try EventFD()
    driver.port.inputDescriptor = input.descriptor
    driver.port.incoming = [Frames.ethernet()]
    try driver.start()
    let thread = Thread(driver.card.worker)
    input.signal()
    while driver.card.counters.received == 0 { usleep(100) }
    driver.card.worker.stop()
    thread.join()
    #expect(try driver.received(0).bytes == Frames.ethernet())
  }

  @Test func stopBeforeTheStartIsNotLost() throws {
    driver.card.worker.stop()
    driver.card.worker.run()
    #expect(driver.card.counters == E1000Counters())
  }
}
