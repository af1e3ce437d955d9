import GuestKernel

/// A vector whose interrupts or exceptions somebody else's handler (traps.S) takes for a while.
public struct ReplacedGate {
  private let vector: UInt8
  private let old: pv_gate

  /// Puts `handler` behind `vector`, on all processors.
  public init(vector: UInt8, handler: @convention(c) () -> Void) {
    self.vector = vector
    old = pv_replace_gate(vector, handler)
  }

  /// Puts the guest kernel's own handler back.
  public func restore() { pv_restore_gate(vector, old) }
}
