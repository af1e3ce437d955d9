import CLinuxKVM
import Glibc

/// Waits for input on descriptors, to the nanosecond where poll(2) has only milliseconds.
public struct DescriptorWait {
  private var events: [pollfd]

  /// Waits for input on these; a negative one is not looked at.
  public init(_ descriptors: [Int32]) { events = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) } }

  /// Looks at another descriptor in the place of the one at `index`.
  public mutating func replace(_ index: Int, by descriptor: Int32) { events[index].fd = descriptor }

  /// Returns when one is ready, after `nanoseconds` (nil: never), or because of a signal.
  public mutating func wait(nanoseconds: UInt64?) {
    let limit = nanoseconds.map { Int64(clamping: $0) } ?? -1
    let began = limit == 0 ? 0 : pv_sleep_begins()
    let ready = pv_poll(&events, UInt(events.count), limit)
    if limit != 0 { pv_sleep_ends(began) }
    if ready <= 0 { for index in events.indices { events[index].revents = 0 } }
  }

  /// True where the last wait found the descriptor at `index` ready, or broken.
  public func isReady(_ index: Int) -> Bool { events[index].revents != 0 }
}
