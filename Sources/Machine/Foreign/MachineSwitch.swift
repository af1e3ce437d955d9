import DeviceModel
import Synchronization

/// How a foreign guest ended.
enum ForeignEnd: Equatable, Sendable {
  case request(SystemRequest)
  /// KVM would not run it on; not `.done`, which only our own guest says.
  case stopped(StopReason)
  /// KVM could not emulate an instruction, whose bytes begin like this.
  case emulationFailure(at: UInt64, bytes: [UInt8])

  var isEmulationFailure: Bool {
    if case .emulationFailure = self { true } else { false }
  }
}

/// The machine's switch: devices and vCPUs end it, the runner's main thread waits for that.
final class MachineSwitch: SystemControl {
  /// Signalled when the machine has ended.
  let event: EventFD
  /// True once no vCPU shall run any more.
  let isOff = Atomic(false)
  private let end = Mutex<ForeignEnd?>(nil)
  private let firstRun = Atomic<UInt64>(0)
  private let marked = Atomic<UInt64>(0)
  private let clock: @Sendable () -> UInt64

  init(clock: @escaping @Sendable () -> UInt64) throws(EventFD.CreationError) {
    event = try EventFD()
    self.clock = clock
  }

  func request(_ request: SystemRequest) {
    if request == .marker {
      Self.note(clock(), in: marked)
    } else {
      finish(.request(request))
    }
  }

  /// Ends the machine; the first reason counts.
  func finish(_ reason: ForeignEnd) {
    end.withLock { $0 = $0 ?? reason }
    switchOff()
  }

  /// Ends the machine without a reason of its own.
  func switchOff() {
    isOff.store(true, ordering: .releasing)
    event.signal()
  }

  /// A vCPU is about to run for the first time.
  func noteFirstRun() { Self.note(clock(), in: firstRun) }

  /// Why the machine ended; nil where it did not by itself.
  var reason: ForeignEnd? { end.withLock { $0 } }
  /// When the first vCPU ran first, in nanoseconds of the clock.
  var firstRunTime: UInt64? { Self.time(firstRun) }
  /// When the guest wrote the marker's port first.
  var markerTime: UInt64? { Self.time(marked) }

  private static func note(_ now: UInt64, in cell: borrowing Atomic<UInt64>) {
    _ = cell.compareExchange(expected: 0, desired: now, ordering: .relaxed)
  }

  private static func time(_ cell: borrowing Atomic<UInt64>) -> UInt64? {
    let value = cell.load(ordering: .relaxed)
    return value == 0 ? nil : value
  }
}
