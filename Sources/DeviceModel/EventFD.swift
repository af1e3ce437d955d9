import CLinuxKVM
import Glibc

/// An eventfd (eventfd(2)): the doorbell of a queue when KVM signals it (ioeventfd), an interrupt when KVM listens to it
/// (irqfd), a stop signal between threads. Non-blocking; signals add up until they are consumed.
public final class EventFD: InterruptEdge {
  /// The descriptor, borrowed: it stays open as long as this object.
  public let descriptor: Int32

  /// Why no eventfd could be made.
  public struct CreationError: Error, Equatable {
    /// The host's reason.
    public let errno: Int32
  }

  /// Opens a new eventfd with a count of zero.
  public init() throws(CreationError) {
    let descriptor = pv_eventfd()
    guard descriptor >= 0 else { throw CreationError(errno: -descriptor) }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// Adds one to the count: wakes whoever polls it, delivers an interrupt where it is an irqfd.
  public func signal() {
    var one: UInt64 = 1
    // The count can only overflow after 2^64 - 1 signals that nobody consumed; there is no other error to handle.
    _ = Glibc.write(descriptor, &one, 8)
  }

  /// Takes the whole count, 0 where nothing was signalled.
  @discardableResult public func consume() -> UInt64 {
    var count: UInt64 = 0
    return Glibc.read(descriptor, &count, 8) == 8 ? count : 0
  }

  /// Delivers one interrupt through an irqfd.
  public func pulse() { signal() }
  /// This very eventfd.
  public var eventDescriptor: Int32? { descriptor }
}
