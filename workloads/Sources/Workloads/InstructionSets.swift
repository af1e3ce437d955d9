import GuestKernel
import Kernels

/// What the machine's CPUID shows of instructions beyond SSE2 (Intel SDM 2, CPUID), asked in ring 0: some hosts show ring 3 the
/// physical processor.
enum InstructionSet {
  case aes
  case avx2
  case sha

  /// Skips the repetition where the machine does not have it.
  func require() throws(WorkloadFailure) {
    guard isOffered else { throw .skipped(Text.bytes("the guest's CPUID shows no ", name)) }
    guard hasState else { throw .skipped(Text.bytes("the guest's XCR0 does not allow AVX")) }
  }

  private var name: StaticString {
    switch self {
    case .aes: "AES instructions"
    case .avx2: "AVX2 with FMA"
    case .sha: "SHA instructions"
    }
  }

  private var isOffered: Bool {
    let (basic, extended) = (Self.cpuid(1), Self.cpuid(7))
    let hasSSE41 = basic.ecx & 1 << 19 != 0
    return switch self {
    case .aes: hasSSE41 && basic.ecx & 1 << 25 != 0
    case .sha: hasSSE41 && extended.ebx & 1 << 29 != 0
    case .avx2: basic.ecx & 1 << 12 != 0 && basic.ecx & 1 << 28 != 0 && extended.ebx & 1 << 5 != 0
    }
  }

  private var hasState: Bool {
    guard self == .avx2 else { return true }
    // OSXSAVE: some hosts forget it in CPUID, and a process has only that to look at.
    let isOn = pv_control4() & 1 << 18 != 0 || Self.cpuid(1).ecx & 1 << 27 != 0
    return isOn && pv_enabled_states() & 0b110 == 0b110
  }

  private static func cpuid(_ leaf: UInt32) -> (ebx: UInt32, ecx: UInt32) {
    var words: [UInt32] = [0, 0, 0, 0]
    words.withUnsafeMutableBufferPointer { pv_cpuid(0, 0, $0.baseAddress) }
    guard words[0] >= leaf else { return (0, 0) }
    words.withUnsafeMutableBufferPointer { pv_cpuid(leaf, 0, $0.baseAddress) }
    return (words[1], words[2])
  }
}
