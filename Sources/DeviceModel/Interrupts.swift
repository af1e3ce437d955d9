/// A level-triggered interrupt input, as a device sees it. Behind it: KVM_IRQ_LINE, or a fake in a test.
public protocol InterruptLine: AnyObject, Sendable {
  /// Drives the line high (`true`) or low. Repeating a level is harmless.
  func set(_ asserted: Bool)
}

/// An edge: one call is one interrupt. Behind it: an irqfd, or a counter in a test. May be called from any thread.
public protocol InterruptEdge: AnyObject, Sendable {
  /// Delivers one interrupt.
  func pulse()
  /// An eventfd that does the same when it is signalled, for whoever interrupts from inside the kernel; nil where there is none
  /// at this moment.
  var eventDescriptor: Int32? { get }
}

extension InterruptEdge {
  /// None.
  public var eventDescriptor: Int32? { nil }
}

/// The way of messages to the processors' local APICs, as an interrupt controller sees it. Behind it: KVM_SIGNAL_MSI and the
/// table of GSIs, or a list in a test. May be called from any thread.
public protocol InterruptMessenger: AnyObject, Sendable {
  /// Writes `data` to `address`, now.
  func send(address: UInt64, data: UInt32)
  /// Says what `input` sends from now on, where somebody drives it without asking the controller (an irqfd), and whose end of
  /// interrupt the controller wants to hear of. A masked input sends nothing.
  func route(input: Int, address: UInt64, data: UInt32, isMasked: Bool)
}

/// Whoever must be told that a processor has ended a level-triggered interrupt: a controller outside the kernel.
public protocol EndOfInterruptObserver: AnyObject, Sendable {
  /// A processor has ended `vector`.
  func endOfInterrupt(vector: UInt8)
}
