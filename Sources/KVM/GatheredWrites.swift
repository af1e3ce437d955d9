import CLinuxKVM

/// Writes that KVM gathers in a ring in place of an exit for each (KVM_CAP_COALESCED_MMIO and KVM_CAP_COALESCED_PIO, api.rst 4.116).
/// The ring is the machine's, on a page of every vCPU's mapping; a write that finds it full is an ordinary exit.
public struct GatheredWrites: Sendable {
  /// Entries of the ring, of which one stays free: the kernel's KVM_COALESCED_MMIO_MAX, whose definition for userspace lacks the
  /// size of a page.
  static let ringEntries = (pageSize - 8) / MemoryLayout<kvm_coalesced_mmio>.size
  static let pageSize = 4096
  /// Which page of the mapping.
  fileprivate let page: Int

  init(page: Int) { self.page = page }
}

extension VCPU {
  /// Takes what has been gathered: how many writes it was. On one thread only, between two runs.
  public func take(_ writes: GatheredWrites) -> UInt64 {
    guard let ring = page.address(ofPage: writes.page) else { return 0 }
    // SAFETY: KVM keeps its ring on that page of the mapping, which lives as long as this vCPU; what lies in it is not read.
    return UInt64(
      pv_coalesced_take(
        ring.assumingMemoryBound(to: kvm_coalesced_mmio_ring.self), UInt32(GatheredWrites.ringEntries)))
  }
}
