import DeviceModel
import Glibc
import GuestMemory
import Synchronization

/// A queue as it is handed to the thread that will serve it.
struct QueueAssignment: Sendable {
  /// The queue's number within its device.
  let index: Int
  let layout: VirtqueueLayout
  let memory: GuestMemory
  let features: VirtioFeatures
  let state: VirtioState
}

/// Hands a queue from vCPU threads to an I/O thread and takes it back. Taking back waits until the I/O thread has let go of
/// guest memory, or is not running at all.
final class QueueHandover: Sendable {
  /// What the I/O thread should have, as a number that only grows.
  struct Order {
    var number: UInt64
    var assignment: QueueAssignment?
  }

  private struct State {
    var order = Order(number: 0, assignment: nil)
    var confirmed: UInt64 = 0
    var isServed = false
  }

  /// Wakes the I/O thread: there is a new order.
  let ordered: EventFD
  private let confirmed: EventFD
  private let state = Mutex(State())

  /// A handover with an eventfd of its own to wake the I/O thread, or one that several queues of a thread share.
  init(ordered: EventFD? = nil) throws(EventFD.CreationError) {
    self.ordered = if let ordered { ordered } else { try EventFD() }
    confirmed = try EventFD()
  }
}

// MARK: - vCPU threads

extension QueueHandover {
  /// Gives the queue to the I/O thread, without waiting for it.
  func give(_ assignment: QueueAssignment) { order(assignment) }

  /// Takes the queue back: afterwards nothing of the I/O thread touches it. Harmless where it has none.
  func takeBack() {
    let number = order(nil)
    while state.withLock({ $0.isServed && $0.confirmed < number }) {
      var descriptor = pollfd(fd: confirmed.descriptor, events: Int16(POLLIN), revents: 0)
      poll(&descriptor, 1, -1)
      confirmed.consume()
    }
  }

  @discardableResult private func order(_ assignment: QueueAssignment?) -> UInt64 {
    let number = state.withLock { state in
      state.order = Order(number: state.order.number + 1, assignment: assignment)
      return state.order.number
    }
    ordered.signal()
    return number
  }
}

// MARK: - The I/O thread

extension QueueHandover {
  /// The I/O thread begins; it then asks for the current order.
  func begin() { state.withLock { $0.isServed = true } }

  /// The order in force.
  var current: Order { state.withLock { $0.order } }

  /// The I/O thread has carried out the order with this number, and let go of what it had before.
  func confirm(_ number: UInt64) {
    state.withLock { $0.confirmed = number }
    confirmed.signal()
  }

  /// The I/O thread ends, and has let go of everything.
  func end() {
    state.withLock { $0.isServed = false }
    confirmed.signal()
  }
}
