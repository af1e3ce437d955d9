import DeviceModel
import GuestMemory
import KVM
import MachineLauncher
import Measurement
import PVWire

/// How often the guest came where its way out ends inside KVM, told from what is left there. It belongs to the first vCPU's
/// thread.
final class WayCounter: @unchecked Sendable {
  // SAFETY of Sendable: handed over to the vCPU's thread before it starts.

  /// What KVM gathers for the runner to take after every exit.
  let gathered: GatheredWrites?
  /// What KVM signals; nobody waits for it, and nobody is woken.
  private let event: EventFD?
  private var taken: UInt64 = 0

  init(event: EventFD? = nil, gathered: GatheredWrites? = nil) {
    self.event = event
    self.gathered = gathered
  }

  /// Notes so many gathered writes.
  func add(_ count: UInt64) { taken &+= count }

  /// How often since the machine was made.
  func count() -> UInt64 {
    taken &+= event?.consume() ?? 0
    return taken
  }
}

/// What is at the end of a way out that is answered inside KVM.
extension Wiring {
  mutating func attach(_ way: WayOut, _ machine: borrowing VirtualMachine) throws(MachineError) {
    do {
      switch way.destination {
      case .event(let key):
        let event = try EventFD()
        try machine.assignDoorbell(descriptor: event.descriptor, address: Self.place(key), width: 4)
        wayCounter = WayCounter(event: event)
      case .ring(let key):
        guard let gathered = try machine.gatherWrites(at: Self.place(key)) else {
          throw MachineError.unavailable("this host's KVM does not gather writes of \(key.reason.name)")
        }
        wayCounter = WayCounter(gathered: gathered)
      case .runner(let key, _) where key.reason == .rdmsr || key.reason == .wrmsr:
        guard try machine.filterMSR(UInt32(truncatingIfNeeded: key.address)) else {
          throw MachineError.unavailable("this host's KVM does not hand over model-specific registers")
        }
      case .runner(let key, _) where slowdown != nil && key.reason == .io:
        // Where nobody is, nobody can be slow.
        try Self.map(Nobody(), at: key.address, count: 4, on: &ports)
      case .guest, .runner, .kernel, .kernelOrProcessor: break
      }
    } catch { throw MachineError(making: error) }
  }

  private static func place(_ key: ExitKey) -> DoorbellAddress {
    key.reason == .io ? .port(UInt16(truncatingIfNeeded: key.address)) : .mmio(GuestAddress(key.address))
  }
}
