import GuestKernel

/// Calls of KVM (Linux, virt/kvm/x86/hypercalls.rst). Where they do not reach it, the first one hangs the vCPU: whoever made the
/// machine has found out before.
public enum Hypercall {
  /// The calls that this guest makes.
  public enum Number: UInt64 {
    case kickCPU = 5
    case sendIPI = 10
    case schedYield = 11
  }
  /// What KVM says of a call that it does not know: -KVM_ENOSYS.
  public static let unknown: Int64 = -1000
  /// True where the processor's instruction is VMMCALL, false where it is VMCALL.
  public private(set) nonisolated(unsafe) static var usesVMMCALL = false

  /// Finds out which of the two instructions this processor has; before the first call, on processor 0.
  public static func prepare() {
    let vendor = CPUID.words(0)[1]
    usesVMMCALL = vendor == 0x6874_7541 || vendor == 0x6F67_7948  // "Auth" of AuthenticAMD, "Hygo" of HygonGenuine
  }

  /// Makes a call; its result, negative for an error.
  @discardableResult @inline(__always)
  public static func make(_ number: Number, _ a: UInt64, _ b: UInt64 = 0, _ c: UInt64 = 0, _ d: UInt64 = 0) -> Int64 {
    let result =
      usesVMMCALL ? pv_vmmcall(number.rawValue, a, b, c, d) : pv_vmcall(number.rawValue, a, b, c, d)
    return Int64(bitPattern: result)
  }
}
