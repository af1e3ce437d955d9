/// The words for ways out of the guest, which is what the suite `exits` is about: there a component of an id may mean another
/// thing than elsewhere.
enum WayOutName {
  /// By the component behind the suite.
  static let ways = [
    "empty": "nothing", "pio": "port I/O to the runner", "pit": "port I/O to the 8254", "pic": "port I/O to the 8259",
    "string": "string I/O to the runner", "mmio": "MMIO to the runner", "ioeventfd": "doorbell of an ioeventfd",
    "coalesced": "write that KVM gathers", "lapic": "local APIC by MMIO", "x2apic": "local APIC by MSR",
    "cpuid": "CPUID", "rdmsr": "RDMSR", "wrmsr": "WRMSR", "hypercall": "hypercall",
    "ipi": "interrupt to another vCPU", "wake": "wake from HLT", "eoi": "interrupt to oneself, with its end",
    "fault": "page fault", "tlb": "TLB flush", "syscall": "SYSCALL and SYSRET", "exception": "exception",
  ]
  /// By the components behind that.
  static let words = [
    "out": "write", "in": "read", "pio": "port", "mmio": "MMIO", "user": "handed to the runner", "ring0": "in ring 0",
    "ipi": "IPI", "broadcast": "to all others at once", "beside": "on the same CPU", "across": "on another CPU",
    "wake": "that wakes a thread", "pv": "paravirtual", "apic": "by the APIC", "xapic": "by MMIO", "x2apic": "by MSR",
    "guest": "inside the guest", "host": "of the host", "cr3": "by CR3", "invlpg": "by INVLPG",
    "remote": "on another vCPU", "breakpoint": "INT3", "undefined": "#UD", "protection": "#GP", "fault": "#PF",
    "kick": "KVM_HC_KICK_CPU", "yield": "KVM_HC_SCHED_YIELD", "unknown": "an unknown one",
  ]
}
