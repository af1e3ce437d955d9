import Drivers
import GuestKernel
import PVWire

/// interrupts: asks a device of the runner for interrupts. Every one that was raised must be handled, once.
///
/// Parameters: trigger (edge, level), count (interrupts in the window at least). An operation is one edge, or a burst of levels of
/// which the device raises the next as soon as the last is acknowledged, mostly before its end. Latency runs from asking to the
/// moment at which the driver knows of the last: exits, the device's thread and the way back. Values, whole life:
/// interrupts.raised and interrupts.handled (edges by the handler's count, levels by the device's of those that were acknowledged),
/// and interrupts.spurious: how often the handler found nothing to acknowledge. A host that ends interrupts itself before their
/// handler has run delivers a level twice; drivers of level-triggered devices have to live with that.
enum InterruptWorkload {
  static func run(_ session: Session) throws(WorkloadFailure) {
    let loop = try InterruptLoop(session)
    try session.measure(loop)
    let (raised, handled) = (loop.raised, loop.handled)
    session.send(.value(name: Text.bytes("interrupts.raised"), raised))
    session.send(.value(name: Text.bytes("interrupts.handled"), handled))
    session.send(.value(name: Text.bytes("interrupts.spurious"), loop.interrupts - min(handled, loop.interrupts)))
    guard raised == handled, loop.interrupts >= handled else {
      throw .failed(Text.bytes("interrupts were lost, or came twice"))
    }
  }
}

private final class InterruptLoop: MeasuredLoop {
  private enum Port {
    static let levels = MemoryMap.interruptSource
    static let edge = MemoryMap.interruptSource + 4
    static let raised = MemoryMap.interruptSource
    static let acknowledged = MemoryMap.interruptSource + 4
  }
  private static let edgeVector: UInt8 = 0x50
  /// Its handler acknowledges the device.
  private static let levelVector: UInt8 = 0x3F
  private static let burst: UInt64 = 4

  let bytesPerOperation: UInt64 = 0
  private(set) var operations: UInt64 = 0
  private(set) var latency = LatencyHistogram()
  private let session: Session
  /// What the window takes at least; the warm-up has no such number.
  private let windowCount: UInt64
  private var count: UInt64 = 0
  private let isLevel: Bool
  private let interrupt: Interrupt
  private let base: UInt64
  private var asked: UInt64 = 0

  var raised: UInt64 { UInt64(pv_in32(Port.raised)) }
  var handled: UInt64 { isLevel ? UInt64(pv_in32(Port.acknowledged)) : interrupts }
  /// How often the handler has run.
  var interrupts: UInt64 { interrupt.count - base }

  init(_ session: Session) throws(WorkloadFailure) {
    guard pv_in32(Port.raised) == 0 else {
      throw .skipped(Text.bytes("no device that interrupts on request was found"))
    }
    self.session = session
    windowCount = try session.number("count")
    isLevel = session.isWord("trigger", "level")
    LocalAPIC.enable(acceptsPIC: false)
    interrupt = IOAPIC.enable(
      input: MemoryMap.interruptSourceInput, vector: isLevel ? Self.levelVector : Self.edgeVector, isLevel: isLevel)
    base = interrupt.count
  }

  func forgetMeasurements() {
    count = windowCount
    operations = 0
    latency = LatencyHistogram()
  }

  func run(nanoseconds: UInt64) throws(WorkloadFailure) {
    let deadline = pv_tsc() &+ session.ticks(nanoseconds: nanoseconds)
    let size = isLevel ? Self.burst : 1
    var now: UInt64
    repeat {
      asked += size
      let start = pv_tsc()
      pv_out32(isLevel ? Port.levels : Port.edge, UInt32(size))
      // What is handled after the first look changes the count, and nobody sleeps.
      while case let seen = interrupt.count, handled < asked { interrupt.wait(beyond: seen) }
      now = pv_tsc()
      latency.record(session.nanoseconds(now &- start))
      operations += 1
      session.beat()
    } while now < deadline || operations &* size < count
  }
}
