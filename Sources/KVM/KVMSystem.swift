import CLinuxKVM
import Glibc

/// The host's KVM: `/dev/kvm`, opened and found to speak API version 12.
public struct KVMSystem: ~Copyable {
  /// Size of a vCPU's run page mapping, in bytes.
  public let vcpuMapSize: Int
  private let descriptor: Descriptor

  /// Opens `path` and checks the API version.
  ///
  /// - Throws: `.open` where the file cannot be opened, `.notKVM` where it is something else, `.apiVersion`.
  public init(path: String = "/dev/kvm") throws(KVMError) {
    let raw = Glibc.open(path, O_RDWR | O_CLOEXEC)
    guard raw >= 0 else { throw .open(path: path, errno: errno) }
    let descriptor = Descriptor(owning: raw)
    let version = pv_ioctl_value(raw, pv_KVM_GET_API_VERSION, 0)
    guard version >= 0 else { throw .notKVM(path: path, errno: -version) }
    guard version == KVM_API_VERSION else { throw .apiVersion(version) }
    let size = try descriptor.request(.getVCPUMapSize, pv_KVM_GET_VCPU_MMAP_SIZE)
    guard size >= MemoryLayout<kvm_run>.size else { throw .ioctl(.getVCPUMapSize, errno: EPROTO) }
    self.vcpuMapSize = Int(size)
    self.descriptor = descriptor
  }

  /// What `KVM_CHECK_EXTENSION` says of `capability` (a `KVM_CAP_…` number): 0 where it is absent, else a positive number
  /// that the capability defines.
  public func check(_ capability: Int32) -> Int32 {
    max(0, pv_ioctl_value(descriptor.raw, pv_KVM_CHECK_EXTENSION, UInt(UInt32(bitPattern: capability))))
  }

  /// The CPUID leaves that this host's KVM can give to a guest, KVM's own signature and features included. So is the local
  /// APIC's TSC-deadline mode where KVM has it: KVM leaves that bit to whoever knows where the local APIC is (api.rst 4.46), and
  /// every machine here has it in the kernel. And so is the sign of a hypervisor, which most hosts' KVM leaves to its user as well.
  public func supportedCPUID() throws(KVMError) -> CPUIDTable {
    var entries = [kvm_cpuid_entry2](repeating: kvm_cpuid_entry2(), count: pv_cpuid_capacity)
    // SAFETY: the array has room for `pv_cpuid_capacity` entries, the most that the shim ever copies.
    let count = entries.withUnsafeMutableBufferPointer { pv_kvm_supported_cpuid(descriptor.raw, $0.baseAddress) }
    try Descriptor.check(.getSupportedCPUID, count)
    let table = CPUIDTable(entries: entries.prefix(Int(count)).map(CPUIDTable.Entry.init(raw:))).showingHypervisor()
    return check(KVM_CAP_TSC_DEADLINE_TIMER) > 0 ? table.showingTSCDeadline() : table
  }

  /// Creates a virtual machine without memory or vCPUs.
  public func createVM() throws(KVMError) -> VirtualMachine {
    let raw = try descriptor.request(.createVM, pv_KVM_CREATE_VM)
    return VirtualMachine(descriptor: Descriptor(owning: raw), vcpuMapSize: vcpuMapSize)
  }
}
