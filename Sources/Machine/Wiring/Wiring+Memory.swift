import GuestMemory
import KVM
import MachineLauncher
import ParavirtDevices

/// What becomes of RAM that the guest does not need.
extension Wiring {
  /// The balloon, where the machine has one.
  static func makeBalloon(_ specification: MachineSpecification) throws(MachineError) -> VirtioBalloon? {
    guard specification.choices["memory"] == "balloon" else { return nil }
    do { return try VirtioBalloon() } catch { throw .wiring("virtio-balloon: no eventfd, errno \(error.errno)") }
  }

  mutating func attachBalloon(
    _ device: VirtioBalloon, _ machine: borrowing VirtualMachine, memory: GuestMemory
  ) throws(MachineError) {
    try attach(device, slot: AddressMap.PCI.balloon, mmioSlot: AddressMap.MMIOSlot.balloon, machine, memory: memory)
  }

  /// What the balloon has counted, by metric: read it when the workers have ended.
  var memoryCounts: [String: UInt64] {
    guard let balloon else { return [:] }
    var counts = ["memory.reclaimed": balloon.counters.reclaimedBytes]
    counts["memory.balloon_free"] = balloon.statistics[.free]
    return counts
  }
}
