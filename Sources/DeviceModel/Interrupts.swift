/// A level-triggered interrupt input, as a device sees it. Behind it: KVM_IRQ_LINE, or a fake in a test.
public protocol InterruptLine: AnyObject, Sendable {
  /// Drives the line high (`true`) or low. Repeating a level is harmless.
  func set(_ asserted: Bool)
}

/// An edge: one call is one interrupt. Behind it: an irqfd, or a counter in a test. May be called from any thread.
public protocol InterruptEdge: AnyObject, Sendable {
  /// Delivers one interrupt.
  func pulse()
}
