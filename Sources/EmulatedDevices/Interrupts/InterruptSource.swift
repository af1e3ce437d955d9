import DeviceModel
import Synchronization

/// A device that does nothing but interrupt when it is asked to: for tests of everything between a device's line and the
/// guest's handler, in which no interrupt may be lost. It raises its line from a thread of its own, as devices with I/O threads
/// do.
///
/// Registers, 32 bits each: 0, writing asks for that many levels, each of which stays until it is acknowledged, and reading counts
/// what was raised; 4, writing asks for one edge, and reading counts the levels that were acknowledged; 8, writing acknowledges a
/// level, where there is one.
public final class InterruptSource: Device {
  /// Ports that it takes.
  public static let portCount: UInt64 = 12

  /// The thread that drives the line.
  public var worker: any DeviceWorker { raiser }
  private let raiser: InterruptRaiser

  /// A silent device at the end of `line`.
  public init(line: any InterruptLine) throws(EventFD.CreationError) { raiser = try InterruptRaiser(line: line) }

  /// Reads a count; all else is ones.
  public func read(at offset: Int, width: AccessWidth) -> UInt64 {
    switch offset {
    case 0: UInt64(raiser.state.withLock { $0.raised })
    case 4: UInt64(raiser.state.withLock { $0.acknowledged })
    default: .max >> UInt64(64 - 8 * width.rawValue)
    }
  }

  /// Asks for interrupts, or acknowledges one.
  public func write(_ value: UInt64, at offset: Int, width: AccessWidth) {
    switch offset {
    case 0: raiser.ask { $0.owedLevels &+= UInt32(truncatingIfNeeded: value) }
    case 4: raiser.ask { $0.owedEdges &+= 1 }
    case 8: raiser.acknowledge()
    default: break
    }
  }
}

private final class InterruptRaiser: DeviceWorker {
  struct State {
    var owedLevels: UInt32 = 0
    var owedEdges: UInt32 = 0
    var raised: UInt32 = 0
    var acknowledged: UInt32 = 0
    var isHigh = false
  }

  let state = Mutex(State())
  private let line: any InterruptLine
  private let wake: EventFD
  private let stopRequest: EventFD

  init(line: any InterruptLine) throws(EventFD.CreationError) {
    self.line = line
    wake = try EventFD()
    stopRequest = try EventFD()
  }

  func ask(_ change: (inout State) -> Void) {
    state.withLock { change(&$0) }
    wake.signal()
  }

  /// The line is driven under the lock: what it is and what is known of it never differ.
  func acknowledge() {
    state.withLock { state in
      guard state.isHigh else { return }
      state.isHigh = false
      state.acknowledged &+= 1
      line.set(false)
    }
    wake.signal()
  }

  func run() {
    var wait = DescriptorWait([stopRequest.descriptor, wake.descriptor])
    while !wait.isReady(0) {
      wait.wait(nanoseconds: nil)
      guard wait.isReady(1) else { continue }
      wake.consume()
      while state.withLock({ raise(&$0) }) {}
    }
    stopRequest.consume()
  }

  func stop() { stopRequest.signal() }

  /// Raises one interrupt, where one is owed and the line is low; false otherwise.
  private func raise(_ state: inout State) -> Bool {
    guard !state.isHigh else { return false }
    if state.owedEdges > 0 {
      state.owedEdges -= 1
      state.raised &+= 1
      line.set(true)
      line.set(false)
    } else if state.owedLevels > 0 {
      state.owedLevels -= 1
      state.raised &+= 1
      state.isHigh = true
      line.set(true)
    } else {
      return false
    }
    return true
  }
}
