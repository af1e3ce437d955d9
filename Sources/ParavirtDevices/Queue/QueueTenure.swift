import GuestMemory
import Synchronization

/// A queue in the hands of the I/O thread that serves it.
struct ServedQueue {
  let queue: Virtqueue
  let memory: QueueMemory
  let features: VirtioFeatures
  let state: VirtioState
  private let index: Int

  init(_ assignment: QueueAssignment) {
    queue = Virtqueue(assignment.layout, memory: assignment.memory, features: assignment.features)
    memory = QueueMemory(assignment.memory)
    features = assignment.features
    state = assignment.state
    index = assignment.index
  }

  /// Interrupts where the driver wants it for what was given back since this was last asked; true where it did.
  func interruptIfWanted() throws(VirtqueueError) -> Bool {
    guard try queue.takeInterruptWish() else { return false }
    state.notifyUsedBuffers(queue: index)
    return true
  }
}

/// An I/O thread's side of a handover: the queue that it has, if any, and which order it followed last.
struct QueueTenure {
  let handover: QueueHandover
  private(set) var served: ServedQueue?
  private var followed: UInt64 = 0

  init(_ handover: QueueHandover) { self.handover = handover }

  /// The order in force where it was not followed yet. An order that was seen before its wake-up must not start the queue
  /// over.
  var news: QueueHandover.Order? {
    let order = handover.current
    return order.number == followed ? nil : order
  }

  /// Lets go of the queue: nothing of it is touched again before the next order.
  mutating func release() { served = nil }

  /// Carries out `order`, and says so.
  mutating func follow(_ order: QueueHandover.Order) {
    followed = order.number
    served = order.assignment.map(ServedQueue.init)
    handover.confirm(order.number)
  }
}
