import GuestKernel

/// What KVM says it has kept from the processor that asks (Linux, virt/kvm/x86/msr.rst, MSR_KVM_STEAL_TIME): the time that its
/// vCPU wanted to run and did not.
public struct StealTime {
  private enum Field {
    static let stolen = 0
    static let version = 8
  }
  private static let msr: UInt32 = 0x4B56_4D03
  private static let featureBit: UInt32 = 1 << 5
  private let record: DMAMemory

  /// Asks for the record; nil where CPUID shows no KVM, or none that has it.
  public init?() {
    guard KVMLeaves.features & Self.featureBit != 0 else { return nil }
    record = DMAMemory(count: 64)
    pv_wrmsr(Self.msr, UInt64(record.address) | 1)
  }

  /// Nanoseconds so far, as of the last time that the vCPU was put on a CPU.
  public var nanoseconds: UInt64 {
    while true {
      let version = record.load(UInt32.self, at: Field.version)
      // Each fence keeps the time on its side of the version.
      pv_full_fence()
      let stolen = record.load(UInt64.self, at: Field.stolen)
      pv_full_fence()
      if version & 1 == 0, record.load(UInt32.self, at: Field.version) == version { return stolen }
    }
  }
}
