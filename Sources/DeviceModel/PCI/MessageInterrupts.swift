/// Message-signalled interrupts as one function's table drives them. Behind it: irqfd with KVM_SET_GSI_ROUTING, or a fake in a
/// test.
public protocol MessageInterrupts: AnyObject, Sendable {
  /// What the message of `vector` is from now on: `data`, written to `address`. While it is masked nobody sends it.
  func configure(vector: Int, address: UInt64, data: UInt32, isMasked: Bool)
  /// Sends the message of `vector`, whatever it is at that time.
  func edge(vector: Int) -> any InterruptEdge
}
