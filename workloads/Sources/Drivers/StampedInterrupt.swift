import GuestKernel
import PVWire

/// An interrupt from processor 0 to others, of which it is known when it was sent and when its handlers began.
public struct StampedInterrupt {
  /// What sends it.
  public enum Sender {
    /// The local APIC or a call, as processors interrupt each other.
    case processor(InterprocessorInterrupts)
    /// A write to a port that KVM answers by an irqfd, which interrupts processor 1.
    case relay
  }

  /// The interrupt, of all processors together.
  public let interrupt = Interrupt(vector: MemoryMap.relayVector)
  private let sender: Sender
  private let targets: Int
  private let command: DMAMemory
  /// Fixed, edge, to all but the sender (Intel SDM 3, figure 11-12).
  private static let toOthers: UInt32 = 3 << 18

  /// Offsets in `pv_command`.
  private enum Place {
    static let sent = 0
    static let command = 8
    static let processors = 16
  }

  /// From now on the vector's handler notes its beginning. For processors from 1 to `targets`, where those are all others; the
  /// local APICs are in the mode that `sender` needs.
  public init(_ sender: Sender, targets: Int) {
    self.sender = sender
    self.targets = targets
    command = DMAMemory(count: MemoryLayout<pv_command>.size)
    var handler: @convention(c) () -> Void = pv_arrive_by_xapic
    var value = UInt64(interrupt.vector)
    if case .processor(.x2APIC) = sender {
      handler = pv_arrive_by_x2apic
      value |= targets == 1 ? 1 << 32 : UInt64(Self.toOthers)
    }
    _ = ReplacedGate(vector: interrupt.vector, handler: handler)
    command.store(value, at: Place.command)
    command.store((UInt64(1) << UInt64(targets) &- 1) << 1, at: Place.processors)
  }

  /// Sends it; the TSC from right before: in ring 0 where sending takes that.
  public func send() -> UInt64 {
    switch sender {
    case .processor(.xAPIC):
      let sent = pv_tsc()
      if targets == 1 { LocalAPIC.write(.commandHigh, 1 << 24) }
      LocalAPIC.write(.commandLow, UInt32(interrupt.vector) | (targets == 1 ? 0 : Self.toOthers))
      return sent
    case .relay:
      let sent = pv_tsc()
      pv_out32(MemoryMap.relayPort, 0)
      return sent
    case .processor(.x2APIC): return sendInRing0(pv_send_by_x2apic)
    case .processor(.hypercall): return sendInRing0(Hypercall.usesVMMCALL ? pv_send_by_vmmcall : pv_send_by_vmcall)
    }
  }

  private func sendInRing0(_ function: @convention(c) (UnsafeMutableRawPointer?) -> UInt64) -> UInt64 {
    _ = pv_call(function, UnsafeMutableRawPointer(bitPattern: command.address))
    return command.load(UInt64.self, at: Place.sent)
  }

  /// When the handler last began on processor `index`; 0 before the first time.
  @inline(__always) public func arrival(on index: Int) -> UInt64 { pv_load64(pv_arrival_address(Int32(index))) }

  /// Sleeps on processor `index` until any interrupt comes, unless one of these has come after `seen`.
  @inline(__always) public func wait(on index: Int, beyond seen: UInt64) {
    pv_wait(pv_arrival_address(Int32(index)), seen)
  }
}
