import CLinuxKVM

/// The KVM requests that pvbench makes (Documentation/virt/kvm/api.rst), by the kernel's own names: what an error names.
public enum KVMOperation: String, Sendable, CustomStringConvertible {
  case getAPIVersion = "KVM_GET_API_VERSION"
  case getVCPUMapSize = "KVM_GET_VCPU_MMAP_SIZE"
  case getSupportedCPUID = "KVM_GET_SUPPORTED_CPUID"
  case createVM = "KVM_CREATE_VM"
  case enableCapability = "KVM_ENABLE_CAP"
  case setUserMemoryRegion = "KVM_SET_USER_MEMORY_REGION"
  case setTSSAddress = "KVM_SET_TSS_ADDR"
  case setIdentityMapAddress = "KVM_SET_IDENTITY_MAP_ADDR"
  case createIRQChip = "KVM_CREATE_IRQCHIP"
  case createPIT = "KVM_CREATE_PIT2"
  case createVCPU = "KVM_CREATE_VCPU"
  case irqLine = "KVM_IRQ_LINE"
  case signalMSI = "KVM_SIGNAL_MSI"
  case irqFD = "KVM_IRQFD"
  case setGSIRouting = "KVM_SET_GSI_ROUTING"
  case ioEventFD = "KVM_IOEVENTFD"
  case registerCoalesced = "KVM_REGISTER_COALESCED_MMIO"
  case setMSRFilter = "KVM_X86_SET_MSR_FILTER"
  case getStatsFD = "KVM_GET_STATS_FD"
  case run = "KVM_RUN"
  case getRegisters = "KVM_GET_REGS"
  case setRegisters = "KVM_SET_REGS"
  case getSystemRegisters = "KVM_GET_SREGS"
  case setSystemRegisters = "KVM_SET_SREGS"
  case getMSRs = "KVM_GET_MSRS"
  case setMSRs = "KVM_SET_MSRS"
  case setCPUID = "KVM_SET_CPUID2"
  case setExtendedControlRegisters = "KVM_SET_XCRS"
  case getLocalAPIC = "KVM_GET_LAPIC"
  case setLocalAPIC = "KVM_SET_LAPIC"
  case getRunningState = "KVM_GET_MP_STATE"
  case setRunningState = "KVM_SET_MP_STATE"
  case getTSCKHz = "KVM_GET_TSC_KHZ"

  /// The kernel's name of the request.
  public var description: String { rawValue }
}
