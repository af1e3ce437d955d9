import KVM

/// Finds out whether a hypercall reaches KVM and comes back. On some hosts (a guest's ring 0 that is interpreted by a vendor
/// module without hypercalls) KVM_RUN never returns from one, so that no guest may try before it is known.
enum HypercallProbe {
  /// `mov eax, -1; vmcall; out 0x80, eax`. KVM answers what it does not know with -KVM_ENOSYS, and corrects the other
  /// vendor's instruction (Linux, virt/kvm/x86/hypercalls.rst).
  private static let program: [UInt8] = [0xB8, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x01, 0xC1, 0xE7, 0x80]
  private static let unknownHypercall = UInt64(UInt32(bitPattern: -1000))

  /// True where a guest of a single hypercall, with a number that KVM does not know, is told so.
  static func reachesKVM(_ system: borrowing KVMSystem) -> Bool {
    ProbeGuest.run(program, system) { exit in
      guard case .io(let access) = exit else { return false }
      return !access.isInput && access.value == unknownHypercall
    } ?? false
  }
}
